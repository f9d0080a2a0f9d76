//! Step 9: the answer to the exercises 5 and 10 of the manual: HEAD, and `100 Continue`.
//!
//! It is step 8, and two ideas more: an answer without its body, and a body that waits until the
//! server asks for it. Press Enter to stop it.

use std::collections::VecDeque;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, mem, thread};

const HEAD_BYTES: usize = 16 * 1024;
const BODY_BYTES: u64 = 1024 * 1024;
/// How long a head may take, and then its body.
const TIMEOUT: Duration = Duration::from_secs(4);
/// How many connections may be open.
const CONNECTIONS: usize = 100;
/// How long the accept loop waits for room.
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    let server = Arc::new(Server { routes: routes(), ..Server::default() });
    let stop = Arc::clone(&server);
    thread::spawn(move || {
        let _ = io::stdin().read_line(&mut String::new());
        stop.lock().is_stopping = true;
        // The accept loop waits for a connection.
        TcpStream::connect(address)
    });
    server.run(listener)
}

/// The table: each row is open or guarded.
fn routes() -> Vec<Route> {
    vec![
        Route("GET", "/", open(home)),
        Route("GET", "/me", guarded(signed_in, me)),
        Route("POST", "/notes", guarded(signed_in, add_note)),
    ]
}

fn home(_: &mut Request) -> Response {
    Response::text("Everyone can see this.\n")
}

fn me(_: &mut Request, User(name): User) -> Response {
    Response::text(format!("Hello, {name}.\n"))
}

/// It has a bug: an empty note has no first byte.
fn add_note(request: &mut Request, User(name): User) -> Response {
    match request.body() {
        Ok(note) => Response::text(format!("{name}, your note begins with {}.\n", note[0])),
        Err(error) => error,
    }
}

/// A user, by name. Only a guard makes one.
struct User(&'static str);

/// A guard finds the user, or refuses the request with a challenge. It can't read the body.
type Guard<T> = fn(&Request) -> Result<T, Refusal>;
struct Refusal(&'static str);

/// This guard takes the token from `Authorization: Bearer TOKEN`.
fn signed_in(request: &Request) -> Result<User, Refusal> {
    match request.header("Authorization").and_then(|value| value.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => by_token(token),
        _ => Err(Refusal(r#"Bearer realm="steps""#)),
    }
}

fn by_token(token: &str) -> Result<User, Refusal> {
    let is_ann = is_same(token.as_bytes(), b"s3cret-of-ann");
    let refusal = Refusal(r#"Bearer realm="steps", error="invalid_token""#);
    if is_ann { Ok(User("Ann")) } else { Err(refusal) }
}

/// Compares all bytes: `==` stops at the first wrong one, and its time shows where that is.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences = left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right));
    black_box(differences) == 0 && left.len() == right.len()
}

/// A row: a method, a path, and what answers.
struct Route(&'static str, &'static str, Answer);
type Answer = Box<dyn Fn(&mut Request) -> Response + Send + Sync>;

fn open(handler: fn(&mut Request) -> Response) -> Answer {
    Box::new(handler)
}

/// First the guard, then the handler. Nothing else makes a 401.
fn guarded<T: 'static>(guard: Guard<T>, handler: fn(&mut Request, T) -> Response) -> Answer {
    Box::new(move |request| match guard(request) {
        Ok(user) => handler(request, user),
        Err(Refusal(challenge)) => {
            Response::error("401 Unauthorized").with_header("WWW-Authenticate", challenge)
        }
    })
}

/// The answer of the row for this request; without such a row, 404 or 405.
fn answer(routes: &[Route], request: &mut Request) -> Response {
    let rows: Vec<_> = routes.iter().filter(|row| row.1 == request.path).collect();
    // HEAD is GET without the body, which the connection leaves out (RFC 9110 §9.3.2).
    let method = if request.method == "HEAD" { "GET" } else { &request.method };
    match rows.iter().find(|row| row.0 == method) {
        Some(row) => (row.2)(request),
        None if rows.is_empty() => Response::error("404 Not Found"),
        None => Response::error("405 Method Not Allowed").with_header("Allow", rows[0].0),
    }
}

struct Response {
    status: &'static str,
    headers: String,
    body: String,
}

impl Response {
    fn text(body: impl Into<String>) -> Response {
        Response { status: "200 OK", headers: String::new(), body: body.into() }
    }

    fn error(status: &'static str) -> Response {
        Response { status, ..Response::text(format!("{status}\n")) }
    }

    fn with_header(mut self, name: &str, value: &str) -> Response {
        self.headers.extend([name, ": ", value, "\r\n"]);
        self
    }

    fn write(&self, mut stream: &TcpStream, stays_open: bool, is_head: bool) -> io::Result<()> {
        let Response { status, headers, body } = self;
        let (length, connection) = (body.len(), if stays_open { "keep-alive" } else { "close" });
        let body = if is_head { "" } else { body };
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        stream.write_all(format!("{head}Connection: {connection}\r\n\r\n{body}").as_bytes())
    }
}

/// What the peer did wrong, as an answer.
impl From<io::Error> for Response {
    fn from(error: io::Error) -> Response {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Response::error("408 Request Timeout"),
            _ => Response::error("400 Bad Request"),
        }
    }
}

/// What guards and handlers see. A guard gets `&Request`: reading the body needs `&mut`.
struct Request<'c> {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    persistent: bool,
    /// The body that is not read yet; `None` after an error in it.
    unread: Option<Framing>,
    /// The client waits for `100 Continue` before it sends the body.
    awaits_continue: bool,
    incoming: &'c mut Incoming,
}

/// Where a body ends (RFC 9112 §6.3).
enum Framing {
    Length(u64),
    Chunked,
}

impl Request<'_> {
    /// Reads a head, and not the body.
    fn read(incoming: &mut Incoming) -> Result<Request<'_>, Response> {
        let mut lines = String::new();
        while !lines.ends_with("\r\n\r\n") {
            lines += &read_line(incoming)?;
            if lines.len() > HEAD_BYTES {
                return Err(Response::error("431 Request Header Fields Too Large"));
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        if !head.parse(lines.as_bytes()).is_ok_and(|status| status.is_complete()) {
            return Err(Response::error("400 Bad Request"));
        }
        let text = |header: &httparse::Header| {
            (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
        };
        let mut request = Request {
            method: head.method.unwrap_or_default().to_owned(),
            path: head.path.unwrap_or_default().split('?').take(1).collect(),
            headers: head.headers.iter().map(text).collect(),
            persistent: head.version == Some(1),
            unread: None,
            awaits_continue: false,
            incoming,
        };
        request.persistent &= !request.values("Connection").contains(&"close");
        request.unread = Some(request.framing()?);
        let expects = request.header("Expect");
        request.awaits_continue = expects
            .is_some_and(|own| own.eq_ignore_ascii_case("100-continue"))
            && !matches!(request.unread, Some(Framing::Length(0)));
        Ok(request)
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let all = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        all.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that came once.
    fn header(&self, name: &str) -> Option<&str> {
        if let [value] = self.values(name)[..] { Some(value) } else { None }
    }

    /// What two servers could read in two ways is refused.
    fn framing(&self) -> Result<Framing, Response> {
        match (&self.values("Content-Length")[..], &self.values("Transfer-Encoding")[..]) {
            ([], []) => Ok(Framing::Length(0)),
            ([length], []) => Ok(Framing::Length(number(length, 10)?)),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            _ => Err(Response::error("400 Bad Request")),
        }
    }

    fn body(&mut self) -> Result<Vec<u8>, Response> {
        self.incoming.get_mut().deadline = Instant::now() + TIMEOUT;
        if mem::take(&mut self.awaits_continue) {
            self.incoming.get_ref().tcp.as_ref().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = Vec::new();
        match self.unread.take() {
            None => return Err(Response::error("400 Bad Request")),
            Some(Framing::Length(length)) => read_bytes(self.incoming, length, &mut body)?,
            Some(Framing::Chunked) => loop {
                let size = number(read_line(self.incoming)?.trim_end_matches("\r\n"), 16)?;
                read_bytes(self.incoming, size, &mut body)?;
                if read_line(self.incoming)? != "\r\n" {
                    return Err(Response::error("400 Bad Request"));
                } else if size == 0 {
                    break;
                }
            },
        }
        self.unread = Some(Framing::Length(0));
        Ok(body)
    }
}

/// Reads a line. It ends in CRLF, and in nothing else.
fn read_line(incoming: &mut Incoming) -> io::Result<String> {
    let mut line = String::new();
    incoming.take(8 * 1024).read_line(&mut line)?;
    if line.ends_with("\r\n") { Ok(line) } else { Err(ErrorKind::InvalidData.into()) }
}

/// Reads this many bytes more of a body.
fn read_bytes(incoming: &mut Incoming, count: u64, body: &mut Vec<u8>) -> Result<(), Response> {
    if count > BODY_BYTES - body.len() as u64 {
        return Err(Response::error("413 Content Too Large"));
    }
    let read = incoming.take(count).read_to_end(body)? as u64;
    if read == count { Ok(()) } else { Err(Response::error("400 Bad Request")) }
}

/// Digits, and nothing else. `u64::from_str_radix` also takes a sign.
fn number(digits: &str, radix: u32) -> io::Result<u64> {
    let number = u64::from_str_radix(digits, radix).ok();
    number.filter(|_| !digits.starts_with('+')).ok_or(ErrorKind::InvalidData.into())
}

/// What has arrived on a connection and is not used yet, and what will arrive.
type Incoming = BufReader<Stream>;

/// A stream that has a deadline for all its reads together.
struct Stream {
    tcp: Arc<TcpStream>,
    deadline: Instant,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(Some(rest))?;
        self.tcp.as_ref().read(into)
    }
}

/// Serves a connection until it closes.
fn serve(tcp: &Arc<TcpStream>, server: &Server) -> io::Result<()> {
    tcp.set_write_timeout(Some(TIMEOUT))?;
    let mut incoming = BufReader::new(Stream { tcp: Arc::clone(tcp), deadline: Instant::now() });
    while round(&mut incoming, tcp, server)? {}
    // A close over unread bytes takes the answer from the peer. So it first reads on for a while.
    tcp.shutdown(Shutdown::Write)?;
    incoming.get_mut().deadline = Instant::now() + TIMEOUT;
    server.while_idle(tcp, || io::copy(&mut incoming, &mut io::sink())).map(drop)
}

/// Reads a request and answers it. Returns whether the connection stays open.
fn round(incoming: &mut Incoming, tcp: &Arc<TcpStream>, server: &Server) -> io::Result<bool> {
    incoming.get_mut().deadline = Instant::now() + TIMEOUT;
    if incoming.buffer().is_empty() && server.while_idle(tcp, || incoming.fill_buf())?.is_empty() {
        return Ok(false);
    }
    let mut request = match Request::read(incoming) {
        Ok(request) => request,
        Err(error) => return error.write(tcp, false, false).map(|()| false),
    };
    let answered = panic::catch_unwind(AssertUnwindSafe(|| answer(&server.routes, &mut request)));
    let response = answered.unwrap_or_else(|_| Response::error("500 Internal Server Error"));
    let _ = writeln!(io::stderr(), "{} {} {}", request.method, request.path, response.status);
    let is_last = server.lock().is_stopping && request.incoming.buffer().is_empty();
    // A client that waits may leave the body out after this answer. Then nobody knows what comes.
    let is_known = request.unread.is_some() && !request.awaits_continue;
    let stays_open = request.persistent && is_known && !is_last;
    response.write(tcp, stays_open, request.method == "HEAD")?;
    // What no handler has read is dropped: it must not become the next request.
    Ok(stays_open && request.body().is_ok())
}

/// What the accept loop and the threads share.
#[derive(Default)]
struct Server {
    routes: Vec<Route>,
    connections: Mutex<Connections>,
    /// A connection is idle now, or has ended.
    changed: Condvar,
}

#[derive(Default)]
struct Connections {
    open: usize,
    /// Those that wait for a request. The one that has waited longest is the first.
    idle: VecDeque<Arc<TcpStream>>,
    is_stopping: bool,
}

impl Server {
    /// The accept loop.
    fn run(self: &Arc<Self>, listener: TcpListener) -> io::Result<()> {
        for tcp in listener.incoming() {
            match tcp {
                Ok(tcp) => self.give_to_thread(tcp),
                Err(_) => self.make_room(),
            }
            if self.lock().is_stopping {
                break;
            }
        }
        // The connections in the queue of the kernel are served, too.
        listener.set_nonblocking(true)?;
        for tcp in listener.incoming().map_while(Result::ok) {
            tcp.set_nonblocking(false)?;
            self.give_to_thread(tcp);
        }
        drop(listener);
        // Idle connections close now, and the others after their answer.
        let must_wait = |all: &mut Connections| {
            all.idle.drain(..).for_each(|idle| drop(idle.shutdown(Shutdown::Read)));
            all.open > 0
        };
        drop(self.changed.wait_timeout_while(self.lock(), 2 * TIMEOUT, must_wait));
        Ok(())
    }

    /// Each connection gets a thread, as soon as there is room for it.
    fn give_to_thread(self: &Arc<Self>, tcp: TcpStream) {
        while self.lock().open >= CONNECTIONS {
            self.make_room();
        }
        self.lock().open += 1;
        let server = Arc::clone(self);
        let thread = thread::Builder::new().spawn(move || {
            let _ = serve(&Arc::new(tcp), &server);
            server.lock().open -= 1;
            server.changed.notify_all();
        });
        if thread.is_err() {
            self.lock().open -= 1;
            self.make_room();
        }
    }

    /// Closes the connection that has been idle longest, and waits a little for its end.
    fn make_room(&self) {
        let mut all = self.lock();
        let open = all.open;
        if let Some(idle) = all.idle.pop_front() {
            let _ = idle.shutdown(Shutdown::Read);
        }
        drop(self.changed.wait_timeout_while(all, PAUSE, |all| all.open == open));
    }

    /// Runs a wait for the peer. Meanwhile the connection can be closed to make room.
    fn while_idle<T>(&self, tcp: &Arc<TcpStream>, wait: impl FnOnce() -> T) -> T {
        self.lock().idle.push_back(Arc::clone(tcp));
        self.changed.notify_all();
        let waited = wait();
        self.lock().idle.retain(|idle| !Arc::ptr_eq(idle, tcp));
        waited
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

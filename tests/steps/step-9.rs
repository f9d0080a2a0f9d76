//! Step 9: the answer to the exercises 5 and 10 of the manual: HEAD, and `100 Continue`.
//!
//! It is step 8 with two more ideas: an answer without its body, and a body that waits until the
//! server asks for it. Press Enter to stop it.

mod request;
mod routes;

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, mem, thread};

use request::{Framing, Request};
use routes::{Response, Route, User, answer, guarded, open, signed_in};

const HEAD_BYTES: u64 = 16 * 1024;
const BODY_BYTES: u64 = 1024 * 1024;
/// How long a connection may be idle, and then a request may take.
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

fn me(_: &mut Request, user: User) -> Response {
    Response::text(format!("Hello, {}.\n", user.name()))
}

/// It has a bug: an empty note has no first byte.
fn add_note(request: &mut Request, user: User) -> Response {
    match request.body() {
        Ok(note) => {
            Response::text(format!("{}, your note begins with {}.\n", user.name(), note[0]))
        }
        Err(error) => error,
    }
}

/// What has arrived on a connection and is not used yet, and what will arrive.
type Incoming = BufReader<Stream>;

/// A stream that has a deadline for all its reads together.
struct Stream {
    tcp: Arc<TcpStream>,
    deadline: Instant,
    /// The client waits for `100 Continue` before it sends the body.
    awaits_continue: bool,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(Some(rest))?;
        // The handler wants the body, and the body is not here.
        if mem::take(&mut self.awaits_continue) {
            self.tcp.as_ref().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        self.tcp.as_ref().read(into)
    }
}

/// Serves a connection until it closes.
fn serve(tcp: &Arc<TcpStream>, server: &Server) -> io::Result<()> {
    tcp.set_write_timeout(Some(TIMEOUT))?;
    let mut incoming = BufReader::new(Stream {
        tcp: Arc::clone(tcp),
        deadline: Instant::now(),
        awaits_continue: false,
    });
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
    incoming.get_mut().deadline = Instant::now() + TIMEOUT;
    let mut request = match Request::read(incoming) {
        Ok(request) => request,
        Err(error) => return error.write(tcp, false).map(|()| false),
    };
    let expected = request.header("Expect").unwrap_or_default();
    // A client of HTTP/1.0 does not know the answer (RFC 9110 §10.1.1).
    let awaits = request.version == 1 && expected.eq_ignore_ascii_case("100-continue");
    request.incoming().get_mut().awaits_continue = awaits;
    let line = format!("{} {}", request.method, request.path);
    // HEAD is GET without the body (RFC 9110 §9.3.2).
    let is_head = request.method == "HEAD";
    if is_head {
        "GET".clone_into(&mut request.method);
    }
    let answered = panic::catch_unwind(AssertUnwindSafe(|| answer(&server.routes, &mut request)));
    let response = answered.unwrap_or_else(|_| Response::error("500 Internal Server Error"));
    let _ = writeln!(io::stderr(), "{line} {}", response.status);
    let body_is_read = matches!(request.unread, Some(Framing::Length(0)));
    let has_next = body_is_read && !request.incoming().buffer().is_empty();
    let is_last = server.lock().is_stopping && !has_next;
    // A client that was not asked may leave its body out. Then nobody knows what comes next.
    let was_asked = !mem::take(&mut request.incoming().get_mut().awaits_continue);
    let can_go_on = body_is_read || request.unread.is_some() && was_asked;
    let stays_open = request.is_persistent() && can_go_on && !is_last;
    if is_head {
        tcp.as_ref().write_all(response.head(stays_open).as_bytes())?;
    } else {
        response.write(tcp, stays_open)?;
    }
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
        let tcp = Arc::new(tcp);
        loop {
            while self.lock().open >= CONNECTIONS {
                self.make_room();
            }
            self.lock().open += 1;
            let (server, tcp) = (Arc::clone(self), Arc::clone(&tcp));
            let thread = thread::Builder::new().spawn(move || {
                let _ = serve(&tcp, &server);
                drop(tcp);
                server.lock().open -= 1;
                server.changed.notify_all();
            });
            if thread.is_ok() {
                return;
            }
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

//! Step 4: a connection stays open, and all its requests come out of one buffer.
//!
//! What breaks it: a request with a body. The body is taken for the next request.

mod routes;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::{env, thread};

use routes::{Response, Route, User, answer, guarded, open, signed_in};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = Arc::new(routes());
    for tcp in listener.incoming() {
        let routes = Arc::clone(&routes);
        thread::spawn(move || serve(tcp?, &routes));
    }
    Ok(())
}

/// The table: each row is open or guarded.
fn routes() -> Vec<Route> {
    vec![Route("GET", "/", open(home)), Route("GET", "/me", guarded(signed_in, me))]
}

fn home(_: &mut Request) -> Response {
    Response::text("Everyone can see this.\n")
}

fn me(_: &mut Request, user: User) -> Response {
    Response::text(format!("Hello, {}.\n", user.name()))
}

/// What the peer did wrong, as an answer.
impl From<io::Error> for Response {
    fn from(_: io::Error) -> Response {
        Response::error("400 Bad Request")
    }
}

/// What guards and handlers see.
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    version: u8,
}

impl Request {
    /// Reads a head: all lines up to a blank one.
    fn read(incoming: &mut Incoming) -> Result<Request, Response> {
        let mut lines = String::new();
        while !lines.ends_with("\n\r\n") && !lines.ends_with("\n\n") {
            if incoming.read_line(&mut lines)? == 0 {
                return Err(Response::error("400 Bad Request"));
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
        Ok(Request {
            method: head.method.unwrap_or_default().to_owned(),
            path: head.path.unwrap_or_default().split('?').take(1).collect(),
            headers: head.headers.iter().map(text).collect(),
            version: head.version.unwrap_or_default(),
        })
    }

    /// Whether its client may send one more request on this connection.
    fn is_persistent(&self) -> bool {
        let options = self.values("Connection").join(",");
        let mut options = options.split(',').map(str::trim);
        self.version == 1 && !options.any(|option| option.eq_ignore_ascii_case("close"))
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let all = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        all.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that came once.
    fn header(&self, name: &str) -> Option<&str> {
        if let [value] = self.values(name)[..] { Some(value) } else { None }
    }
}

/// What has arrived on a connection and is not used yet, and what will arrive.
type Incoming = BufReader<TcpStream>;

/// Serves a connection until it closes.
fn serve(tcp: TcpStream, routes: &[Route]) -> io::Result<()> {
    let mut incoming = BufReader::new(tcp);
    while round(&mut incoming, routes)? {}
    Ok(())
}

/// Reads a request and answers it. Returns whether the connection stays open.
fn round(incoming: &mut Incoming, routes: &[Route]) -> io::Result<bool> {
    if incoming.fill_buf()?.is_empty() {
        return Ok(false);
    }
    let mut request = match Request::read(incoming) {
        Ok(request) => request,
        Err(error) => return error.write(incoming.get_ref(), false).map(|()| false),
    };
    let response = answer(routes, &mut request);
    let _ = writeln!(io::stderr(), "{} {} {}", request.method, request.path, response.status);
    // Our answer to HEAD has a body. The client would take it for the next answer.
    let stays_open = request.is_persistent() && request.method != "HEAD";
    response.write(incoming.get_ref(), stays_open)?;
    Ok(stays_open)
}

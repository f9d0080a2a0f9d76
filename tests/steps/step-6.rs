//! Step 6: every wait and every size has a limit.
//!
//! What breaks it: clients that only connect, and a handler that panics.

mod request;
mod routes;

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, thread};

use request::Request;
use routes::{Response, Route, User, answer, guarded, open, signed_in};

const HEAD_BYTES: u64 = 16 * 1024;
const BODY_BYTES: u64 = 1024 * 1024;
/// How long a connection may be idle, and then a request may take.
const TIMEOUT: Duration = Duration::from_secs(4);

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
    tcp: TcpStream,
    deadline: Instant,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(Some(rest))?;
        self.tcp.read(into)
    }
}

/// Serves a connection until it closes.
fn serve(tcp: TcpStream, routes: &[Route]) -> io::Result<()> {
    tcp.set_write_timeout(Some(TIMEOUT))?;
    let mut incoming = BufReader::new(Stream { tcp, deadline: Instant::now() });
    while round(&mut incoming, routes)? {}
    // A close over unread bytes takes the answer from the peer. So it first reads on for a while.
    incoming.get_ref().tcp.shutdown(Shutdown::Write)?;
    incoming.get_mut().deadline = Instant::now() + TIMEOUT;
    io::copy(&mut incoming, &mut io::sink()).map(drop)
}

/// Reads a request and answers it. Returns whether the connection stays open.
fn round(incoming: &mut Incoming, routes: &[Route]) -> io::Result<bool> {
    incoming.get_mut().deadline = Instant::now() + TIMEOUT;
    if incoming.fill_buf()?.is_empty() {
        return Ok(false);
    }
    incoming.get_mut().deadline = Instant::now() + TIMEOUT;
    let mut request = match Request::read(incoming) {
        Ok(request) => request,
        Err(error) => return error.write(&incoming.get_ref().tcp, false).map(|()| false),
    };
    let response = answer(routes, &mut request);
    let _ = writeln!(io::stderr(), "{} {} {}", request.method, request.path, response.status);
    // Our answer to HEAD has a body. The client would take it for the next answer.
    let can_go_on = request.unread.is_some() && request.method != "HEAD";
    let stays_open = request.is_persistent() && can_go_on;
    response.write(&request.incoming().get_ref().tcp, stays_open)?;
    // What no handler has read is dropped: it must not become the next request.
    Ok(stays_open && request.body().is_ok())
}

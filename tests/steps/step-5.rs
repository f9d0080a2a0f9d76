//! Step 5: requests have bodies, and there is only one way to read where a request ends.
//!
//! What breaks it: a client that sends a byte a second, or a head without an end.

mod request;
mod routes;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::{env, thread};

use request::Request;
use routes::{Response, Route, User, answer, guarded, open, signed_in};

/// There is no limit yet.
const HEAD_BYTES: u64 = u64::MAX;
const BODY_BYTES: u64 = u64::MAX;

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
type Incoming = BufReader<TcpStream>;

/// Serves a connection until it closes.
fn serve(tcp: TcpStream, routes: &[Route]) -> io::Result<()> {
    let mut incoming = BufReader::new(tcp);
    while round(&mut incoming, routes)? {}
    // A close over unread bytes takes the answer from the peer. So it first reads on, until the
    // peer has closed.
    incoming.get_ref().shutdown(Shutdown::Write)?;
    io::copy(&mut incoming, &mut io::sink()).map(drop)
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
    let can_go_on = request.unread.is_some() && request.method != "HEAD";
    let stays_open = request.is_persistent() && can_go_on;
    response.write(request.incoming().get_ref(), stays_open)?;
    // What no handler has read is dropped: it must not become the next request.
    Ok(stays_open && request.body().is_ok())
}

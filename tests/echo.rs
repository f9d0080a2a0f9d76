//! A second program on the public API: it sends back what it received. Public
//! conformance suites use it, and the scripts that test the server from outside.
//!
//! ```sh
//! cargo run --release --example echo -- --listen 127.0.0.1:0
//! ```

use std::io::{self, Write};

use guardhouse::Method::{self, GET, POST};
use guardhouse::{Error, Request, Response, Route, Routes, Server, Status};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let listen = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:8000",
        ["--listen", address] => address,
        _ => return Err(io::Error::other("usage: echo [--listen HOST:PORT]")),
    };
    let server = Server::bind(listen)?;
    writeln!(io::stdout(), "listening on http://{}", server.local_addr())?;
    server.run(routes())
}

/// The routes of the program.
pub fn routes() -> Routes {
    let home = Route::open(GET, "/", |_: &mut Request| Response::text("OK\n"));
    let body = Route::open(POST, "/", body);
    let any = Method::ALL.map(|method| Route::open(method, "/echo", headers));
    Routes::new([home, body].into_iter().chain(any))
}

/// Sends back the body.
fn body(request: &mut Request) -> Result<Response, Error> {
    let body = request.body()?.to_vec();
    Ok(Response::new(Status::OK).with_body("application/octet-stream", body))
}

/// Sends back the headers, one in each line; and in headers of the answer the method, the
/// target, and the address of the client, which tells one connection from another.
fn headers(request: &mut Request) -> Response {
    let lines = request.headers().iter().map(|header| [header.name.as_bytes(), header.value]);
    let lines: Vec<u8> =
        lines.flat_map(|[name, value]| [name, b": ", value, b"\n"].concat()).collect();
    let peer = request.peer().map_or_else(String::new, |peer| peer.to_string());
    let query = request.query().map_or_else(String::new, |query| format!("?{query}"));
    Response::new(Status::OK)
        .with_body("text/plain", lines)
        .with_header("Echo-Method", request.method().as_str())
        .with_header("Echo-Target", request.path().to_owned() + &query)
        .with_header("Echo-Peer", peer)
}

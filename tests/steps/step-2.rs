//! Step 2: a thread for each connection, and a head that may come in pieces.
//!
//! What breaks it: a token in the query. It is in the log, and in the history of the browser.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    for tcp in listener.incoming() {
        thread::spawn(move || serve(tcp?));
    }
    Ok(())
}

/// The answer for a method and a target.
fn answer(request: &Request) -> Response {
    match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/") => Response::text("Everyone can see this.\n"),
        ("GET", "/me?token=s3cret-of-ann") => Response::text("Hello, Ann.\n"),
        ("GET", "/me") => Response::error("403 Forbidden"),
        (_, "/" | "/me") => Response::error("405 Method Not Allowed").with_header("Allow", "GET"),
        _ => Response::error("404 Not Found"),
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

    fn write(&self, mut stream: &TcpStream) -> io::Result<()> {
        let Response { status, headers, body } = self;
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())
    }
}

/// What the peer did wrong, as an answer.
impl From<io::Error> for Response {
    fn from(_: io::Error) -> Response {
        Response::error("400 Bad Request")
    }
}

struct Request {
    method: String,
    target: String,
}

impl Request {
    /// Reads a head: all lines up to a blank one.
    fn read(incoming: &mut BufReader<TcpStream>) -> Result<Request, Response> {
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
        Ok(Request {
            method: head.method.unwrap_or_default().to_owned(),
            target: head.path.unwrap_or_default().to_owned(),
        })
    }
}

/// Serves a connection: one request, and one answer.
fn serve(tcp: TcpStream) -> io::Result<()> {
    let mut incoming = BufReader::new(tcp);
    let response = match Request::read(&mut incoming) {
        Ok(request) => {
            let response = answer(&request);
            let _ =
                writeln!(io::stderr(), "{} {} {}", request.method, request.target, response.status);
            response
        }
        Err(error) => error,
    };
    response.write(incoming.get_ref())
}

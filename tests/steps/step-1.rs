//! Step 1: one connection at a time, one `read`, and an answer.
//!
//! What breaks it: a client that connects and says nothing. All others wait for it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, str};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    for tcp in listener.incoming() {
        // A connection that breaks must not end the server.
        let _ = tcp.and_then(serve);
    }
    Ok(())
}

/// Serves a connection: one request, and one answer. A head that comes in two pieces is read
/// only in part.
fn serve(mut tcp: TcpStream) -> io::Result<()> {
    // Most heads are shorter than this.
    let mut buffer = [0; 1024];
    let count = tcp.read(&mut buffer)?;
    let head = str::from_utf8(&buffer[..count]).unwrap_or_default();
    let (status, body) = if head.starts_with("GET / ") {
        ("200 OK", "Everyone can see this.\n")
    } else {
        ("404 Not Found", "404 Not Found\n")
    };
    write(&tcp, status, body)
}

/// Writes an answer (RFC 9112 §4). The client needs the length, to know where the answer ends.
fn write(mut tcp: &TcpStream, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n");
    tcp.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())
}

//! `GET /protected` with a Bearer token, on tiny_http: it is blocking, like
//! guardhouse, and a few threads take requests from a queue.

use std::sync::Arc;
use std::thread;

use tiny_http::{Header, Request, Response, Server};

fn answer(request: Request) -> std::io::Result<()> {
    let signed_in = request.headers().iter().any(|header| {
        header.field.equiv("Authorization") && header.value == "Bearer fake-super-secret-token"
    });
    let (status, json) = if signed_in && request.url() == "/protected" {
        (200, r#"{"message":"Hello user1! This is a protected route."}"#)
    } else {
        (401, r#"{"detail":"Not authenticated"}"#)
    };
    let header = |name: &str, value: &str| {
        Header::from_bytes(name, value).expect("a name and a value of plain text")
    };
    let mut response = Response::from_string(json)
        .with_status_code(status)
        .with_header(header("Content-Type", "application/json"));
    if status == 401 {
        response.add_header(header("WWW-Authenticate", r#"Bearer realm="peer""#));
    }
    request.respond(response)
}

fn main() {
    let server = Arc::new(Server::http("127.0.0.1:0").expect("a free port"));
    println!("listening on http://{}", server.server_addr());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    let _ = answer(request);
                }
            })
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
}

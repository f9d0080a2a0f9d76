//! `GET /protected` with a Bearer token, on khttp: it is blocking, and each connection
//! has a thread, as in guardhouse.

use std::net::TcpListener;

use khttp::{ConnectionSetupAction, Headers, Method, Server, Status};

fn main() -> std::io::Result<()> {
    // khttp does not say which port it has got. So this program looks for one that is free.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut server = Server::builder(address)?;
    // Without this, an answer may wait until the client has acknowledged the one before.
    server.connection_setup_hook(|connection| match connection {
        Ok((stream, _)) if stream.set_nodelay(true).is_ok() => {
            ConnectionSetupAction::Proceed(stream)
        }
        _ => ConnectionSetupAction::Drop,
    });
    server.route(Method::Get, "/protected", |request, response| {
        let mut headers = Headers::new();
        headers.add("Content-Type", b"application/json");
        let token = request.headers.get("authorization");
        if token == Some(b"Bearer fake-super-secret-token".as_slice()) {
            let json = r#"{"message":"Hello user1! This is a protected route."}"#;
            return response.ok(&headers, json);
        }
        headers.add("WWW-Authenticate", br#"Bearer realm="peer""#);
        response.send(&Status::of(401), &headers, r#"{"detail":"Not authenticated"}"#)
    });
    println!("listening on http://{address}");
    server.build().serve_threaded()
}

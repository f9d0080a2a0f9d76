//! Opens the listening socket of the server.

use std::io;
use std::net::TcpListener;

use guardhouse::Server;

use crate::backlog;
use crate::failure::Failure;

/// A server that listens on this address, `HOST:PORT`.
pub fn listen(address: &str) -> Result<Server, Failure> {
    open(address).map_err(|error| {
        let advice = advice(&error);
        Failure::CouldNotRun(format!("can't listen on {address:?}: {error}\n{advice}"))
    })
}

fn open(address: &str) -> io::Result<Server> {
    let listener = TcpListener::bind(address)?;
    if let Err(error) = backlog::lengthen(&listener) {
        log::warn!("more than 128 new connections at once may have to wait: {error}");
    }
    Server::from_listener(listener)
}

/// What a person can do about the error.
fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, InvalidInput, PermissionDenied};
    match error.kind() {
        AddrInUse => "stop what listens there, or choose another port: --listen 127.0.0.1:0",
        AddrNotAvailable => "this machine does not have that address: try 127.0.0.1 or 0.0.0.0",
        PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
        InvalidInput => "give a host and a port: --listen 127.0.0.1:8000",
        _ => "give a host that resolves, and a port up to 65535: --listen 127.0.0.1:8000",
    }
}

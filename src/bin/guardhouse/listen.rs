//! Opens the listening socket of the server.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

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
    let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
    let listener = TcpListener::bind(&*addresses)?;
    let others = others(&addresses, listener.local_addr()?);
    if !others.is_empty() {
        log::info!("{address:?} has more addresses; the server does not listen on {others}");
    }
    if let Err(error) = backlog::lengthen(&listener) {
        log::warn!("more than 128 new connections at once may have to wait: {error}");
    }
    Server::from_listener(listener)
}

/// The address to type into a browser on this machine, with its port.
pub fn for_browser(address: SocketAddr) -> String {
    // A server on every address of the machine; no browser opens 0.0.0.0.
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// The addresses of a name on which the server does not listen. `localhost` often has one
/// of IPv4 and one of IPv6, and a client may try the other one.
fn others(addresses: &[SocketAddr], own: SocketAddr) -> String {
    let mut others: Vec<String> = Vec::new();
    for ip in addresses.iter().map(|address| address.ip().to_string()) {
        if ip != own.ip().to_string() && !others.contains(&ip) {
            others.push(ip);
        }
    }
    others.join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_the_addresses_on_which_the_server_does_not_listen() {
        let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let (four, six) = (address("127.0.0.1:0"), address("[::1]:0"));
        assert_eq!(others(&[four], address("127.0.0.1:8000")), "");
        assert_eq!(others(&[four, four], address("127.0.0.1:8000")), "");
        assert_eq!(others(&[six, four], address("[::1]:8000")), "127.0.0.1");
        assert_eq!(others(&[six, four, six], address("127.0.0.1:8000")), "::1");
        assert_eq!(others(&[address("0.0.0.0:0")], address("0.0.0.0:8000")), "");
    }

    #[test]
    fn a_browser_on_the_machine_opens_the_address_or_localhost() {
        for (address, shown) in [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("[::1]:8000", "[::1]:8000"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("0.0.0.0:8000", "localhost:8000"),
            ("[::]:8000", "localhost:8000"),
        ] {
            assert_eq!(for_browser(address.parse().unwrap()), shown);
        }
    }

    #[test]
    fn a_server_listens_on_one_address_of_a_name() {
        let addresses: Vec<_> = ("localhost", 0).to_socket_addrs().unwrap().collect();
        let own = listen("localhost:0").unwrap().local_addr();
        assert!(addresses.iter().any(|address| address.ip() == own.ip()), "{own}");
        let named = others(&addresses, own);
        for address in addresses.iter().filter(|address| address.ip() != own.ip()) {
            assert!(named.contains(&address.ip().to_string()), "{named}");
        }
    }
}

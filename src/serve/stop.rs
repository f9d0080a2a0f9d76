//! How a server is asked to stop, from another thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Stops a [`Server`](crate::Server) from another thread. Clones stop the same
/// server.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: Arc<(Mutex<bool>, Condvar)>,
    /// Where the server listens.
    address: SocketAddr,
}

impl Stop {
    pub(crate) fn new(address: SocketAddr) -> Stop {
        Stop { asked: Arc::default(), address }
    }

    /// Asks the server to stop, and returns at once. A second call has no effect.
    pub fn stop(&self) {
        *self.lock() = true;
        self.asked.1.notify_all();
    }

    /// Waits until [`stop`](Stop::stop) is called.
    pub(crate) fn wait(&self) {
        drop(self.asked.1.wait_while(self.lock(), |asked| !*asked));
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.lock()
    }

    /// Wakes the accept loop, by a connection to the server.
    pub(crate) fn wake(&self) -> io::Result<()> {
        TcpStream::connect_timeout(&self.own_address(), Duration::from_secs(1)).map(drop)
    }

    /// The address at which the server can connect to itself. It keeps the interface of a
    /// link-local address (`fe80::1%eth0`), without which the system does not connect.
    fn own_address(&self) -> SocketAddr {
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        address
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.asked.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddrV6;

    #[test]
    fn the_own_address_is_one_that_can_be_reached() {
        let own = |address: &str| Stop::new(address.parse().unwrap()).own_address().to_string();
        assert_eq!(own("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(own("[::]:80"), "[::1]:80");
        assert_eq!(own("192.0.2.1:80"), "192.0.2.1:80");
        // The same address can be at several interfaces.
        let link_local = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 4).into();
        assert_eq!(Stop::new(link_local).own_address(), link_local);
    }
}

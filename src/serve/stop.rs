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
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, self.address.port());
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.asked.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

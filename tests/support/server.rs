//! A server on a free port.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use guardhouse::{Limits, Routes, Server, Stop};

use super::{Client, PATIENCE, routes};

/// A server that runs for as long as a test holds it.
pub struct Running {
    pub address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// A server with the table of the tests.
    pub fn with(limits: Limits) -> Running {
        Running::start(limits, routes())
    }

    /// A server with other routes.
    pub fn start(limits: Limits, routes: impl Into<Routes>) -> Running {
        let server = Server::bind("127.0.0.1:0").expect("a free port");
        Running::run(server.with_limits(limits), routes)
    }

    /// A server that a test has made itself.
    pub fn run(server: Server, routes: impl Into<Routes>) -> Running {
        let (address, stop, routes) = (server.local_addr(), server.stop(), routes.into());
        let thread = Some(thread::spawn(move || server.run(routes)));
        Running { address, stop, thread }
    }

    pub fn connect(&self) -> Client {
        Client::new(connect(self.address))
    }

    /// Tells the server to stop, and does not wait for that.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// Stops the server, and waits until it has ended.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended
                    .expect("the accept loop does not panic")
                    .expect("the accept loop returns no error");
            }
        }
    }
}

/// A socket on which no read and no write waits for ever: a server that does
/// nothing fails the test.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
    stream
}

/// Limits for tests that are not about time: however busy the machine is, only a
/// bug makes a timeout pass.
pub fn patient_limits() -> Limits {
    let long = Duration::from_secs(60);
    Limits {
        silent_timeout: long,
        head_timeout: long,
        body_timeout: long,
        idle_timeout: long,
        write_timeout: long,
        drain_timeout: long,
        linger_timeout: long,
        ..Limits::default()
    }
}

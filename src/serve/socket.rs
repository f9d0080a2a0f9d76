//! A connection's TCP socket.
//!
//! A write that the peer does not read would wait for ever. Here it has a deadline, and
//! while it waits, the server knows that the connection can be evicted.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::serve::state::{Lag, State, Wait};
use crate::serve::stream::{Stream, is_timeout};

/// A connection's socket.
#[derive(Clone, Copy)]
pub(crate) struct Socket<'s> {
    pub(crate) stream: &'s TcpStream,
    state: &'s State,
    limits: &'s Limits,
}

impl<'s> Socket<'s> {
    /// How long one call of the system waits for the peer to read. After that the
    /// connection's state says that the peer does not read.
    const STEP: Duration = Duration::from_millis(100);

    pub(crate) fn new(
        stream: &'s TcpStream,
        state: &'s State,
        limits: &'s Limits,
    ) -> io::Result<Socket<'s>> {
        if !INHERITS {
            set_options(stream)?;
        }
        Ok(Socket { stream, state, limits })
    }

    /// Goes on with a write whose first step has written a part, or nothing.
    fn write_rest(&self, bytes: &[u8], step: io::Result<usize>) -> io::Result<usize> {
        let before = self.state.wait();
        let written = self.write_slowly(bytes, step);
        self.state.set(before);
        written
    }

    fn write_slowly(&self, bytes: &[u8], mut step: io::Result<usize>) -> io::Result<usize> {
        let Limits { write_timeout, write_rate, crowded_rate, .. } = *self.limits;
        let mut rest = bytes;
        let mut lag = Lag::default();
        let mut now = Instant::now();
        let mut progress = now;
        let at_least = Duration::from_secs(bytes.len() as u64 / write_rate.max(1));
        let deadline = now + write_timeout + at_least;
        loop {
            let began = now;
            now = Instant::now();
            match step {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    progress = now;
                    lag.add(now - began, count, crowded_rate);
                }
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {
                    lag.add(now - began, 0, crowded_rate);
                }
                Err(error) => return Err(error),
            }
            if rest.is_empty() {
                return Ok(bytes.len());
            }
            if now >= deadline || now >= progress + write_timeout {
                return Err(ErrorKind::TimedOut.into());
            }
            self.state.set(Wait::PeerToRead(lag.since(now)));
            let mut stream = self.stream;
            step = stream.write(rest);
        }
    }
}

/// Whether a connection has the options of its listener, as on Linux. That saves two system
/// calls for each connection.
const INHERITS: bool = cfg!(target_os = "linux");

/// Sets the options that all connections of this listener need.
#[cfg(target_os = "linux")]
pub(crate) fn prepare(listener: &TcpListener) -> io::Result<()> {
    // The same socket, by the type that can set these options.
    let socket = std::os::fd::OwnedFd::from(listener.try_clone()?);
    set_options(&TcpStream::from(socket))
}

/// Each connection gets them itself.
#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare(_: &TcpListener) -> io::Result<()> {
    Ok(())
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    // An answer is one write, and must not wait until the peer has acknowledged the one
    // before it.
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(Socket::STEP))
}

impl Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

/// A write writes everything, or fails.
impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.write(bytes) {
            Ok(count) if count == bytes.len() => Ok(count),
            step => self.write_rest(bytes, step),
        }
    }

    /// Writes several parts with one call of the system, as TLS does; or the first part, if
    /// the peer does not read.
    fn write_vectored(&mut self, parts: &[IoSlice]) -> io::Result<usize> {
        match self.stream.write_vectored(parts) {
            Err(error) if is_timeout(&error) => match parts.iter().find(|part| !part.is_empty()) {
                Some(first) => self.write(first),
                None => Ok(0),
            },
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Socket<'_> {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(timeout))
    }

    fn end_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_sends_at_once_and_waits_for_a_step_at_most() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        prepare(&listener).expect("options");
        let _client = TcpStream::connect(listener.local_addr().expect("an address"));
        let (stream, _) = listener.accept().expect("a connection");
        let (state, limits) = (State::new(), Limits::default());
        let socket = Socket::new(&stream, &state, &limits).expect("a socket");
        assert!(socket.stream.nodelay().expect("an option"));
        assert_eq!(socket.stream.write_timeout().expect("an option"), Some(Socket::STEP));
    }
}

//! A connection's stream through TLS: a [`Stream`] like that of TCP.
//!
//! It moves TLS's bytes itself, and not through rustls's `StreamOwned`, for two reasons.
//! One read of plaintext may need many reads of the socket, and all of them together
//! have one deadline. And a write that fails must be reported at once.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use rustls::ServerConnection;

use crate::http::response::Response;
use crate::http::target::UriScheme;
use crate::limits::Limits;
use crate::serve::socket::Socket;
use crate::serve::stream::Stream;

/// A connection's stream through TLS.
pub(crate) struct TlsStream<'s> {
    tls: ServerConnection,
    socket: Timed<'s>,
    /// A write has failed. Nothing is written after that, not even an alert.
    is_broken: bool,
}

impl<'s> TlsStream<'s> {
    /// Makes the handshake. All of it has one deadline, in however many pieces it comes.
    pub(crate) fn shake_hands(
        tls: ServerConnection,
        socket: Socket<'s>,
        limits: &Limits,
    ) -> io::Result<TlsStream<'s>> {
        let mut stream = TlsStream { tls, socket: Timed::new(socket, limits), is_broken: false };
        stream.socket.deadline = Some(Instant::now() + limits.head_timeout);
        while stream.tls.is_handshaking() {
            if stream.receive()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(stream)
    }

    /// Takes what one read of the socket brings, and sends TLS's own answer to it:
    /// a part of the handshake, or an alert.
    fn receive(&mut self) -> io::Result<usize> {
        let count = self.tls.read_tls(&mut self.socket)?;
        let processed = self.tls.process_new_packets();
        let sent = self.send();
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        sent.and(Ok(count))
    }

    /// Writes what is encrypted and not sent yet.
    fn send(&mut self) -> io::Result<()> {
        while self.tls.wants_write() && !self.is_broken {
            match self.tls.write_tls(&mut self.socket.stream) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(1..) => {}
                written => {
                    self.is_broken = true;
                    return written.and(Err(ErrorKind::WriteZero.into()));
                }
            }
        }
        if self.is_broken { Err(ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    /// "Each party MUST send a "close_notify" alert before closing its write side of
    /// the connection" (RFC 8446 §6.1). Without it the peer can't know whether the
    /// connection was cut off.
    fn send_close_notify(&mut self) -> io::Result<()> {
        self.tls.send_close_notify(); // rustls sends it once only.
        self.send()
    }
}

impl Read for TlsStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.deadline = None;
        loop {
            match self.tls.reader().read(into) {
                // No plaintext yet: a part of a record is missing, or the record was
                // for TLS itself.
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.receive()?,
                // "Servers SHOULD be prepared to receive an incomplete close from the
                // client" (RFC 9112 §9.8). HTTP's framing shows if a request was cut
                // off.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            };
        }
    }
}

impl Write for TlsStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.tls.writer().write(bytes)?;
        self.send().and(Ok(count))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl Stream for TlsStream<'_> {
    const SCHEME: UriScheme = UriScheme::Https;

    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.socket.timeout = timeout;
        Ok(())
    }

    fn end_writing(&mut self) -> io::Result<()> {
        self.send_close_notify()?;
        self.socket.stream.end_writing()
    }

    /// Tells browsers to use HTTPS only. Otherwise an attacker between the two ends could
    /// keep them, and their tokens, on plain HTTP. Only over TLS: "An HSTS Host MUST NOT
    /// include the STS header field in HTTP responses conveyed over non-secure
    /// transport" (RFC 6797 §7.2).
    fn headers_for(response: &Response) -> &'static str {
        if response.header("Strict-Transport-Security").is_some() {
            return "";
        }
        // A year, in seconds, as hstspreload.org asks for. Subdomains are not included,
        // because the server knows nothing about them.
        "Strict-Transport-Security: max-age=31536000\r\n"
    }
}

/// However the connection ends, the peer gets a close_notify.
impl Drop for TlsStream<'_> {
    fn drop(&mut self) {
        if !self.is_broken {
            let _ = self.send_close_notify();
        }
    }
}

/// A socket with one deadline for all its reads together: a peer that sends a record byte
/// by byte gets no more time than one that sends it whole.
struct Timed<'s> {
    stream: Socket<'s>,
    timeout: Duration,
    /// When the timeout that began with the first read is over.
    deadline: Option<Instant>,
    /// The timeout that the kernel knows. Mostly it is the right one, and need not be
    /// set again.
    set: Duration,
}

impl<'s> Timed<'s> {
    fn new(stream: Socket<'s>, limits: &Limits) -> Timed<'s> {
        let set = limits.silent_timeout;
        Timed { stream, timeout: set, deadline: None, set }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let now = Instant::now();
            let rest = match self.deadline {
                Some(deadline) => deadline.saturating_duration_since(now),
                None => self.timeout,
            };
            self.deadline = Some(now + rest);
            if rest.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            if rest != self.set {
                self.stream.set_read_timeout(rest)?;
                self.set = rest;
            }
            match self.stream.read(into) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

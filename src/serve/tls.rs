//! HTTPS, for builds with the feature `tls`: the handshake, and a [`Stream`] over
//! which the connection's loop runs as it does over TCP.
//!
//! TLS is rustls, with ring; nothing of it is our own. That stream moves TLS's
//! bytes itself, and not through rustls's `StreamOwned`, for two reasons. One read
//! of plaintext may need many reads of the socket, and all of them together have one
//! deadline. And a write that fails must be reported at once.

use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};

use crate::error::Error;
use crate::limits::Limits;
use crate::serve::certificate::load;
use crate::serve::connection::{self, Context};
use crate::serve::stream::Stream;

pub use crate::serve::certificate::LoadError;

/// A certificate and its key. With them a [`Server`](crate::Server) speaks HTTPS.
/// Clones share both.
///
/// TLS 1.3 and 1.2 (RFC 8446, RFC 5246), with the cipher suites that rustls
/// considers safe; HTTP/1.1 only (ALPN, RFC 7301). No client certificates, and no
/// early data, because it can be replayed.
///
/// ```
/// use guardhouse::{Method::GET, Request, Response, Route, Server, Tls};
///
/// # let folder = std::env::temp_dir().join(format!("guardhouse-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let (cert_pem, key_pem) = (folder.join("cert.pem"), folder.join("key.pem"));
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # std::fs::write(&cert_pem, made.cert.pem())?;
/// # std::fs::write(&key_pem, made.signing_key.serialize_pem())?;
/// let tls = Tls::load(cert_pem, key_pem)?;
/// let server = Server::bind("127.0.0.1:0")?.with_tls(tls.clone());
/// # let stop = server.stop();
/// let running = std::thread::spawn(|| {
///     server.run([Route::open(GET, "/", |_: &mut Request| Response::text("Hi.\n"))])
/// });
/// // When the certificate has been renewed:
/// tls.reload()?;
/// # stop.stop();
/// # running.join().unwrap()?;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Files>);

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// Read once for each connection, and never for a request.
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Loads a certificate, the chain that comes after it, and its private key from
    /// PEM files (RFC 7468). If others can read the key, a warning is logged.
    ///
    /// # Errors
    ///
    /// A file can't be read, or does not have what it should have, or the key is not
    /// that of the certificate.
    pub fn load(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Tls, LoadError> {
        let (certificate, key) = (certificate.into(), key.into());
        let current = RwLock::new(Arc::new(load(&certificate, &key)?));
        Ok(Tls(Arc::new(Files { certificate, key, current })))
    }

    /// Loads both files again, for new connections. Sessions that began before can't
    /// be resumed.
    ///
    /// # Errors
    ///
    /// As [`Tls::load`]. Then certificate and key stay the same.
    pub fn reload(&self) -> Result<(), LoadError> {
        let loaded = Arc::new(load(&self.0.certificate, &self.0.key)?);
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// Serves a connection: first the handshake, then requests. A peer that speaks
    /// plain HTTP gets a 400 that says so.
    pub(crate) fn serve(&self, socket: &TcpStream, context: &Context) {
        // A handshake is not a request, so the connection can be evicted during it.
        context.state.set_idle(Instant::now());
        match self.accept(socket, context.limits) {
            Ok(Some(stream)) => connection::serve(stream, context),
            Ok(None) => connection::reject(Error::NotEncrypted, socket, context),
            Err(error) => log::debug!("a TLS handshake failed: {error}"),
        }
    }

    /// Makes the handshake; `None` if the peer speaks plain HTTP, of which nothing
    /// has been read then.
    fn accept<'s>(
        &self,
        socket: &'s TcpStream,
        limits: &Limits,
    ) -> io::Result<Option<TlsStream<'s>>> {
        socket.set_write_timeout(Some(limits.write_timeout))?;
        socket.set_read_timeout(Some(limits.silent_timeout))?;
        // A method is letters; the first byte of a handshake is 22 (RFC 8446 §5.1).
        // rustls answers anything else with an alert.
        if first_byte(socket)?.is_ascii_alphabetic() {
            return Ok(None);
        }
        let config = Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner));
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = TlsStream { tls, socket: Timed::new(socket, limits), is_broken: false };
        stream.shake_hands(limits.head_timeout)?;
        Ok(Some(stream))
    }
}

/// Shows the names of the files, and nothing that is in them.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Files { certificate, key, .. } = &*self.0;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish()
    }
}

/// The first byte that the next read will bring.
fn first_byte(socket: &TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    loop {
        match socket.peek(&mut byte) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A connection's stream through TLS.
struct TlsStream<'s> {
    tls: ServerConnection,
    socket: Timed<'s>,
    /// A write has failed. Nothing is written after that, not even an alert.
    is_broken: bool,
}

impl TlsStream<'_> {
    /// The whole handshake has one deadline, in however many pieces it comes.
    fn shake_hands(&mut self, timeout: Duration) -> io::Result<()> {
        self.socket.deadline = Some(Instant::now() + timeout);
        while self.tls.is_handshaking() {
            if self.receive()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
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
    const IS_SECURE: bool = true;

    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.socket.timeout.set(timeout);
        Ok(())
    }

    fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.socket.stream.set_write_timeout(Some(timeout))
    }

    fn end_writing(&mut self) -> io::Result<()> {
        self.send_close_notify()?;
        self.socket.stream.shutdown(Shutdown::Write)
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

/// A socket whose reads have one deadline together: a peer that sends a record byte
/// by byte gets no more time than one that sends it whole.
struct Timed<'s> {
    stream: &'s TcpStream,
    timeout: Cell<Duration>,
    /// When the timeout that began with the first read is over.
    deadline: Option<Instant>,
    /// The timeout that the kernel knows. Mostly it is the right one, and need not be
    /// set again.
    set: Duration,
}

impl<'s> Timed<'s> {
    fn new(stream: &'s TcpStream, limits: &Limits) -> Timed<'s> {
        let set = limits.silent_timeout;
        Timed { stream, timeout: Cell::new(set), deadline: None, set }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let now = Instant::now();
            let rest = match self.deadline {
                Some(deadline) => deadline.saturating_duration_since(now),
                None => self.timeout.get(),
            };
            self.deadline = Some(now + rest);
            if rest.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            if rest != self.set {
                self.stream.set_read_timeout(Some(rest))?;
                self.set = rest;
            }
            match self.stream.read(into) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

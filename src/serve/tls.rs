//! HTTPS: between the accepted socket and the connection's loop, for builds
//! with the feature `tls`.
//!
//! TLS is rustls, with ring; nothing of it is home-made. What is here is what
//! only the server can know: where certificate and key are and how they are
//! loaded again; how long a handshake may take; and a [`Stream`] over which the
//! connection's loop runs as it runs over TCP. That stream moves TLS's bytes
//! itself, not through rustls's `StreamOwned`, for two reasons: one read of
//! plaintext may take many of the socket, and all of them together have one
//! deadline; and a write that fails is to be an error, at once.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig, ServerConnection};

use crate::auth::secret::warn_of_readers;
use crate::limits::Limits;
use crate::serve::connection::Stream;

/// A certificate and its key, with which a [`Server`](crate::Server) speaks
/// HTTPS. Clones share both.
///
/// TLS 1.3 and 1.2 (RFC 8446, RFC 5246), with the cipher suites that rustls
/// holds safe; HTTP/1.1 alone (ALPN, RFC 7301). No client certificates, and no
/// early data, which can be replayed.
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
    /// Read once a connection; a request knows nothing of it.
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Loads a certificate, the chain behind it, and its private key from PEM
    /// files (RFC 7468). A key that others can read is logged.
    ///
    /// # Errors
    ///
    /// A file can't be read or has not what it should, or the two don't belong
    /// together.
    pub fn load(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Tls, LoadError> {
        let (certificate, key) = (certificate.into(), key.into());
        let current = RwLock::new(Arc::new(load(&certificate, &key)?));
        Ok(Tls(Arc::new(Files { certificate, key, current })))
    }

    /// Loads both files again, for the connections that come from now on. No
    /// session of before is resumed.
    ///
    /// # Errors
    ///
    /// As [`Tls::load`]; then certificate and key stay what they were.
    pub fn reload(&self) -> Result<(), LoadError> {
        let loaded = Arc::new(load(&self.0.certificate, &self.0.key)?);
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// Waits for a handshake and takes part in it, on the connection's thread.
    pub(crate) fn accept<'s>(
        &self,
        socket: &'s TcpStream,
        limits: &Limits,
    ) -> io::Result<Accepted<'s>> {
        socket.set_write_timeout(Some(limits.write_timeout))?;
        // A connection that says nothing is silent, with TLS as without it.
        socket.set_read_timeout(Some(limits.silent_timeout))?;
        // "GET" and its like; a handshake's first byte is 22 (RFC 8446 §5.1).
        // Anything else is rustls's to refuse, with an alert.
        if first_byte(socket)?.is_ascii_alphabetic() {
            return Ok(Accepted::Plain);
        }
        let config = Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner));
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = TlsStream { tls, socket: Timed::new(socket, limits), is_broken: false };
        stream.shake_hands(limits.head_timeout)?;
        Ok(Accepted::Tls(stream))
    }
}

/// Shows the files, not what is in them.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Files { certificate, key, .. } = &*self.0;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish()
    }
}

/// What a peer turned out to speak.
#[allow(clippy::large_enum_variant)] // It is moved once, to the connection's loop.
pub(crate) enum Accepted<'s> {
    Tls(TlsStream<'s>),
    /// Plain HTTP, none of which has been read.
    Plain,
}

/// The byte that the next read will bring first.
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
pub(crate) struct TlsStream<'s> {
    tls: ServerConnection,
    socket: Timed<'s>,
    /// A write has failed, so none is tried again, least of all to say goodbye.
    is_broken: bool,
}

impl TlsStream<'_> {
    /// All of the handshake has one deadline, however it comes in pieces.
    fn shake_hands(&mut self, within: Duration) -> io::Result<()> {
        self.socket.deadline = Some(Instant::now() + within);
        while self.tls.is_handshaking() {
            if self.receive()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Takes what one read of the socket brings, and sends what TLS has to say
    /// to that: its part of a handshake, or an alert.
    fn receive(&mut self) -> io::Result<usize> {
        let count = self.tls.read_tls(&mut self.socket)?;
        let processed = self.tls.process_new_packets();
        let sent = self.send();
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        sent.and(Ok(count))
    }

    /// Writes whatever is encrypted and not yet sent.
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

    /// "Each party MUST send a "close_notify" alert before closing its write
    /// side of the connection" (RFC 8446 §6.1), or its peer can't tell an end
    /// from a cut.
    fn say_goodbye(&mut self) -> io::Result<()> {
        self.tls.send_close_notify(); // Once, however often it is asked for.
        self.send()
    }
}

impl Read for TlsStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.deadline = None;
        loop {
            match self.tls.reader().read(into) {
                // No plaintext yet: a record is here in part, or was TLS's own.
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.receive()?,
                // "Servers SHOULD be prepared to receive an incomplete close from
                // the client" (RFC 9112 §9.8). HTTP's own framing tells a whole
                // request from one that was cut off.
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
        self.say_goodbye()?;
        self.socket.stream.shutdown(Shutdown::Write)
    }
}

/// However a connection ends, its peer is told.
impl Drop for TlsStream<'_> {
    fn drop(&mut self) {
        if !self.is_broken {
            let _ = self.say_goodbye();
        }
    }
}

/// A socket whose reads have one deadline together: a peer that sends a record
/// byte by byte gets no more time than one that sends it whole.
struct Timed<'s> {
    stream: &'s TcpStream,
    timeout: Cell<Duration>,
    /// When the timeout that began with the first read is over.
    deadline: Option<Instant>,
    /// What the kernel was told last: mostly the timeout, so that it is seldom
    /// told anything.
    armed: Duration,
}

impl<'s> Timed<'s> {
    fn new(stream: &'s TcpStream, limits: &Limits) -> Timed<'s> {
        let armed = limits.silent_timeout;
        Timed { stream, timeout: Cell::new(armed), deadline: None, armed }
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
            if rest != self.armed {
                self.stream.set_read_timeout(Some(rest))?;
                self.armed = rest;
            }
            match self.stream.read(into) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// Why certificate and key could not be loaded. Its text names the file, says
/// what to do, and never shows any of the key.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    cause: LoadCause,
}

#[derive(Debug)]
enum LoadCause {
    Read(io::Error),
    Pem(&'static str),
    NoCertificate,
    NoKey,
    EncryptedKey,
    OtherKey(PathBuf),
    Refused(rustls::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.cause {
            LoadCause::Read(error) => write!(f, "{path} can't be read: {error}"),
            LoadCause::Pem(what) => write!(f, "{path} is no PEM file: {what}"),
            LoadCause::NoCertificate => write!(
                f,
                "{path} has no certificate: it wants the server's own in PEM \
                 (-----BEGIN CERTIFICATE-----), and behind it those that vouch for it"
            ),
            LoadCause::NoKey => write!(
                f,
                "{path} has no private key: it wants one in PEM (-----BEGIN PRIVATE KEY-----)"
            ),
            LoadCause::EncryptedKey => write!(
                f,
                "{path} has a key under a password, which nobody is there to give: \
                 openssl pkey -in {path} -out plain.pem"
            ),
            LoadCause::OtherKey(certificate) => write!(
                f,
                "{path} is not the key of {0}, or the server's own certificate is not the first in {0}",
                certificate.display()
            ),
            LoadCause::Refused(error) => write!(f, "{path} can't be used: {error}"),
        }
    }
}

impl std::error::Error for LoadError {}

fn load(certificate: &Path, key: &Path) -> Result<ServerConfig, LoadError> {
    let chain = load_chain(certificate)?;
    let own_key = load_key(key)?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, own_key))
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                failed(key, LoadCause::OtherKey(certificate.to_owned()))
            }
            // All that rustls says of a key that it can't use.
            rustls::Error::General(_) => failed(key, LoadCause::Refused(error)),
            error => failed(certificate, LoadCause::Refused(error)),
        })?;
    // "In the event that the server supports no protocols that the client
    // advertises, then the server SHALL respond with a fatal
    // "no_application_protocol" alert" (RFC 7301 §3.2): what HTTP/2 clients get
    // that take nothing else.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    warn_of_readers(key, "the key");
    Ok(config)
}

fn load_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let text = fs::read(path).map_err(|error| failed(path, LoadCause::Read(error)))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(path, malformed(&error)))?;
    if chain.is_empty() { Err(failed(path, LoadCause::NoCertificate)) } else { Ok(chain) }
}

fn load_key(path: &Path) -> Result<PrivateKeyDer<'static>, LoadError> {
    let text = fs::read(path).map_err(|error| failed(path, LoadCause::Read(error)))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let has = |what: &[u8]| text.windows(what.len()).any(|window| window == what);
        match error {
            pem::Error::NoItemsFound if has(b"ENCRYPTED") => failed(path, LoadCause::EncryptedKey),
            pem::Error::NoItemsFound => failed(path, LoadCause::NoKey),
            error => failed(path, malformed(&error)),
        }
    })
}

/// Without what the file holds, which rustls's own text would show.
fn malformed(error: &pem::Error) -> LoadCause {
    LoadCause::Pem(match error {
        pem::Error::MissingSectionEnd { .. } => "a BEGIN line without its END line",
        pem::Error::IllegalSectionStart { .. } => "a malformed BEGIN line",
        pem::Error::Base64Decode(_) => "what stands between BEGIN and END is not Base64",
        _ => "it can't be read",
    })
}

fn failed(path: &Path, cause: LoadCause) -> LoadError {
    LoadError { path: path.to_owned(), cause }
}

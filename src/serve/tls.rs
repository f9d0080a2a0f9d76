//! HTTPS, for builds with the feature `tls`: the certificate, and the handshake. After
//! that the connection's loop runs over `tls_stream.rs` as it does over TCP.
//!
//! TLS is rustls, with ring; nothing of it is our own.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::{InvalidMessage, PeerMisbehaved, ServerConfig, ServerConnection};

use crate::error::Error;
use crate::limits::Limits;
use crate::serve::certificate::{LoadError, load};
use crate::serve::connection::{self, Context};
use crate::serve::socket::Socket;
use crate::serve::stream::is_timeout;
use crate::serve::tls_stream::TlsStream;

/// A certificate and its key. With them a [`Server`](crate::Server) speaks HTTPS.
/// Clones share both.
///
/// TLS 1.3 and 1.2 (RFC 8446, RFC 5246), with the cipher suites that rustls
/// considers safe; HTTP/1.1 and 1.0 (ALPN, RFC 7301). No client certificates, and no
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

    /// Serves a connection: first the handshake, during which the connection is idle and
    /// can be evicted, then requests. A peer that speaks plain HTTP gets a 400 that says
    /// so.
    pub(crate) fn serve(&self, socket: Socket, context: &Context) {
        match self.accept(socket, context.limits) {
            Ok(Some(stream)) => connection::serve(stream, context),
            Ok(None) => connection::answer_error(Error::NotEncrypted, socket, context),
            Err(error) => log_failure(&error, context.peer),
        }
    }

    /// Makes the handshake; `None` if the peer speaks plain HTTP, of which nothing
    /// has been read then.
    fn accept<'s>(&self, socket: Socket<'s>, limits: &Limits) -> io::Result<Option<TlsStream<'s>>> {
        socket.stream.set_read_timeout(Some(limits.silent_timeout))?;
        // A method is letters; the first byte of a handshake is 22 (RFC 8446 §5.1).
        // rustls answers anything else with an alert.
        if first_byte(socket.stream)?.is_ascii_alphabetic() {
            return Ok(None);
        }
        let config = Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner));
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        TlsStream::shake_hands(tls, socket, limits).map(Some)
    }
}

/// Shows the names of the files, and nothing that is in them.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Files { certificate, key, .. } = &*self.0;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish()
    }
}

/// Logs why there was no handshake.
///
/// Scanners and clients that go away cause most failures, so those are for debug only.
/// An invalid server name is a bug of a client that wants to come in. There is one
/// certificate, which needs no name, but rustls 0.23 has no setting to ignore the name.
fn log_failure(error: &io::Error, peer: Option<SocketAddr>) {
    let peer = peer.map_or_else(String::new, |peer| format!(" with {peer}"));
    if is_timeout(error) {
        log::debug!("a TLS handshake{peer} has taken too long");
    } else if names_no_server(error) {
        log::warn!(
            "a TLS handshake{peer} failed: the server name that the client sent (SNI) is not \
             a valid name; it must be a DNS name without a port"
        );
    } else {
        log::debug!("a TLS handshake{peer} failed: {error}");
    }
}

/// Whether rustls refused the `server_name` extension (RFC 6066 §3).
fn names_no_server(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(
        error,
        Some(
            rustls::Error::PeerMisbehaved(PeerMisbehaved::ServerNameMustContainOneHostName)
                | rustls::Error::InvalidMessage(
                    InvalidMessage::InvalidServerName
                        | InvalidMessage::IllegalEmptyList("ServerNames")
                )
        )
    )
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

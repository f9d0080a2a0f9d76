//! Loads a certificate and its key from PEM files, and says what is wrong with them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};

use crate::auth::secret::warn_of_readers;

/// Why a certificate and its key could not be loaded. The text names the file and
/// says what to do, and never shows anything of the key.
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
            LoadCause::Pem(what) => write!(f, "{path} is not a PEM file: {what}"),
            LoadCause::NoCertificate => write!(
                f,
                "{path} has no certificate: put the server's own there, in PEM \
                 (-----BEGIN CERTIFICATE-----), and after it those that signed it"
            ),
            LoadCause::NoKey => write!(
                f,
                "{path} has no private key: put it there, in PEM (-----BEGIN PRIVATE KEY-----)"
            ),
            LoadCause::EncryptedKey => write!(
                f,
                "{path} has a key with a password, and the server can't ask for it. Remove it: \
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

/// Loads both files, and checks that they belong together.
pub(crate) fn load(certificate: &Path, key: &Path) -> Result<ServerConfig, LoadError> {
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
            // This is all that rustls says about a key that it can't use.
            rustls::Error::General(_) => failed(key, LoadCause::Refused(error)),
            error => failed(certificate, LoadCause::Refused(error)),
        })?;
    // "In the event that the server supports no protocols that the client
    // advertises, then the server SHALL respond with a fatal
    // "no_application_protocol" alert" (RFC 7301 §3.2). Clients that speak
    // HTTP/2 only get that alert. `curl --http1.0` offers HTTP/1.0 only.
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
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

/// What is wrong, without anything from the file: rustls's own text would show it.
fn malformed(error: &pem::Error) -> LoadCause {
    LoadCause::Pem(match error {
        pem::Error::MissingSectionEnd { .. } => "a BEGIN line without its END line",
        pem::Error::IllegalSectionStart { .. } => "a malformed BEGIN line",
        pem::Error::Base64Decode(_) => "the text between BEGIN and END is not Base64",
        _ => "it can't be read",
    })
}

fn failed(path: &Path, cause: LoadCause) -> LoadError {
    LoadError { path: path.to_owned(), cause }
}

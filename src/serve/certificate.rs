//! Loads a certificate and its key from PEM files, and says what is wrong with them.
//! `pem.rs` checks the text of a file; rustls decodes and uses what is in it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, InconsistentKeys, ServerConfig};

use crate::auth::secret::{shell_word, warn_of_readers};
use crate::serve::pem::{Block, Malformed, Pem};

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
    Malformed(Malformed),
    /// A block that is neither a certificate nor a key, and its line.
    OtherBlock(usize),
    /// A certificate is cut off or changed. The first has the number 1.
    Damaged {
        number: usize,
        line: usize,
    },
    NoCertificate,
    NoKey,
    EncryptedKey,
    /// The key is damaged, or of a kind that rustls does not have.
    KeyKind,
    OtherKey(PathBuf),
    Refused(Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.cause {
            LoadCause::Read(error) => write!(f, "{path} can't be read: {error}"),
            LoadCause::Malformed(what) => write!(f, "{path} is not a PEM file: {what}"),
            LoadCause::OtherBlock(line) => write!(
                f,
                "{path}, line {line}: the server reads only blocks of the kind CERTIFICATE here, \
                 and would leave this one out"
            ),
            LoadCause::Damaged { number, line } => write!(
                f,
                "{path} can't be used: certificate {number} of the file, line {line}, is damaged, \
                 or only a part of it is there"
            ),
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
                 openssl pkey -in {} -out plain.pem",
                shell_word(&path.to_string())
            ),
            LoadCause::KeyKind => write!(
                f,
                "{path} can't be used: the key is damaged, or is none of RSA (2048, 3072 or 4096 \
                 bits), ECDSA (P-256 or P-384, with its public part) and Ed25519"
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
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                failed(key, LoadCause::OtherKey(certificate.to_owned()))
            }
            // This is all that rustls says about a key that it can't use.
            Error::General(_) => failed(key, LoadCause::KeyKind),
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
    let pem = read(path)?;
    // rustls would skip a certificate in a block of another kind.
    if let Some(block) = pem.blocks.iter().find(|block| !may_be_in_a_chain(&block.label)) {
        return Err(failed(path, LoadCause::OtherBlock(block.line)));
    }
    let mut chain = Vec::new();
    for block in &pem.blocks {
        match CertificateDer::from_pem_slice(pem.text_of(block)) {
            Ok(certificate) => chain.push(certificate),
            // Something else, which may be beside certificates.
            Err(pem::Error::NoItemsFound) => continue,
            Err(error) => return Err(failed(path, undecodable(block, &error))),
        }
        // rustls looks into the first one only, and would send the others as they are.
        if let Some(Err(Error::InvalidCertificate(CertificateError::BadEncoding))) =
            chain.last().map(ParsedCertificate::try_from)
        {
            let (number, line) = (chain.len(), block.line);
            return Err(failed(path, LoadCause::Damaged { number, line }));
        }
    }
    if chain.is_empty() { Err(failed(path, LoadCause::NoCertificate)) } else { Ok(chain) }
}

/// Whether a file with a chain may have a block of this kind: a certificate, or what
/// tools put beside it.
fn may_be_in_a_chain(label: &str) -> bool {
    let beside = ["PRIVATE KEY", "PUBLIC KEY", "PARAMETERS", "REQUEST", "CRL"];
    label == "CERTIFICATE" || beside.iter().any(|kind| label.ends_with(kind))
}

fn load_key(path: &Path) -> Result<PrivateKeyDer<'static>, LoadError> {
    let pem = read(path)?;
    for block in &pem.blocks {
        match PrivateKeyDer::from_pem_slice(pem.text_of(block)) {
            Ok(key) => return Ok(key),
            Err(pem::Error::NoItemsFound) => {}
            Err(error) => return Err(failed(path, undecodable(block, &error))),
        }
    }
    let has_key = pem.blocks.iter().any(|block| block.label.ends_with("PRIVATE KEY"));
    let cause = if !has_key {
        LoadCause::NoKey
    } else if pem.has_encrypted() {
        LoadCause::EncryptedKey
    } else {
        LoadCause::KeyKind
    };
    Err(failed(path, cause))
}

fn read(path: &Path) -> Result<Pem, LoadError> {
    let bytes = fs::read(path).map_err(|error| failed(path, LoadCause::Read(error)))?;
    Pem::parse(&bytes).map_err(|what| failed(path, LoadCause::Malformed(what)))
}

/// Why rustls can't decode a block, without anything from the file: rustls's own text
/// would show it.
fn undecodable(block: &Block, error: &pem::Error) -> LoadCause {
    let what = match error {
        // In the traditional form, headers stand before the Base64.
        pem::Error::Base64Decode(_) if block.is_encrypted => return LoadCause::EncryptedKey,
        pem::Error::Base64Decode(_) => "the text between this BEGIN line and its END is not Base64",
        _ => "this block can't be read",
    };
    LoadCause::Malformed(Malformed::Line(block.line, what))
}

fn failed(path: &Path, cause: LoadCause) -> LoadError {
    LoadError { path: path.to_owned(), cause }
}

//! A client of TLS for `--healthcheck`, in builds with the feature `tls`: it trusts the
//! server that has one certificate, and no other.
//!
//! `no_pinned.rs` has the same functions for builds without the feature.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    SignatureScheme, StreamOwned,
};

/// The certificate of the server.
#[derive(Debug)]
pub struct Pinned {
    file: PathBuf,
    verifier: Arc<Verifier>,
}

impl Pinned {
    /// Loads the first certificate of a file, which is the server's own.
    ///
    /// # Errors
    ///
    /// The text names the file and says what is wrong with it.
    pub fn load(file: &Path) -> Result<Pinned, String> {
        let certificate = CertificateDer::from_pem_file(file).map_err(|error| match error {
            pem::Error::Io(error) => format!("{} can't be read: {error}", file.display()),
            _ => format!("{} has no certificate", file.display()),
        })?;
        let verifier = Verifier { certificate, provider: Arc::new(ring::default_provider()) };
        Ok(Pinned { file: file.to_owned(), verifier: Arc::new(verifier) })
    }

    /// Makes the handshake with the server of this name. When `socket` fails with a
    /// timeout, so does this.
    ///
    /// # Errors
    ///
    /// The server has another certificate, or does not speak TLS.
    pub fn connect<'s, S: Read + Write>(
        &self,
        socket: &'s mut S,
        host: &str,
    ) -> io::Result<impl Read + Write + use<'s, S>> {
        let failed = |error: &dyn Display| io::Error::other(format!("no TLS: {error}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.verifier.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier) as _)
            .with_no_client_auth();
        let tls = ClientConnection::new(Arc::new(config), name).map_err(|error| failed(&error))?;
        let mut tls = StreamOwned::new(tls, socket);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock).map_err(|error| self.readable(error))?;
        }
        Ok(tls)
    }

    fn readable(&self, error: io::Error) -> io::Error {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
        match cause {
            Some(Error::InvalidCertificate(_)) => io::Error::other(format!(
                "the server has another certificate than {}",
                self.file.display()
            )),
            Some(cause) => io::Error::other(format!("no TLS: {cause}")),
            None => error,
        }
    }
}

/// Accepts a server that has this certificate and its private key.
///
/// It checks neither the name nor the dates: a health check uses any address of the server,
/// and asks only whether the server answers. It checks no issuer, so the certificate may be
/// self-signed.
#[derive(Debug)]
struct Verifier {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *certificate == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

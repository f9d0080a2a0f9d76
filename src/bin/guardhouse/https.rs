//! HTTPS, in builds with the feature `tls`: the certificate and the private key
//! that the options name.
//!
//! `no_https.rs` has the same functions for builds without the feature.

use std::path::PathBuf;

use guardhouse::{Server, Tls, tls};

/// The certificate and its key; `None` for plain HTTP.
pub struct Https(Option<Tls>);

impl Https {
    /// Loads the certificate and the key from their files. Without files, the
    /// server speaks plain HTTP.
    ///
    /// # Errors
    ///
    /// As [`Tls::load`].
    pub fn load(files: Option<(PathBuf, PathBuf)>) -> Result<Https, tls::LoadError> {
        files.map(|(certificate, key)| Tls::load(certificate, key)).transpose().map(Https)
    }

    /// The scheme of the server's URLs.
    pub fn scheme(&self) -> &'static str {
        if self.0.is_some() { "https" } else { "http" }
    }

    /// The server, which now speaks HTTPS if there is a certificate.
    pub fn apply(&self, server: Server) -> Server {
        match &self.0 {
            Some(tls) => server.with_tls(tls.clone()),
            None => server,
        }
    }

    /// Loads both files again, and logs that. If they can't be loaded, the server keeps the
    /// certificate that it has, and the error says why.
    pub fn reload(&self) -> Result<(), String> {
        let Some(tls) = &self.0 else { return Ok(()) };
        tls.reload().map_err(|error| format!("the server keeps the old certificate: {error}"))?;
        log::info!("the certificate is loaded again, for new connections");
        Ok(())
    }
}

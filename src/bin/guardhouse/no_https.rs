//! The twin of `https.rs` for builds without the feature `tls`: the same
//! functions, for plain HTTP.

use std::convert::Infallible;
use std::path::PathBuf;

use guardhouse::Server;

pub struct Https;

#[allow(clippy::unused_self)] // The twin needs `self`.
impl Https {
    /// The files are always `None`: the command line parser refuses them in this
    /// build.
    pub fn load(_: Option<(PathBuf, PathBuf)>) -> Result<Https, Infallible> {
        Ok(Https)
    }

    pub fn scheme(&self) -> &'static str {
        "http"
    }

    pub fn apply(&self, server: Server) -> Server {
        server
    }

    pub fn reload(&self) -> Result<(), String> {
        Ok(())
    }
}

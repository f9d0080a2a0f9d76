//! The twin of `pinned.rs` for builds without the feature `tls`: the same functions, of
//! which none is ever called with a certificate.

use std::io::{self, Read, Write};
use std::path::Path;

/// There is no such value: this build has no TLS.
#[derive(Debug)]
pub enum Pinned {}

impl Pinned {
    /// Always an error. It is never called: the command line parser refuses the option in
    /// this build.
    pub fn load(_: &Path) -> Result<Pinned, String> {
        Err("this build has no TLS".to_owned())
    }

    pub fn connect<'s, S: Read + Write>(&self, _: &'s mut S, _: &str) -> io::Result<&'s mut S> {
        match *self {}
    }
}

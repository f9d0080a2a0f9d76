//! Stands in for `tls.rs` in builds without the feature `tls`.

use std::net::TcpStream;

use crate::serve::connection::Context;

/// TLS for a server. In this build it has no value, so nothing here ever runs.
#[derive(Debug)]
pub enum Tls {}

impl Tls {
    pub(crate) fn serve(&self, _: &TcpStream, _: &Context) {
        match *self {}
    }
}

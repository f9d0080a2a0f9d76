//! Stands in for `tls.rs` in builds without the feature `tls`.

use crate::serve::connection::Context;
use crate::serve::socket::Socket;

/// TLS for a server. In this build it has no value, so nothing here ever runs.
#[derive(Debug)]
pub enum Tls {}

impl Tls {
    pub(crate) fn serve(&self, _: Socket, _: &Context) {
        match *self {}
    }
}

//! Sockets and threads.

pub(crate) mod access_log;
pub(crate) mod connection;
pub(crate) mod server;
#[cfg(feature = "tls")]
pub mod tls;
pub(crate) mod yielding;

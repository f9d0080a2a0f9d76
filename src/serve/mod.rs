//! Sockets and threads: the accept loop, and each connection's loop.

pub(crate) mod access_log;
pub(crate) mod address_space;
#[cfg(feature = "tls")]
pub(crate) mod certificate;
pub(crate) mod close;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod exchange;
#[cfg(feature = "tls")]
pub(crate) mod pem;
pub(crate) mod server;
pub(crate) mod shortage;
pub(crate) mod socket;
pub(crate) mod state;
pub(crate) mod stop;
pub(crate) mod stream;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
pub(crate) mod tls;
#[cfg(feature = "tls")]
pub(crate) mod tls_stream;
pub(crate) mod wire;
pub(crate) mod workers;
pub(crate) mod yielding;

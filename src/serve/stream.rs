//! What a connection needs from the stream under it. TCP is in `socket.rs`, TLS in
//! `tls_stream.rs`, and memory in `exchange.rs`.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use crate::http::response::Response;
use crate::http::target::UriScheme;

/// A stream of bytes to the peer and back.
pub(crate) trait Stream: Read + Write {
    /// The scheme of the URIs that are served over such a stream.
    const SCHEME: UriScheme = UriScheme::Http;

    /// How long a read may wait. After that it fails with `WouldBlock` or
    /// `TimedOut`.
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()>;

    /// Tells the peer that nothing more will be written.
    fn end_writing(&mut self) -> io::Result<()>;

    /// The headers that this kind of stream adds to a response, each with its CRLF.
    fn headers_for(_: &Response) -> &'static str {
        ""
    }
}

/// Whether a read or a write has waited too long.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

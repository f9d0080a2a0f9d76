//! When a connection closes, and how.
//!
//! A socket that is closed over unread bytes sends a reset, and the peer loses what it has
//! not read yet. So, after the last answer, the server ends its own side first, and reads
//! on for a while.

use std::time::Instant;

use crate::http::body::Body;
use crate::http::buffer::Buffer;
use crate::http::framing::Framing;
use crate::http::head::Head;
use crate::http::response::{Closes, Response};
use crate::limits::Limits;
use crate::serve::stream::Stream;
use crate::serve::wire::Wire;

/// How a connection closes, after its last answer.
pub(crate) enum Close {
    /// At once: the peer is gone, or has sent everything.
    AtOnce,
    /// After a while: the peer may still be sending.
    Lingering,
}

/// Whether the connection may stay open after this response.
pub(crate) fn may_stay_open(head: &Head, response: &Response, body: &Body) -> bool {
    let response_allows_it = match response.closes() {
        Closes::Never => true,
        Closes::AfterBody => head.framing == Framing::Length(0),
        Closes::Always => false,
    };
    // The client wants it too, and the end of this request's body can be found.
    response_allows_it && head.persistent && body.can_be_drained()
}

/// Whether the client has certainly sent everything: it wants the connection closed, the
/// request has no body, and nothing comes after it. (After a body, old clients send one
/// more CRLF, RFC 9112 §2.2.)
pub(crate) fn sends_no_more(head: &Head, body: &Body) -> bool {
    !head.persistent && head.framing == Framing::Length(0) && body.incoming().unused().is_empty()
}

/// Writes what is still to be written, and closes the connection so that the peer gets it:
/// "the server then continues to read from the connection until it receives a
/// corresponding close by the client, or until the server is reasonably certain that its
/// own TCP stack has received the client's acknowledgement" (RFC 9112 §9.6). Many clients
/// read their answer only when they have sent a whole body, so it reads on for as long as
/// they go on sending.
pub(crate) fn close<S: Stream>(mut wire: Wire<S>, mut buffer: Buffer, limits: &Limits, how: Close) {
    if let Close::AtOnce = how {
        // If the peer is gone, nothing more can be done for it.
        let _ = wire.flush();
        return;
    }
    if wire.end().is_err() {
        return;
    }
    let mut now = Instant::now();
    let end = now + limits.linger_total;
    while now < end
        && let Ok(1..) = wire.read_rest(buffer.space(), end.min(now + limits.linger_timeout))
    {
        now = Instant::now();
    }
}

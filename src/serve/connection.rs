//! One connection's loop: read, parse, answer, write, and again.
//!
//! On the fast path there is one `read` and one `write`. A read brings a request, or
//! many; each is parsed where it is in the buffer and answered into the output; and the
//! output is written before the next read. Every wait for the peer is limited: for a
//! request, for the rest of its head, for its body, and for each step in which the peer
//! reads an answer.

use std::io;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

use crate::error::Error;
use crate::http::body::Body;
use crate::http::buffer::Buffer;
use crate::http::head::{Head, Slots};
use crate::http::head_end::HeadEnd;
use crate::http::incoming::Source;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::{Closes, Response};
use crate::http::response_head::Persistence;
use crate::limits::Limits;
use crate::routes::table::Routes;
use crate::serve::access_log::AccessLog;
use crate::serve::close::{self, Close, may_stay_open, sends_no_more};
use crate::serve::state::{State, Wait};
use crate::serve::stream::{Stream, is_timeout};
use crate::serve::wire::Wire;
use crate::serve::yielding::WorkerYielding;

/// What a connection needs from the server.
pub(crate) struct Context<'c> {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) routes: &'c Routes,
    pub(crate) limits: &'c Limits,
    pub(crate) state: &'c State,
    pub(crate) yielding: &'c WorkerYielding,
}

/// Serves a connection until it closes.
pub(crate) fn serve<S: Stream>(stream: S, context: &Context) {
    let mut connection = Connection::new(stream, context);
    let how = loop {
        if let Err(how) = connection.round() {
            break how;
        }
    };
    connection.close(how);
}

/// Answers with an error, whatever the peer sends, and closes the connection.
#[allow(dead_code)] // Only builds with TLS call it.
pub(crate) fn answer_error<S: Stream>(error: Error, stream: S, context: &Context) {
    let mut connection = Connection::new(stream, context);
    let how = connection.answer_error(error);
    connection.close(how);
}

struct Connection<'c, S> {
    context: &'c Context<'c>,
    wire: Wire<'c, S>,
    buffer: Buffer,
    /// The search for the end of the next head.
    head_end: HeadEnd,
    /// When that head must be whole; `None` until the first wait for more of it.
    head_deadline: Option<Instant>,
    has_answered: bool,
}

impl<'c, S: Stream> Connection<'c, S> {
    fn new(stream: S, context: &'c Context<'c>) -> Connection<'c, S> {
        Connection {
            context,
            wire: Wire::new(stream, context.peer, context.limits, context.state),
            buffer: Buffer::default(),
            head_end: HeadEnd::default(),
            head_deadline: None,
            has_answered: false,
        }
    }

    /// Reads once, answers every request that is whole, and writes the answers.
    fn round(&mut self) -> Result<(), Close> {
        self.read()?;
        while let Some(length) = self.find_head()? {
            self.answer(length)?;
        }
        self.write()
    }

    /// Waits until the peer has sent something.
    fn read(&mut self) -> Result<(), Close> {
        let is_idle = !self.head_end.has_begun();
        let read = if is_idle { self.wait_for_request() } else { self.wait_for_head() };
        match read {
            Ok(0) if is_idle => Err(Close::AtOnce),
            Ok(0) => Err(self.answer_error(Error::HeadTruncated)),
            Ok(count) => {
                self.buffer.filled(count);
                Ok(())
            }
            Err(error) if is_timeout(&error) && !is_idle => {
                Err(self.answer_error(Error::HeadTimeout))
            }
            Err(_) => Err(Close::AtOnce),
        }
    }

    /// Waits for the first bytes of a request, with as little memory as possible.
    fn wait_for_request(&mut self) -> io::Result<usize> {
        let Context { limits, state, yielding, .. } = self.context;
        self.buffer.shrink();
        // The connection became idle before this look at `must_end`; see `State`.
        let timeout = if state.must_end() {
            // The peer may have sent a request before it knew of the server's stop.
            limits.stopping_idle_timeout
        } else if self.has_answered {
            limits.idle_timeout
        } else {
            limits.silent_timeout
        };
        if self.has_answered {
            yielding.yield_if_it_helps();
        }
        self.wire.read_first(self.buffer.space(), timeout)
    }

    /// Waits for more of a head.
    fn wait_for_head(&mut self) -> io::Result<usize> {
        let timeout = self.context.limits.head_timeout;
        let deadline = *self.head_deadline.get_or_insert_with(|| Instant::now() + timeout);
        self.wire.read_rest(self.buffer.space(), deadline)
    }

    /// The length of the head at the front of the buffer, if that head is whole.
    fn find_head(&mut self) -> Result<Option<usize>, Close> {
        match self.head_end.find(self.buffer.unused(), self.context.limits) {
            Ok(Some(head)) => {
                (self.head_end, self.head_deadline) = (HeadEnd::default(), None);
                // Blank lines before it.
                self.buffer.consume(head.start);
                Ok(Some(head.len()))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.answer_error(error)),
        }
    }

    /// Answers the request at the front of the buffer. Its head has that length.
    fn answer(&mut self, length: usize) -> Result<(), Close> {
        let Context { peer, routes, limits, state, yielding } = self.context;

        // Parse.
        let (bytes, early) = self.buffer.unused().split_at(length);
        let mut slots = Slots::new();
        let head = match Head::parse(bytes, &mut slots, S::SCHEME, limits) {
            Ok(head) => head,
            Err(error) => return Err(self.answer_error(error)),
        };

        // Answer: find the row, ask its guard, run its handler.
        let body = Body::new(head.framing, head.expects_continue, early, limits);
        let source: Option<&mut dyn Source> = Some(&mut self.wire);
        let mut request = Request::new(head, body, source, *peer, AccessLog::is_on());
        let response = answer_or_500(routes, &mut request);
        let (head, mut body, log_name) = request.into_parts();
        if let Some(error) = body.error().filter(|_| response.closes() == Closes::Always) {
            log_reason(self.context, error);
        }
        self.wire.clock.read();
        self.has_answered = true;
        yielding.answered(self.wire.clock.last());

        // Write, into the output. If the connection must end, the requests that have
        // arrived are still answered.
        let is_last = state.must_end() && body.incoming().unused().is_empty();
        let stays_open = may_stay_open(&head, &response, &body) && !is_last;
        let persistence = if !stays_open {
            Persistence::Close
        } else if head.says_keep_alive {
            Persistence::KeepAlive(limits.idle_timeout)
        } else {
            Persistence::Implied
        };
        let sent = response.sent_body(head.method == Method::HEAD);
        let put = self.wire.put(bytes, log_name.as_deref(), &response, sent, persistence);
        put.map_err(|_| Close::AtOnce)?;

        // Go on after the body.
        if !stays_open {
            return Err(if sends_no_more(&head, &body) { Close::AtOnce } else { Close::Lingering });
        }
        if !body.drain(&mut self.wire) {
            return Err(Close::Lingering);
        }
        let used = length + early.len() - body.incoming().early().len();
        let later = body.incoming().later().to_vec();
        self.buffer.consume(used);
        self.buffer.append(&later);
        Ok(())
    }

    /// Writes the answers.
    fn write(&mut self) -> Result<(), Close> {
        if !self.head_end.has_begun() {
            // Before the write: as soon as the peer has its answer, its connection
            // can be evicted for that of another peer.
            self.context.state.set(Wait::Request(self.wire.clock.last()));
        }
        self.wire.flush().map_err(|_| Close::AtOnce)
    }

    /// Answers a request with a head that is not valid, or not whole in time. The server can't
    /// know where the next request begins, so the connection closes.
    fn answer_error(&mut self, error: Error) -> Close {
        log_reason(self.context, error);
        let response = Response::from(error);
        // An answer to HEAD has no body, whatever it says (RFC 9110 §9.3.2).
        let mut head = self.buffer.unused();
        while let Some(rest) = head.strip_prefix(b"\r\n") {
            head = rest;
        }
        let sent = response.sent_body(head.starts_with(b"HEAD "));
        self.wire.clock.read();
        match self.wire.put(head, None, &response, sent, Persistence::Close) {
            Ok(()) => Close::Lingering,
            Err(_) => Close::AtOnce,
        }
    }

    fn close(self, how: Close) {
        let limits = self.context.limits;
        close::close(self.wire, self.buffer, limits, how);
    }
}

/// The table's response. After a panic in a handler it is a 500, and this connection
/// closes; all others go on.
fn answer_or_500<'r>(routes: &'r Routes, request: &mut Request<'_, 'r>) -> Response {
    // After a panic the request is only logged, and the table is shared by threads in any
    // case: nothing that the handler left half-changed is used again.
    panic::catch_unwind(AssertUnwindSafe(|| routes.answer(request))).unwrap_or_else(|_| {
        let (method, path) = (request.method().as_str(), request.path());
        log::error!(
            "a handler, a guard or the function for all answers panicked: {method} {path:?}"
        );
        let response = Response::internal_error().closing(Closes::Always);
        // The program's function for all answers may have panicked itself.
        let mapped = AssertUnwindSafe(|| routes.mapped(request, response.clone()));
        panic::catch_unwind(mapped).unwrap_or(response)
    })
}

/// The access log says that a request was answered with an error; this says why.
fn log_reason(context: &Context, error: Error) {
    if let Some(peer) = context.peer {
        log::debug!("a request from {peer} is answered with {}: {error}", error.status());
    }
}

//! One connection's loop: read, parse, answer, write, and again.
//!
//! On the fast path there is one `read` and one `write`. A read brings a request,
//! or many; each is parsed where it is in the buffer and answered into the output;
//! and the output is written before the next read. Everything that waits for the
//! peer has a deadline: for a request, for the rest of its head, for its body, for
//! the peer to read the answers.

use std::io;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

use crate::error::Error;
use crate::http::body::Body;
use crate::http::date::Clock;
use crate::http::head::{Head, Slots, Version};
use crate::http::head_end::HeadEnd;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::{Persistence, Response};
use crate::limits::Limits;
use crate::routes::table::Routes;
use crate::serve::access_log::AccessLog;
use crate::serve::buffer::Buffer;
use crate::serve::connections::State;
use crate::serve::stream::Stream;
use crate::serve::wire::{Wire, is_timeout};
use crate::serve::yielding::Load;

/// What a connection needs from the server.
pub(crate) struct Context<'c> {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) routes: &'c Routes,
    pub(crate) limits: &'c Limits,
    pub(crate) state: &'c State,
    pub(crate) load: &'c Load,
}

/// Serves a connection until it ends.
pub(crate) fn serve<S: Stream>(stream: S, context: &Context) {
    let mut connection = Connection::new(stream, context);
    let end = loop {
        if let Err(end) = connection.round() {
            break end;
        }
    };
    connection.end(end);
}

/// Answers with an error, whatever the peer says, and ends the connection.
#[allow(dead_code)] // Only builds with TLS call it.
pub(crate) fn reject<S: Stream>(error: Error, stream: S, context: &Context) {
    let mut connection = Connection::new(stream, context);
    let end = connection.reject(error);
    connection.end(end);
}

struct Connection<'c, S> {
    context: &'c Context<'c>,
    wire: Wire<'c, S>,
    buffer: Buffer,
    clock: Clock,
    /// The search for the end of the next head.
    head_end: HeadEnd,
    /// When that head must be whole; `None` until the first wait for more of it.
    head_deadline: Option<Instant>,
    has_answered: bool,
}

/// Why a connection ends.
enum End {
    /// There is nothing more to say, or nobody who listens.
    Now,
    /// The peer may not have read the last answer yet.
    AfterAnswer,
}

impl<'c, S: Stream> Connection<'c, S> {
    fn new(stream: S, context: &'c Context<'c>) -> Connection<'c, S> {
        Connection {
            context,
            wire: Wire::new(stream, context.peer, context.limits),
            buffer: Buffer::new(),
            clock: Clock::new(),
            head_end: HeadEnd::default(),
            head_deadline: None,
            has_answered: false,
        }
    }

    /// Reads once, answers every request that is whole, and writes the answers.
    fn round(&mut self) -> Result<(), End> {
        self.read()?;
        while let Some(length) = self.find_head()? {
            self.answer(length)?;
        }
        self.write()
    }

    /// Waits until the peer has sent something.
    fn read(&mut self) -> Result<(), End> {
        let is_idle = self.head_end.is_blank();
        let read = if is_idle { self.wait_for_request() } else { self.wait_for_head() };
        match read {
            Ok(0) if is_idle => Err(End::Now),
            Ok(0) => Err(self.reject(Error::HeadTruncated)),
            Ok(count) => {
                self.buffer.filled(count);
                Ok(())
            }
            Err(error) if is_timeout(&error) && !is_idle => Err(self.reject(Error::HeadTimeout)),
            Err(_) => Err(End::Now),
        }
    }

    /// Waits for the first bytes of a request, with as little memory as possible.
    fn wait_for_request(&mut self) -> io::Result<usize> {
        let Context { limits, state, load, .. } = self.context;
        self.buffer.shrink();
        let timeout = match self.has_answered {
            // The peer may have sent a request before it knew of the server's stop.
            _ if state.must_end() => limits.stopping_idle_timeout,
            true => limits.idle_timeout,
            false => limits.silent_timeout,
        };
        if self.has_answered {
            load.yield_if_it_helps();
        }
        let read = self.wire.read(self.buffer.space(), timeout);
        state.set_busy();
        read
    }

    /// Waits for more of a head.
    fn wait_for_head(&mut self) -> io::Result<usize> {
        let timeout = self.context.limits.head_timeout;
        let deadline = *self.head_deadline.get_or_insert_with(|| Instant::now() + timeout);
        self.wire.read_until(self.buffer.space(), deadline)
    }

    /// The length of the head at the front of the buffer, if that head is whole.
    fn find_head(&mut self) -> Result<Option<usize>, End> {
        match self.head_end.find(self.buffer.unread(), self.context.limits) {
            Ok(Some(head)) => {
                (self.head_end, self.head_deadline) = (HeadEnd::default(), None);
                // Blank lines before it.
                self.buffer.consume(head.start);
                Ok(Some(head.len()))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.reject(error)),
        }
    }

    /// Answers the request at the front of the buffer, whose head has that length.
    fn answer(&mut self, length: usize) -> Result<(), End> {
        let Context { peer, routes, limits, state, load } = self.context;

        // Parse.
        let (bytes, early) = self.buffer.unread().split_at(length);
        let mut slots = Slots::new();
        let head = match Head::parse(bytes, &mut slots, limits) {
            Ok(head) => head,
            Err(error) => return Err(self.reject(error)),
        };

        // Answer: find the row, ask its guard, run its handler.
        let body = Body::new(head.framing, head.expects_continue, early, limits);
        let source = Some(&mut self.wire as _);
        let mut request = Request::new(head, body, source, *peer, AccessLog::is_on());
        let response = answer_or_500(routes, &mut request);
        let (head, mut body, identity) = request.into_parts();
        self.clock.read();
        self.has_answered = true;
        load.answered(self.clock.last());

        // Write, into the output. If the connection must end, the requests that have
        // arrived are still answered.
        let is_last = state.must_end() && body.incoming().unread().is_empty();
        let stays_open = may_stay_open(&head, &response, &body) && !is_last;
        let persistence = match head.version {
            _ if !stays_open => Persistence::Close,
            Version::Http11 => Persistence::Implied,
            Version::Http10 => Persistence::KeepAlive,
        };
        let sent = response.sent_body(head.method == Method::HEAD);
        let identity = identity.as_deref();
        self.wire.log.add(identity, Some(&head), &response, sent.len(), &mut self.clock);
        self.wire.put(&response, sent, persistence, &mut self.clock).map_err(|_| End::Now)?;

        // Go on, behind the body.
        if !stays_open {
            return Err(if sends_no_more(&head, &body) { End::Now } else { End::AfterAnswer });
        }
        if !body.drain(&mut self.wire) {
            return Err(End::AfterAnswer);
        }
        let (unused, later) = body.incoming().left();
        let (used, later) = (length + early.len() - unused, later.to_vec());
        self.buffer.consume(used);
        self.buffer.append(&later);
        Ok(())
    }

    /// Writes the answers.
    fn write(&mut self) -> Result<(), End> {
        if self.head_end.is_blank() {
            // Before the write: as soon as the peer has its answer, its connection
            // can be evicted for that of another peer.
            self.context.state.set_idle(self.clock.last());
        }
        self.wire.flush().map_err(|_| End::Now)
    }

    /// Answers a head that can't be parsed. Nobody knows what the bytes after it
    /// mean, so the connection ends.
    fn reject(&mut self, error: Error) -> End {
        let response = Response::from(error).closing();
        // An answer to HEAD has no body, whatever it says (RFC 9110 §9.3.2).
        let mut head = self.buffer.unread();
        while let Some(rest) = head.strip_prefix(b"\r\n") {
            head = rest;
        }
        let sent = response.sent_body(head.starts_with(b"HEAD "));
        self.clock.read();
        self.wire.log.add(None, None, &response, sent.len(), &mut self.clock);
        match self.wire.put(&response, sent, Persistence::Close, &mut self.clock) {
            Ok(()) => End::AfterAnswer,
            Err(_) => End::Now,
        }
    }

    /// Ends the connection so that the peer gets its last answer: "the server then
    /// continues to read from the connection until it receives a corresponding
    /// close by the client, or until the server is reasonably certain that its own
    /// TCP stack has received the client's acknowledgement" (RFC 9112 §9.6). A
    /// socket that is closed over unread bytes sends a reset, and the peer loses
    /// what it has not read yet.
    fn end(mut self, end: End) {
        if self.wire.flush().is_err() || matches!(end, End::Now) {
            return;
        }
        let now = Instant::now();
        let deadline = now + self.context.limits.linger_timeout;
        // No request is worked on any more, so the connection can be evicted.
        self.context.state.set_idle(now);
        if self.wire.stream.end_writing().is_ok() {
            while let Ok(1..) = self.wire.read_until(self.buffer.space(), deadline) {}
        }
    }
}

/// The response of the table's row. A handler's panic costs this response and this
/// connection, and nothing else.
fn answer_or_500(routes: &Routes, request: &mut Request) -> Response {
    // After a panic the request is only logged, and the table is shared by threads
    // in any case: nobody sees a change that was made by half.
    panic::catch_unwind(AssertUnwindSafe(|| routes.answer(request))).unwrap_or_else(|_| {
        log::error!("the handler of {} {:?} panicked", request.method().as_str(), request.path());
        Response::internal_error().closing()
    })
}

/// Whether the connection may stay open after this response.
fn may_stay_open(head: &Head, response: &Response, body: &Body) -> bool {
    // The client wants it,
    head.persistent
        // the framing is not in doubt,
        && !response.closes()
        // and the end of this request's body can be found.
        && body.can_be_drained()
}

/// Whether a client that wants the connection to end has sent everything. Behind a
/// body that is not certain: old clients send a CRLF there (RFC 9112 §2.2).
fn sends_no_more(head: &Head, body: &Body) -> bool {
    let incoming = body.incoming();
    !head.persistent && body.is_read() && incoming.used() == 0 && incoming.unread().is_empty()
}

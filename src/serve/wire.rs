//! The two directions of a connection: bytes that are read, with a deadline, and answers
//! that wait to be written.
//!
//! Answers are gathered in the output, and [`Wire::flush`] writes them all at once: when
//! everything that one read has brought is answered, and before any other wait for the
//! peer. Their lines in the access log are written after them.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::http::date::Clock;
use crate::http::incoming::Source;
use crate::http::response::Response;
use crate::http::response_head::{Persistence, write_head};
use crate::limits::Limits;
use crate::serve::access_log::AccessLog;
use crate::serve::state::{Lag, State, Wait};
use crate::serve::stream::{Stream, is_timeout};

/// A connection's stream, and the answers that are not written to it yet.
pub(crate) struct Wire<'c, S> {
    stream: S,
    pub(crate) clock: Clock,
    output: Vec<u8>,
    log: AccessLog,
    limits: &'c Limits,
    state: &'c State,
    /// How far the peer is behind with the request that it is sending.
    lag: Lag,
    /// The read timeout that was set last; `MAX` before the first read. It is set only
    /// when another one is needed, so a request on the fast path costs no `setsockopt`.
    read_timeout: Duration,
}

impl<'c, S: Stream> Wire<'c, S> {
    /// The memory that the output keeps from one batch of answers to the next, in bytes.
    const OUTPUT: usize = 3072;

    pub(crate) fn new(
        stream: S,
        peer: Option<SocketAddr>,
        limits: &'c Limits,
        state: &'c State,
    ) -> Wire<'c, S> {
        Wire {
            stream,
            clock: Clock::new(),
            output: Vec::new(),
            log: AccessLog::new(peer),
            limits,
            state,
            lag: Lag::default(),
            read_timeout: Duration::MAX,
        }
    }

    /// Adds an answer to the output; writes both at once if the answer is too large for
    /// the output. The access log needs what has arrived of the request's head, and the
    /// user's name.
    pub(crate) fn put(
        &mut self,
        head: &[u8],
        log_name: Option<&str>,
        response: &Response,
        body: &[u8],
        persistence: Persistence,
    ) -> io::Result<()> {
        self.log.add(head, log_name, response, body.len(), &mut self.clock);
        let more = S::headers_for(response);
        write_head(response, &mut self.output, self.clock.imf_fixdate(), persistence, more);
        if self.output.len() + body.len() <= self.limits.output_bytes {
            self.output.extend_from_slice(body);
            return Ok(());
        }
        let written = self.write(body);
        // The write may have taken long, and the connection is idle only from now on.
        self.clock.read();
        written
    }

    /// Writes everything that is in the output.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() { Ok(()) } else { self.write(&[]) }
    }

    /// Writes everything that is in the output, and ends the server's side.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        // Before the write: as soon as the peer has its answer, its connection can be
        // evicted for that of another peer.
        self.state.set(Wait::PeerToSend(Instant::now()));
        self.flush()?;
        self.stream.end_writing()
    }

    /// Writes the output, then `body`. No other function writes answers.
    fn write(&mut self, body: &[u8]) -> io::Result<()> {
        // Within a request or a batch, the connection is not idle, and does wait for its peer.
        let before = self.state.wait();
        if before == Wait::Nothing {
            self.state.set(Wait::PeerToRead(self.clock.last()));
        }
        let written =
            self.stream.write_all(&self.output).and_then(|()| self.stream.write_all(body));
        if before == Wait::Nothing {
            self.state.set(before);
        }
        self.output.clear();
        // A batch of pipelined answers does not keep its memory for ever.
        self.output.shrink_to(Self::OUTPUT);
        self.log.written(&written);
        written
    }

    /// Waits for the first bytes of a request, `timeout` at most. Returns their number; 0 if
    /// the peer has closed its side.
    pub(crate) fn read_first(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize> {
        let read = self.read(into, timeout);
        self.state.set(Wait::Nothing);
        self.lag = Lag::default();
        read
    }

    /// Waits for more of what the peer has begun to send, until `deadline` at most. If there
    /// is no room for a connection that waits, that is a timeout, too.
    pub(crate) fn read_rest(&mut self, into: &mut [u8], deadline: Instant) -> io::Result<usize> {
        let now = Instant::now();
        let timeout = deadline.saturating_duration_since(now);
        if timeout.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.state.set(Wait::PeerToSend(self.lag.since(now)));
        let read = self.read(into, timeout);
        self.state.set(Wait::Nothing);
        let count = *read.as_ref().unwrap_or(&0);
        self.lag.add(now.elapsed(), count, self.limits.crowded_rate);
        // The accept loop shuts down the socket of a connection that must end.
        if count == 0 && self.state.must_end() { Err(io::ErrorKind::TimedOut.into()) } else { read }
    }

    fn read(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize> {
        if timeout != self.read_timeout {
            self.stream.set_read_timeout(timeout)?;
            self.read_timeout = timeout;
        }
        loop {
            match self.stream.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// Where a request's body comes from. The peer may wait for an earlier answer, or
/// for `100 Continue`, before it sends the body: so these are written first.
impl<S: Stream> Source for Wire<'_, S> {
    fn read_more(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Error> {
        match self.flush().and_then(|()| self.read_rest(into, deadline)) {
            Ok(0) => Err(Error::BodyTruncated),
            Ok(count) => Ok(count),
            Err(error) if is_timeout(&error) => Err(Error::BodyTimeout),
            Err(_) => Err(Error::BodyTruncated),
        }
    }

    fn send_continue(&mut self) {
        // Written by the next flush: before the read that waits for the body or,
        // if the body is here already, with the answer.
        self.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
}

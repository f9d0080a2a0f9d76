//! The bytes after a head, as they arrive.
//!
//! Some came together with the head. More are read from the connection only
//! when they are needed: most requests have no body, and end here.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::http::buffer::Buffer;

/// Where more bytes come from: the connection.
pub(crate) trait Source {
    /// Reads what the peer sends, and waits for it until `deadline`. Returns the
    /// number of bytes, one at least.
    fn read_more(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Error>;

    /// Sends `100 Continue` to the peer, before the next read.
    fn send_continue(&mut self);
}

/// An optional source is a source, too. A request from memory has none: nothing more
/// comes.
impl<'s> Source for Option<&'s mut (dyn Source + 's)> {
    fn read_more(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Error> {
        self.as_mut().map_or(Err(Error::BodyTruncated), |source| source.read_more(into, deadline))
    }

    fn send_continue(&mut self) {
        if let Some(source) = self {
            source.send_continue();
        }
    }
}

/// The bytes that have arrived after a head and are not used yet.
pub(crate) struct Incoming<'a> {
    /// Those that came with the head; used first.
    early: &'a [u8],
    /// Those that were read later.
    later: Buffer,
    /// How many bytes have been used.
    used: u64,
    /// How long all reads together may wait, from the first one on.
    timeout: Duration,
    deadline: Option<Instant>,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(early: &'a [u8], timeout: Duration) -> Incoming<'a> {
        Incoming { early, later: Buffer::default(), used: 0, timeout, deadline: None }
    }

    /// What has arrived and is not used.
    pub(crate) fn unused(&self) -> &[u8] {
        if self.early.is_empty() { self.later() } else { self.early }
    }

    /// Uses up the first `count` bytes of [`unused`](Incoming::unused).
    pub(crate) fn consume(&mut self, count: usize) {
        self.used += count as u64;
        if self.early.is_empty() {
            self.later.consume(count);
        } else {
            self.early = self.early.get(count..).unwrap_or_default();
        }
    }

    /// Waits for more bytes. Call it only when all that have arrived are used.
    pub(crate) fn fill(&mut self, source: &mut dyn Source) -> Result<(), Error> {
        debug_assert!(self.unused().is_empty(), "filled before it was used");
        let timeout = self.timeout;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + timeout);
        let count = source.read_more(self.later.space(), deadline)?;
        self.later.filled(count);
        Ok(())
    }

    /// Reads a line of at most `max` bytes, its CRLF included; the error `otherwise` if
    /// there is none.
    pub(crate) fn read_line(
        &mut self,
        source: &mut dyn Source,
        max: usize,
        otherwise: Error,
    ) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        loop {
            let allowed = max - line.len();
            let unused = self.unused();
            let end = unused.iter().take(allowed).position(|byte| *byte == b'\n');
            let count = end.map_or(unused.len().min(allowed), |end| end + 1);
            line.extend_from_slice(unused.get(..count).unwrap_or(unused));
            self.consume(count);
            if end.is_some() && line.ends_with(b"\r\n") {
                return Ok(line);
            }
            if end.is_some() || line.len() == max {
                return Err(otherwise);
            }
            self.fill(source)?;
        }
    }

    /// Starts a new time limit, for all later reads together.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        (self.timeout, self.deadline) = (timeout, None);
    }

    /// How many bytes have been used.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// What came with the head, and is not used.
    pub(crate) fn early(&self) -> &'a [u8] {
        self.early
    }

    /// What was read later, and is not used.
    pub(crate) fn later(&self) -> &[u8] {
        self.later.unused()
    }
}

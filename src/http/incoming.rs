//! The bytes behind a head, as they arrive.
//!
//! Some came together with the head. More are read from the connection only
//! when they are needed: most requests have no body, and end here.

use std::mem;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::error::Error;

/// Where more bytes come from: the connection.
pub(crate) trait Source {
    /// Reads what the peer sends, and waits for it until `deadline`. Gives the
    /// number of bytes, one at least.
    fn read_more(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Error>;

    /// Sends `100 Continue` to the peer, before the next read.
    fn send_continue(&mut self);
}

/// A request from memory has no connection: nothing more comes.
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

/// The bytes that have arrived behind a head and are not used yet.
pub(crate) struct Incoming<'a> {
    /// Those that came with the head; used first.
    early: &'a [u8],
    /// Those that were read later.
    buffer: Vec<u8>,
    /// Where in `buffer` the unused ones are.
    unread: Range<usize>,
    /// The line that was read last.
    line: Vec<u8>,
    /// How many bytes have been used.
    used: u64,
    /// How long all reads together may wait, from the first one on.
    timeout: Duration,
    deadline: Option<Instant>,
}

impl<'a> Incoming<'a> {
    /// How many bytes one read can bring.
    const BUFFER: usize = 4096;

    pub(crate) fn new(early: &'a [u8], timeout: Duration) -> Incoming<'a> {
        let (buffer, line) = (Vec::new(), Vec::new());
        Incoming { early, buffer, unread: 0..0, line, used: 0, timeout, deadline: None }
    }

    /// What has arrived and is not used.
    pub(crate) fn unread(&self) -> &[u8] {
        if self.early.is_empty() {
            self.buffer.get(self.unread.clone()).unwrap_or_default()
        } else {
            self.early
        }
    }

    /// Uses up the first `count` bytes of [`unread`](Incoming::unread).
    pub(crate) fn consume(&mut self, count: usize) {
        self.used += count as u64;
        if self.early.is_empty() {
            self.unread.start = (self.unread.start + count).min(self.unread.end);
        } else {
            self.early = self.early.get(count..).unwrap_or_default();
        }
    }

    /// Waits for more. Only when everything that has arrived is used.
    pub(crate) fn fill(&mut self, source: &mut dyn Source) -> Result<(), Error> {
        debug_assert!(self.unread().is_empty(), "filled before it was used");
        let timeout = self.timeout;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + timeout);
        self.buffer.resize(Incoming::BUFFER, 0);
        self.unread = 0..source.read_more(&mut self.buffer, deadline)?;
        Ok(())
    }

    /// Reads a line of at most `most` bytes, its CRLF included; `otherwise` if
    /// there is none.
    pub(crate) fn read_line(
        &mut self,
        source: &mut dyn Source,
        most: usize,
        otherwise: Error,
    ) -> Result<&[u8], Error> {
        // Taken out while it grows, and put back for the next line.
        let mut line = mem::take(&mut self.line);
        line.clear();
        loop {
            let room = most - line.len();
            let unread = self.unread();
            let end = unread.iter().take(room).position(|byte| *byte == b'\n');
            let count = end.map_or(unread.len().min(room), |end| end + 1);
            line.extend_from_slice(unread.get(..count).unwrap_or(unread));
            self.consume(count);
            if end.is_some() && line.ends_with(b"\r\n") {
                self.line = line;
                return Ok(&self.line);
            }
            if end.is_some() || line.len() == most {
                return Err(otherwise);
            }
            self.fill(source)?;
        }
    }

    /// Gives all reads from now on this time together.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        (self.timeout, self.deadline) = (timeout, None);
    }

    /// How many bytes have been used.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// What is left for the next request: so many of the early bytes, or those
    /// that were read later.
    pub(crate) fn left(&self) -> (usize, &[u8]) {
        if self.early.is_empty() { (0, self.unread()) } else { (self.early.len(), &[]) }
    }
}

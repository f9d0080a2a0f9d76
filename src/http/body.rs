//! Reads a request's body: when a handler asks for it, and not before.
//!
//! Everything rests on one step, [`Body::wait_for_data`]: how many bytes of the body
//! are at the front of what has arrived. Reading all, reading in pieces and
//! dropping the rest are loops over it.

use std::io;

use crate::error::Error;
use crate::http::chunked::Chunks;
use crate::http::framing::Framing;
use crate::http::incoming::{Incoming, Source};
use crate::limits::Limits;

/// A request's body, as far as it has been read.
pub(crate) struct Body<'a> {
    incoming: Incoming<'a>,
    /// Bytes until the end: of the body, or of the chunk that is being read.
    remaining: u64,
    /// What is known of a chunked body, until its last chunk has been read.
    chunks: Option<Chunks>,
    /// Why the body can't be read any further.
    broken: Option<Error>,
    /// The client waits for `100 Continue` before it sends the body.
    awaits_continue: bool,
    /// What [`read_all`](Body::read_all) has gathered.
    gathered: Vec<u8>,
    limits: &'a Limits,
}

impl<'a> Body<'a> {
    /// The body after a head. `early` is what arrived together with the head.
    pub(crate) fn new(
        framing: Framing,
        expects_continue: bool,
        early: &'a [u8],
        limits: &'a Limits,
    ) -> Body<'a> {
        let (remaining, chunks) = match framing {
            Framing::Length(length) => (length, None),
            Framing::Chunked => (0, Some(Chunks::default())),
        };
        // Only a handler that reads the body needs to know that it is too large. A guard's
        // refusal, and a handler that reads no body, are answers in any case.
        let broken = (remaining > limits.body_bytes).then_some(Error::BodyTooLarge);
        // "A server MAY omit sending a 100 (Continue) response if … the framing
        // indicates that there is no content" (RFC 9110 §10.1.1).
        let awaits_continue = expects_continue && framing != Framing::Length(0);
        let incoming = Incoming::new(early, limits.body_timeout);
        let gathered = Vec::new();
        Body { incoming, remaining, chunks, broken, awaits_continue, gathered, limits }
    }

    /// The whole body. Read at the first call, and kept for the next.
    pub(crate) fn read_all(&mut self, source: &mut dyn Source) -> Result<&[u8], Error> {
        loop {
            let count = self.wait_for_data(source)?;
            if count == 0 {
                return Ok(&self.gathered);
            }
            let unused = self.incoming.unused();
            self.gathered.extend_from_slice(unused.get(..count).unwrap_or(unused));
            self.consume(count);
        }
    }

    /// What [`read_all`](Body::read_all) has gathered, to keep.
    pub(crate) fn take_gathered(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.gathered)
    }

    /// The next piece of the body; 0 bytes at its end.
    pub(crate) fn read(
        &mut self,
        source: &mut dyn Source,
        into: &mut [u8],
    ) -> Result<usize, Error> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = self.wait_for_data(source)?.min(into.len());
        for (to, from) in into.iter_mut().zip(self.incoming.unused().iter().take(count)) {
            *to = *from;
        }
        self.consume(count);
        Ok(count)
    }

    /// Reads what the handler has not read, and drops it; only if it
    /// [can be drained](Body::can_be_drained). False if it does not end within
    /// [`Limits::drain_bytes`] and [`Limits::drain_timeout`]: then the connection must
    /// close, because a body that was not read must never become the next request
    /// (RUSTSEC-2020-0093).
    pub(crate) fn drain(&mut self, source: &mut dyn Source) -> bool {
        self.incoming.set_timeout(self.limits.drain_timeout);
        let max = self.incoming.used().saturating_add(self.limits.drain_bytes);
        while let Ok(count) = self.wait_for_data(source) {
            if count == 0 {
                return true;
            }
            self.consume(count);
            if self.incoming.used() > max {
                break;
            }
        }
        false
    }

    /// Whether the body may end soon enough to be drained, so that the connection
    /// can stay open after the answer.
    ///
    /// Not while the client waits for `100 Continue`: after the answer it may send
    /// the body or leave it out, and we can't know which (RFC 9110 §10.1.1).
    pub(crate) fn can_be_drained(&self) -> bool {
        let is_short = self.chunks.is_some() || self.remaining <= self.limits.drain_bytes;
        self.broken.is_none() && !self.awaits_continue && is_short
    }

    /// Why the body can't be read, or not any further.
    pub(crate) fn error(&self) -> Option<Error> {
        self.broken
    }

    /// The bytes after the head; some of them may be the next request's.
    pub(crate) fn incoming(&self) -> &Incoming<'a> {
        &self.incoming
    }

    /// Waits until some of the body has arrived. Returns how many bytes of it are at the
    /// front of what has arrived; 0 is the end of the body.
    fn wait_for_data(&mut self, source: &mut dyn Source) -> Result<usize, Error> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let count = self.wait_unless_broken(source);
        // After an error, the meaning of the next byte is not known.
        count.inspect_err(|error| self.broken = Some(*error))
    }

    fn wait_unless_broken(&mut self, source: &mut dyn Source) -> Result<usize, Error> {
        if self.awaits_continue {
            self.awaits_continue = false;
            source.send_continue();
        }
        if self.remaining == 0
            && let Some(chunks) = &mut self.chunks
        {
            self.remaining = chunks.next(&mut self.incoming, source, self.limits)?;
            if self.remaining == 0 {
                self.chunks = None;
            }
        }
        if self.remaining == 0 {
            return Ok(0);
        }
        if self.incoming.unused().is_empty() {
            self.incoming.fill(source)?;
        }
        let arrived = self.incoming.unused().len();
        Ok(usize::try_from(self.remaining).map_or(arrived, |remaining| remaining.min(arrived)))
    }

    /// Uses up `count` bytes that [`wait_for_data`](Body::wait_for_data) has found.
    fn consume(&mut self, count: usize) {
        self.incoming.consume(count);
        self.remaining -= count as u64;
    }
}

/// A request's body as a stream, from
/// [`Request::body_reader`](crate::Request::body_reader).
///
/// If the body is malformed, too large, too slow or cut off, the read fails with
/// an [`io::Error`] around the [`Error`], and so does every read after it.
pub struct BodyReader<'r, 'a> {
    body: &'r mut Body<'a>,
    source: &'r mut dyn Source,
}

impl<'r, 'a> BodyReader<'r, 'a> {
    pub(crate) fn new(body: &'r mut Body<'a>, source: &'r mut dyn Source) -> BodyReader<'r, 'a> {
        BodyReader { body, source }
    }
}

impl io::Read for BodyReader<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(self.source, into);
        read.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Read;
    use std::time::Instant;

    /// A peer that sends one byte at a time.
    struct Trickle<'a> {
        to_come: &'a [u8],
        continued: usize,
    }

    impl<'a> Trickle<'a> {
        fn new(to_come: &'a [u8]) -> Trickle<'a> {
            Trickle { to_come, continued: 0 }
        }
    }

    impl Source for Trickle<'_> {
        fn read_more(&mut self, into: &mut [u8], _: Instant) -> Result<usize, Error> {
            self.to_come
                .read(&mut into[..1])
                .map_err(|_| Error::BodyTruncated)
                .and_then(|count| if count == 0 { Err(Error::BodyTruncated) } else { Ok(count) })
        }

        fn send_continue(&mut self) {
            self.continued += 1;
        }
    }

    /// Reads a body whole, byte by byte, and as a stream: all three must agree. The
    /// next request comes right behind the body.
    #[track_caller]
    pub(crate) fn decode(framing: Framing, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let limits = Limits::default();
        let sent = [bytes, b"NEXT"].concat();
        let mut body = Body::new(framing, false, &sent, &limits);
        let result = body.read_all(&mut None).map(<[u8]>::to_vec);
        if result.is_ok() {
            assert_eq!(
                body.incoming().early().len(),
                4,
                "the next request begins where the body ends"
            );
        }

        let mut trickle = Trickle::new(&sent);
        let mut body = Body::new(framing, false, b"", &limits);
        let slow = body.read_all(&mut trickle).map(<[u8]>::to_vec);
        assert_eq!(slow, result, "byte by byte");

        let mut streamed = Vec::new();
        let mut body = Body::new(framing, false, &sent, &limits);
        let outcome = loop {
            let mut piece = [0; 3];
            match body.read(&mut None, &mut piece) {
                Ok(0) => break Ok(streamed),
                Ok(count) => streamed.extend_from_slice(&piece[..count]),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(outcome, result, "streamed");
        result
    }

    #[test]
    fn a_body_with_a_length_has_exactly_that_length() {
        assert_eq!(decode(Framing::Length(5), b"hello"), Ok(b"hello".to_vec()));
        assert_eq!(decode(Framing::Length(0), b""), Ok(Vec::new()));
        assert_eq!(decode(Framing::Length(50), b"short"), Err(Error::BodyTruncated));
    }

    #[test]
    fn what_was_read_behind_a_body_is_left_for_the_next_request() {
        let limits = Limits::default();
        let mut source: &[u8] = b"5\r\nhello\r\n0\r\n\r\nNEXT";
        let mut body = Body::new(Framing::Chunked, false, b"", &limits);
        assert_eq!(body.read_all(&mut Whole(&mut source)), Ok(&b"hello"[..]));
        assert_eq!(body.incoming().later(), b"NEXT");
    }

    /// A peer that sends all its bytes at once.
    struct Whole<'a>(&'a mut &'static [u8]);

    impl Source for Whole<'_> {
        fn read_more(&mut self, into: &mut [u8], _: Instant) -> Result<usize, Error> {
            self.0.read(into).map_err(|_| Error::BodyTruncated)
        }

        fn send_continue(&mut self) {}
    }

    #[test]
    fn a_client_is_told_to_continue_once_and_only_when_its_body_is_read() {
        let limits = Limits::default();
        let mut trickle = Trickle::new(b"hello");
        let mut body = Body::new(Framing::Length(5), true, b"", &limits);
        assert!(!body.can_be_drained(), "the client may or may not send it");
        assert_eq!(body.read_all(&mut trickle), Ok(&b"hello"[..]));
        assert_eq!(body.read_all(&mut trickle), Ok(&b"hello"[..]));
        assert_eq!(trickle.continued, 1);

        let mut trickle = Trickle::new(b"");
        let mut none = Body::new(Framing::Length(0), true, b"", &limits);
        assert_eq!(none.read_all(&mut trickle), Ok(&b""[..]));
        assert_eq!(trickle.continued, 0);
    }

    #[test]
    fn a_malformed_body_stays_malformed() {
        let limits = Limits::default();
        let mut body = Body::new(Framing::Chunked, false, b"x\r\n0\r\n\r\n", &limits);
        assert_eq!(body.read_all(&mut None), Err(Error::Chunk));
        assert_eq!(body.read_all(&mut None), Err(Error::Chunk));
        assert!(!body.can_be_drained());
    }

    #[test]
    fn a_body_that_is_announced_too_large_is_an_error_only_for_those_who_read_it() {
        let limits = Limits { body_bytes: 5, ..Limits::default() };
        let mut trickle = Trickle::new(b"hello!");
        let mut body = Body::new(Framing::Length(6), true, b"", &limits);
        assert!(!body.can_be_drained());
        assert_eq!(body.read_all(&mut trickle), Err(Error::BodyTooLarge));
        assert_eq!((trickle.continued, trickle.to_come), (0, &b"hello!"[..]));
        let mut body = Body::new(Framing::Length(5), true, b"", &limits);
        assert_eq!(body.read_all(&mut Trickle::new(b"hello!")), Ok(&b"hello"[..]));
    }

    #[test]
    fn draining_stops_at_its_limit() {
        let limits = Limits { drain_bytes: 10, ..Limits::default() };
        let drain =
            |framing, bytes: &[u8]| Body::new(framing, false, bytes, &limits).drain(&mut None);
        assert!(drain(Framing::Length(10), b"0123456789"));
        assert!(!drain(Framing::Length(11), b"0123456789a"));
        assert!(!drain(Framing::Length(10), b"short"));
        assert!(drain(Framing::Chunked, b"2\r\nab\r\n0\r\n\r\n"), "with its chunk lines");
        assert!(!drain(Framing::Chunked, b"8\r\nabcdefgh\r\n0\r\n\r\n"));
    }
}

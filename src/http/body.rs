//! Where a request's content begins and ends.
//!
//! The head picks a [`Framing`] once, and nobody else reads Content-Length or
//! Transfer-Encoding. [`Content`] then takes the message body off the wire,
//! only when a handler asks, and gives the bytes within (RFC 9110 §6.4).
//! All of it rests on one step, [`Content::available`]: how many bytes of
//! content lie at the front of what has arrived. Reading, streaming and
//! draining are loops over it.

use std::io;
use std::time::Instant;

use crate::error::Error;
use crate::http::header::{self, Header, is_token, is_value};
use crate::limits::Limits;

/// How a message body is delimited (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By a count of bytes; 0 where the head announces no content.
    Length(u64),
    /// By chunks (RFC 9112 §7.1).
    Chunked,
}

impl Framing {
    /// Reads the framing off a head's fields, by the rules of RFC 9112 §6.3
    /// without their leniency: what two parsers could read in two ways is
    /// refused.
    pub(crate) fn of(headers: &[Header], limits: &Limits) -> Result<Framing, Error> {
        let mut length = None;
        let mut coding = None;
        for header in headers {
            if header.name.eq_ignore_ascii_case("Content-Length") {
                // Step 1: one Content-Length, even if a second one agrees
                // (RUSTSEC-2021-0078 took whichever came first).
                if length.replace(header.value).is_some() {
                    return Err(Error::ContentLengthRepeated);
                }
            } else if header.name.eq_ignore_ascii_case("Transfer-Encoding") {
                // Step 2: one Transfer-Encoding (RUSTSEC-2020-0031 looked at
                // the first alone, CVE-2024-1135 at none that it did not know).
                if coding.replace(header.value).is_some() {
                    return Err(Error::TransferEncoding);
                }
            }
        }
        match (coding, length) {
            (None, None) => Ok(Framing::Length(0)),
            (None, Some(value)) => content_length(value, limits).map(Framing::Length),
            // Step 3: "A server MAY reject a request that contains both
            // Content-Length and Transfer-Encoding" (RFC 9112 §6.1). We do: it
            // is CL.TE and TE.CL smuggling (CVE-2024-6827).
            (Some(_), Some(_)) => Err(Error::FramingConflict),
            (Some(value), None) => transfer_encoding(value),
        }
    }
}

/// `Content-Length = 1*DIGIT` (RFC 9110 §8.6), and no more than we take.
fn content_length(value: &[u8], limits: &Limits) -> Result<u64, Error> {
    let length = header::number(value).ok_or(Error::ContentLength)?;
    if length > limits.body_bytes { Err(Error::BodyTooLarge) } else { Ok(length) }
}

/// `chunked`, alone.
fn transfer_encoding(value: &[u8]) -> Result<Framing, Error> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    // "A server that receives a request message with a transfer coding it does
    // not understand SHOULD respond with 501" (RFC 9112 §6.1). A list that has
    // chunked anywhere but alone is no coding of ours either way; what is not
    // even a list of tokens is malformed (RUSTSEC-2021-0020: `xchunked`).
    let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let known = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if codings.clone().all(is_token) && !codings.any(known) {
        Err(Error::TransferCoding)
    } else {
        Err(Error::TransferEncoding)
    }
}

/// Where a message body comes from: what has arrived, and a way to get more.
pub(crate) trait Source {
    /// What has arrived and is not used up.
    fn unread(&self) -> &[u8];

    /// Uses up the first `count` bytes of [`unread`](Source::unread).
    fn consume(&mut self, count: usize);

    /// Waits, until `deadline` at most, for more to arrive.
    fn fill(&mut self, deadline: Instant) -> Result<(), Error>;

    /// Puts `100 Continue` before the next answer.
    fn send_continue(&mut self);
}

/// A body that arrived with its head, and nothing comes after it.
impl Source for &[u8] {
    fn unread(&self) -> &[u8] {
        self
    }

    fn consume(&mut self, count: usize) {
        *self = self.get(count..).unwrap_or_default();
    }

    fn fill(&mut self, _: Instant) -> Result<(), Error> {
        Err(Error::BodyTruncated)
    }

    fn send_continue(&mut self) {}
}

/// Where in a message body the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Content counted by Content-Length; this much is to come.
    Counted(u64),
    /// At a chunk's size line.
    ChunkLine,
    /// In a chunk; this much of its data is to come, and then CRLF.
    ChunkData(u64),
    /// Past the last chunk and its trailers, or past the last counted byte.
    Done,
    /// The framing is broken: what follows can't be told from content.
    Broken(Error),
}

/// How far a message body has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    state: State,
    /// The client waits for `100 Continue` before it sends its content.
    awaits_continue: bool,
    /// Bytes of content given so far.
    given: u64,
    /// Bytes of the message body used up so far, chunk lines and all.
    used: u64,
    /// Bytes of chunk extensions among them.
    extensions: usize,
}

impl Progress {
    pub(crate) fn new(framing: Framing, expects_continue: bool) -> Progress {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Counted(length),
            Framing::Chunked => State::ChunkLine,
        };
        // No content, nothing to continue with (RFC 9110 §10.1.1).
        let awaits_continue = expects_continue && state != State::Done;
        Progress { state, awaits_continue, given: 0, used: 0, extensions: 0 }
    }

    /// Whether the message body has been read to its last byte.
    pub(crate) fn is_done(self) -> bool {
        self.state == State::Done
    }

    /// Whether any of the message body has been used up.
    pub(crate) fn has_begun(self) -> bool {
        self.used > 0
    }

    /// Whether the message body may end soon enough to be drained, so that the
    /// connection can go on after the answer.
    ///
    /// Not while the client waits for `100 Continue`: with the answer it may
    /// skip its content or send it, and which one can't be told (RFC 9110
    /// §10.1.1).
    pub(crate) fn can_be_drained(self, limits: &Limits) -> bool {
        match self.state {
            State::Done => true,
            State::Broken(_) => false,
            State::Counted(rest) => !self.awaits_continue && rest <= limits.drain_bytes,
            State::ChunkLine | State::ChunkData(_) => !self.awaits_continue,
        }
    }
}

/// A request's content, as it comes off the wire.
pub(crate) struct Content<'a> {
    source: Supply<'a>,
    progress: Progress,
    limits: &'a Limits,
    deadline: Option<Instant>,
    /// What [`all`](Content::all) has gathered.
    gathered: Vec<u8>,
    /// The chunk line or trailer line being read.
    line: Vec<u8>,
}

/// A source of one's own, or a connection's.
pub(crate) enum Supply<'a> {
    Arrived(&'a [u8]),
    Wire(&'a mut dyn Source),
}

impl Supply<'_> {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Supply::Arrived(bytes) => bytes,
            Supply::Wire(source) => &mut **source,
        }
    }
}

impl<'a> Content<'a> {
    pub(crate) fn new(progress: Progress, source: Supply<'a>, limits: &'a Limits) -> Content<'a> {
        let (gathered, line) = (Vec::new(), Vec::new());
        Content { source, progress, limits, deadline: None, gathered, line }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// The whole content. Read at the first call, kept for the next.
    pub(crate) fn all(&mut self) -> Result<&[u8], Error> {
        loop {
            let ready = self.available()?;
            if ready == 0 {
                return Ok(&self.gathered);
            }
            let unread = self.source.source().unread();
            self.gathered.extend_from_slice(unread.get(..ready).unwrap_or(unread));
            self.consume(ready);
        }
    }

    /// Some of the content that is yet to be read; 0 at its end.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        if into.is_empty() {
            return Ok(0);
        }
        let ready = self.available()?.min(into.len());
        let unread = self.source.source().unread();
        for (to, from) in into.iter_mut().zip(unread.iter().take(ready)) {
            *to = *from;
        }
        self.consume(ready);
        Ok(ready)
    }

    /// Reads and drops what nobody read. False when it does not end within
    /// [`Limits::drain_bytes`] and [`Limits::drain_timeout`]: then the
    /// connection must close, for an unread body must never become the next
    /// request (RUSTSEC-2020-0093).
    pub(crate) fn drain(&mut self) -> bool {
        if self.progress.is_done() {
            return true;
        }
        if !self.progress.can_be_drained(self.limits) {
            return false;
        }
        self.deadline = Some(Instant::now() + self.limits.drain_timeout);
        let most = self.progress.used.saturating_add(self.limits.drain_bytes);
        while let Ok(ready) = self.available() {
            if ready == 0 {
                return true;
            }
            self.consume(ready);
            if self.progress.used > most {
                break;
            }
        }
        false
    }

    /// How many bytes of content lie at the front of what has arrived; waits
    /// until there is one. 0 is the end of the content.
    fn available(&mut self) -> Result<usize, Error> {
        if self.progress.awaits_continue {
            self.progress.awaits_continue = false;
            self.source.source().send_continue();
        }
        loop {
            let step = match self.progress.state {
                State::Done => return Ok(0),
                State::Broken(error) => return Err(error),
                State::Counted(rest) | State::ChunkData(rest) => {
                    let arrived = self.source.source().unread().len();
                    if arrived > 0 {
                        return Ok(usize::try_from(rest).map_or(arrived, |rest| rest.min(arrived)));
                    }
                    self.fill()
                }
                State::ChunkLine => self.chunk_line(),
            };
            // After an error no byte's meaning is known.
            step.inspect_err(|error| self.progress.state = State::Broken(*error))?;
        }
    }

    /// Uses up `count` bytes that [`available`](Content::available) promised.
    fn consume(&mut self, count: usize) {
        self.source.source().consume(count);
        self.progress.given += count as u64;
        self.progress.used += count as u64;
        let left = |rest: u64| rest.saturating_sub(count as u64);
        self.progress.state = match self.progress.state {
            State::Counted(rest) if left(rest) == 0 => State::Done,
            State::Counted(rest) => State::Counted(left(rest)),
            // At 0 the chunk's CRLF is still to come; `chunk_line` takes it.
            State::ChunkData(rest) if left(rest) == 0 => State::ChunkLine,
            State::ChunkData(rest) => State::ChunkData(left(rest)),
            other => other,
        };
    }

    /// Reads up to the next chunk's data: the CRLF of the chunk before, the
    /// size line, and behind the last chunk the trailer section (RFC 9112 §7.1).
    fn chunk_line(&mut self) -> Result<(), Error> {
        // Step 1: "chunk-data CRLF". A line of two bytes is CRLF and nothing else
        // (CVE-2025-22871, CVE-2025-43859 skipped whatever stood there).
        if self.progress.given > 0 {
            self.read_line(2, Error::Chunk)?;
        }
        // Step 2: "chunk-size [ chunk-ext ] CRLF".
        self.read_line(self.limits.chunk_line_bytes, Error::Chunk)?;
        let (size, extensions) = chunk_size(&self.line).ok_or(Error::Chunk)?;
        self.progress.extensions += extensions;
        if self.progress.extensions > self.limits.chunk_extension_bytes {
            return Err(Error::Chunk);
        }
        if size > 0 {
            // Not past the limit, and no sum that could overflow (RUSTSEC-2021-0079).
            if size > self.limits.body_bytes.saturating_sub(self.progress.given) {
                return Err(Error::BodyTooLarge);
            }
            self.progress.state = State::ChunkData(size);
            return Ok(());
        }
        // Step 3: "trailer-section CRLF". Well-formed, bounded, and dropped: "a
        // recipient MUST NOT merge a received trailer field into the header
        // section" unless its definition allows it (RFC 9110 §6.5.1).
        let mut room = self.limits.trailer_bytes;
        loop {
            self.read_line(room.saturating_add(2), Error::Trailer)?;
            if self.line == b"\r\n" {
                self.progress.state = State::Done;
                return Ok(());
            }
            if !is_field_line(&self.line) {
                return Err(Error::Trailer);
            }
            room = room.checked_sub(self.line.len()).ok_or(Error::Trailer)?;
        }
    }

    /// Reads a line of at most `most` bytes, its CRLF included, into
    /// `self.line`; `otherwise` where there is none.
    fn read_line(&mut self, most: usize, otherwise: Error) -> Result<(), Error> {
        self.line.clear();
        loop {
            let source = self.source.source();
            let unread = source.unread();
            let room = most - self.line.len();
            let end = unread.iter().take(room).position(|byte| *byte == b'\n');
            let taken = end.map_or(unread.len().min(room), |end| end + 1);
            self.line.extend_from_slice(unread.get(..taken).unwrap_or(unread));
            source.consume(taken);
            self.progress.used += taken as u64;
            if end.is_some() {
                return if self.line.ends_with(b"\r\n") { Ok(()) } else { Err(otherwise) };
            }
            if self.line.len() == most {
                return Err(otherwise);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let limit = self.limits.body_timeout;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit);
        self.source.source().fill(deadline)
    }
}

/// A stream of a request's content, from [`Request::reader`](crate::Request::reader).
///
/// An error of the message body comes out as an [`io::Error`] around the
/// [`Error`], and so does every read after it.
pub struct BodyReader<'r, 'a> {
    content: &'r mut Content<'a>,
}

impl<'r, 'a> BodyReader<'r, 'a> {
    pub(crate) fn new(content: &'r mut Content<'a>) -> BodyReader<'r, 'a> {
        BodyReader { content }
    }
}

impl io::Read for BodyReader<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.content.read(into).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// The size, and the length of the extensions, in `chunk-size [ chunk-ext ] CRLF` (RFC 9112 §7.1, §7.1.1).
///
/// `chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
/// Extensions are checked though they mean nothing to us: a lenient parser in
/// front and a strict one behind disagree on where the line ends
/// (CVE-2025-55315, CVE-2022-24761).
fn chunk_size(line: &[u8]) -> Option<(u64, usize)> {
    let line = line.strip_suffix(b"\r\n")?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extensions) = line.split_at_checked(digits)?;
    // 16 hexadecimal digits are 64 bits: no more can be parsed without loss.
    if !(1..=16).contains(&digits) {
        return None;
    }
    let size = u64::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
    let mut rest = extensions;
    while !rest.is_empty() {
        let name = header::skip_whitespace(rest).strip_prefix(b";").map(header::skip_whitespace)?;
        rest = header::skip_token(name)?;
        if let Some(value) = header::skip_whitespace(rest).strip_prefix(b"=") {
            let value = header::skip_whitespace(value);
            rest = header::skip_quoted_string(value).or_else(|| header::skip_token(value))?;
        }
    }
    Some((size, extensions.len()))
}

/// `field-name ":" OWS field-value OWS CRLF` (RFC 9112 §5).
fn is_field_line(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(b"\r\n") else {
        return false;
    };
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return false;
    };
    let (name, value) = line.split_at(colon);
    is_token(name) && value.strip_prefix(b":").is_some_and(is_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that arrives one byte at a time.
    struct Trickle<'a> {
        arrived: &'a [u8],
        to_come: &'a [u8],
        continued: usize,
    }

    impl Source for Trickle<'_> {
        fn unread(&self) -> &[u8] {
            self.arrived
        }

        fn consume(&mut self, count: usize) {
            self.arrived = &self.arrived[count..];
        }

        fn fill(&mut self, _: Instant) -> Result<(), Error> {
            assert!(self.arrived.is_empty(), "filled before it was used up");
            if self.to_come.is_empty() {
                return Err(Error::BodyTruncated);
            }
            (self.arrived, self.to_come) = self.to_come.split_at(1);
            Ok(())
        }

        fn send_continue(&mut self) {
            self.continued += 1;
        }
    }

    /// The content of a message body, read whole, byte by byte, and streamed;
    /// behind it stands the next request.
    #[track_caller]
    fn decode(framing: Framing, body: &[u8]) -> Result<Vec<u8>, Error> {
        let limits = Limits::default();
        let whole = [body, b"NEXT"].concat();
        let mut arrived: &[u8] = &whole;
        let mut content =
            Content::new(Progress::new(framing, false), Supply::Wire(&mut arrived), &limits);
        let result = content.all().map(<[u8]>::to_vec);
        if result.is_ok() {
            assert_eq!(arrived, b"NEXT", "the next request begins where the body ends");
        }

        let mut trickle = Trickle { arrived: b"", to_come: &whole, continued: 0 };
        let mut content =
            Content::new(Progress::new(framing, false), Supply::Wire(&mut trickle), &limits);
        assert_eq!(content.all().map(<[u8]>::to_vec), result, "byte by byte");

        let mut streamed = Vec::new();
        let mut content =
            Content::new(Progress::new(framing, false), Supply::Arrived(&whole), &limits);
        let outcome = loop {
            let mut piece = [0; 3];
            match content.read(&mut piece) {
                Ok(0) => break Ok(streamed),
                Ok(count) => streamed.extend_from_slice(&piece[..count]),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(outcome, result, "streamed");
        result
    }

    #[track_caller]
    fn framing(headers: &[(&'static str, &'static str)]) -> Result<Framing, Error> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        Framing::of(&headers, &Limits::default())
    }

    #[test]
    fn content_length_is_one_run_of_digits() {
        assert_eq!(framing(&[("Content-Length", "5")]), Ok(Framing::Length(5)));
        assert_eq!(framing(&[("CONTENT-LENGTH", "0005")]), Ok(Framing::Length(5)));
        for value in ["", "+5", "-5", "5,5", "5, 5", "0x5", "5 5", "5.0", "five", "٥"] {
            assert_eq!(framing(&[("Content-Length", value)]), Err(Error::ContentLength), "{value}");
        }
        let overflow = "18446744073709551616";
        assert_eq!(framing(&[("Content-Length", overflow)]), Err(Error::ContentLength));
        assert_eq!(framing(&[("Content-Length", "1048576")]), Ok(Framing::Length(1_048_576)));
        assert_eq!(framing(&[("Content-Length", "1048577")]), Err(Error::BodyTooLarge));
    }

    #[test]
    fn two_fields_that_frame_are_refused_even_if_they_agree() {
        let length = ("Content-Length", "5");
        let chunked = ("Transfer-Encoding", "chunked");
        assert_eq!(framing(&[length, length]), Err(Error::ContentLengthRepeated));
        assert_eq!(framing(&[chunked, chunked]), Err(Error::TransferEncoding));
        assert_eq!(framing(&[length, chunked]), Err(Error::FramingConflict));
        assert_eq!(framing(&[chunked, length]), Err(Error::FramingConflict));
    }

    #[test]
    fn chunked_stands_alone() {
        assert_eq!(framing(&[("Transfer-Encoding", "ChunkeD")]), Ok(Framing::Chunked));
        for value in ["gzip", "identity", "xchunked", "gzip, deflate"] {
            let result = framing(&[("Transfer-Encoding", value)]);
            assert_eq!(result, Err(Error::TransferCoding), "{value}");
        }
        for value in
            ["", "gzip, chunked", "chunked, gzip", "chunked,", "\"chunked\"", "chunked;q=1"]
        {
            let result = framing(&[("Transfer-Encoding", value)]);
            assert_eq!(result, Err(Error::TransferEncoding), "{value}");
        }
    }

    #[test]
    fn counted_content_is_exactly_as_long_as_announced() {
        assert_eq!(decode(Framing::Length(5), b"hello"), Ok(b"hello".to_vec()));
        assert_eq!(decode(Framing::Length(0), b""), Ok(Vec::new()));
        assert_eq!(decode(Framing::Length(50), b"short"), Err(Error::BodyTruncated));
    }

    #[test]
    fn chunks_are_joined() {
        for body in [
            "5\r\nhello\r\n0\r\n\r\n",
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "005\r\nhello\r\n000\r\n\r\n",
            "5;a\r\nhello\r\n0\r\n\r\n",
            "5 ; a = b ;c=\"d;\\\"\"\r\nhello\r\n0;z\r\n\r\n",
            "5\r\nhello\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\n",
        ] {
            assert_eq!(
                decode(Framing::Chunked, body.as_bytes()),
                Ok(b"hello".to_vec()),
                "{body:?}"
            );
        }
        assert_eq!(
            decode(Framing::Chunked, b"A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n")
                .map(|c| c.len()),
            Ok(20)
        );
    }

    #[test]
    fn a_chunk_that_two_parsers_could_read_in_two_ways_is_refused() {
        for body in [
            "\r\n",
            ";\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "5_0\r\nhello\r\n0\r\n\r\n",
            "00000000000000005\r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\rhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n\r\n",
            "5\r\nhelloXX0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n",
            "5\r\nhello\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n",
            "5;;a\r\nhello\r\n0\r\n\r\n",
            "5;a=\r\nhello\r\n0\r\n\r\n",
            "5;a=\"\r\nhello\r\n0\r\n\r\n",
            "5;a=\"\\\r\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5;a\0\r\nhello\r\n0\r\n\r\n",
            "5;a b\r\nhello\r\n0\r\n\r\n",
        ] {
            assert_eq!(decode(Framing::Chunked, body.as_bytes()), Err(Error::Chunk), "{body:?}");
        }
    }

    #[test]
    fn trailers_are_checked_and_bounded() {
        for body in [
            "0\r\nX : 1\r\n\r\n",
            "0\r\n: 1\r\n\r\n",
            "0\r\nX\r\n\r\n",
            "0\r\nX: 1\n\r\n",
            "0\r\nX: a\0b\r\n\r\n",
            "0\r\n folded\r\n\r\n",
            "0\r\n\n",
        ] {
            assert_eq!(decode(Framing::Chunked, body.as_bytes()), Err(Error::Trailer), "{body:?}");
        }
        let fits = format!("0\r\nX: {}\r\n\r\n", "a".repeat(4096 - 5));
        assert_eq!(decode(Framing::Chunked, fits.as_bytes()), Ok(Vec::new()));
        let over = format!("0\r\nX: {}\r\n\r\n", "a".repeat(4096 - 4));
        assert_eq!(decode(Framing::Chunked, over.as_bytes()), Err(Error::Trailer));
    }

    #[test]
    fn a_chunk_line_has_256_bytes_at_most() {
        let line = |length: usize| {
            let body = format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(length - 4));
            decode(Framing::Chunked, body.as_bytes())
        };
        assert_eq!(line(256), Ok(b"hello".to_vec()));
        assert_eq!(line(257), Err(Error::Chunk));
    }

    #[test]
    fn all_extensions_together_have_16_kib_at_most() {
        let chunks = |count: usize| {
            let chunk = format!("1;{}\r\na\r\n", "x".repeat(127));
            decode(Framing::Chunked, format!("{}0\r\n\r\n", chunk.repeat(count)).as_bytes())
        };
        assert_eq!(chunks(128), Ok(vec![b'a'; 128]));
        assert_eq!(chunks(129), Err(Error::Chunk));
    }

    #[test]
    fn chunks_past_the_limit_are_refused_before_their_data() {
        assert_eq!(decode(Framing::Chunked, b"100001\r\n"), Err(Error::BodyTooLarge));
        assert_eq!(decode(Framing::Chunked, b"FFFFFFFFFFFFFFFF\r\n"), Err(Error::BodyTooLarge));
        assert_eq!(
            decode(Framing::Chunked, b"1\r\na\r\nFFFFFFFFFFFFFFFF\r\n"),
            Err(Error::BodyTooLarge)
        );
    }

    #[test]
    fn a_client_is_told_to_continue_once_and_only_when_its_content_is_read() {
        let limits = Limits::default();
        let mut trickle = Trickle { arrived: b"", to_come: b"hello", continued: 0 };
        let framing = Framing::Length(5);
        let mut content =
            Content::new(Progress::new(framing, true), Supply::Wire(&mut trickle), &limits);
        assert!(!content.progress().can_be_drained(&limits), "the client may or may not send it");
        assert_eq!(content.all(), Ok(&b"hello"[..]));
        assert_eq!(content.all(), Ok(&b"hello"[..]));
        assert_eq!(trickle.continued, 1);
    }

    #[test]
    fn a_broken_body_stays_broken() {
        let limits = Limits::default();
        let mut content = Content::new(
            Progress::new(Framing::Chunked, false),
            Supply::Arrived(b"x\r\n0\r\n\r\n"),
            &limits,
        );
        assert_eq!(content.all(), Err(Error::Chunk));
        assert_eq!(content.all(), Err(Error::Chunk));
        assert!(!content.progress().can_be_drained(&limits));
    }

    #[test]
    fn draining_stops_at_its_limit() {
        let limits = Limits { drain_bytes: 10, ..Limits::default() };
        let drain = |framing, body: &'static [u8]| {
            Content::new(Progress::new(framing, false), Supply::Arrived(body), &limits).drain()
        };
        assert!(drain(Framing::Length(10), b"0123456789"));
        assert!(!drain(Framing::Length(11), b"0123456789a"));
        assert!(!drain(Framing::Length(10), b"short"));
        assert!(drain(Framing::Chunked, b"2\r\nab\r\n0\r\n\r\n"), "chunk lines count");
        assert!(!drain(Framing::Chunked, b"8\r\nabcdefgh\r\n0\r\n\r\n"));
    }
}

//! Takes a chunked body apart (RFC 9112 §7.1): the lines between its data.
//!
//! Our own code and not httparse's `parse_chunk_size`, which is lax. Each line
//! must be exactly what the grammar says, because a lenient parser in front of
//! us and a strict one here would disagree on where the next request begins.

use crate::error::Error;
use crate::http::header::{
    is_token, is_value, skip_quoted_string, skip_token, skip_whitespace, split_at_byte,
};
use crate::http::incoming::{Incoming, Source};
use crate::limits::Limits;

/// What is known of a chunked body so far.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// Bytes of data in all chunks so far.
    data: u64,
    /// Bytes of extensions in all chunk lines so far.
    extensions: usize,
}

impl Chunks {
    /// Reads the lines up to the next chunk's data: the CRLF of the chunk before,
    /// the chunk's own line and, after the last chunk, the trailers. Returns the number
    /// of bytes in the chunk; 0 is the end of the body.
    pub(crate) fn next(
        &mut self,
        incoming: &mut Incoming,
        source: &mut dyn Source,
        limits: &Limits,
    ) -> Result<u64, Error> {
        // Step 1: "chunk-data CRLF", but not before the first chunk. A line of two bytes
        // is CRLF and nothing else (CVE-2025-43859 skipped whatever was there;
        // CVE-2025-22871 ended the next line at a bare LF).
        if self.data > 0 {
            incoming.read_line(source, 2, Error::Chunk)?;
        }
        // Step 2: "chunk-size [ chunk-ext ] CRLF".
        let line = incoming.read_line(source, limits.chunk_line_bytes, Error::Chunk)?;
        let (size, extensions) = chunk_line(&line).ok_or(Error::Chunk)?;
        self.extensions += extensions;
        if self.extensions > limits.chunk_extension_bytes {
            return Err(Error::Chunk);
        }
        if size > 0 {
            // Compared without a sum that could overflow (RUSTSEC-2021-0079).
            if size > limits.body_bytes.saturating_sub(self.data) {
                return Err(Error::BodyTooLarge);
            }
            self.data += size;
            return Ok(size);
        }
        // Step 3: "trailer-section CRLF". Trailers are checked, and dropped: "a
        // recipient MUST NOT merge a received trailer field into the header
        // section" unless its definition allows it (RFC 9110 §6.5.1).
        let mut allowed = limits.trailer_bytes;
        loop {
            let line = incoming.read_line(source, allowed.saturating_add(2), Error::Trailer)?;
            if line == b"\r\n" {
                return Ok(0);
            }
            if !is_trailer(&line) {
                return Err(Error::Trailer);
            }
            allowed = allowed.checked_sub(line.len()).ok_or(Error::Trailer)?;
        }
    }
}

/// The size of a chunk, and the number of bytes in its extensions, from
/// `chunk-size [ chunk-ext ] CRLF` (RFC 9112 §7.1, §7.1.1).
///
/// `chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
/// Extensions are checked although they mean nothing to us: a parser that does
/// not check them can find the end of the line elsewhere (CVE-2025-55315,
/// CVE-2022-24761).
fn chunk_line(line: &[u8]) -> Option<(u64, usize)> {
    let line = line.strip_suffix(b"\r\n")?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extensions) = line.split_at_checked(digits)?;
    // 16 hexadecimal digits are 64 bits. More are not needed.
    if !(1..=16).contains(&digits) {
        return None;
    }
    let size = u64::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
    let mut rest = extensions;
    while !rest.is_empty() {
        let name = skip_whitespace(rest).strip_prefix(b";").map(skip_whitespace)?;
        rest = skip_token(name)?;
        if let Some(value) = skip_whitespace(rest).strip_prefix(b"=") {
            let value = skip_whitespace(value);
            rest = skip_quoted_string(value).or_else(|| skip_token(value))?;
        }
    }
    Some((size, extensions.len()))
}

/// Whether the line is `field-name ":" OWS field-value OWS CRLF` (RFC 9112 §5).
fn is_trailer(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(b"\r\n") else {
        return false;
    };
    let (name, value) = split_at_byte(line, b':');
    is_token(name) && value.strip_prefix(b":").is_some_and(is_value)
}

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::http::body::tests::decode;
    use crate::http::framing::Framing;

    #[test]
    fn a_chunked_body_is_its_data_without_extensions_and_trailers() {
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
    fn a_chunk_that_two_parsers_could_read_in_two_ways_is_rejected() {
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
    fn trailers_are_checked_and_limited() {
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
    fn a_chunk_that_is_too_large_is_rejected_before_its_data() {
        assert_eq!(decode(Framing::Chunked, b"100001\r\n"), Err(Error::BodyTooLarge));
        assert_eq!(decode(Framing::Chunked, b"FFFFFFFFFFFFFFFF\r\n"), Err(Error::BodyTooLarge));
        assert_eq!(
            decode(Framing::Chunked, b"1\r\na\r\nFFFFFFFFFFFFFFFF\r\n"),
            Err(Error::BodyTooLarge)
        );
    }
}

//! Finds where a head ends, in bytes that may arrive one at a time.
//!
//! The first of the three steps in which a head is checked (the others are in
//! `head.rs`): every line must end in CRLF, and the whole must keep within its limits.
//! The result depends only on the bytes, never on how they were cut into packets.

use std::ops::Range;

use crate::error::Error;
use crate::limits::Limits;

/// A search for the end of a head. It remembers how far it has looked, so it
/// looks at each byte once, however slowly the bytes arrive.
#[derive(Debug, Default)]
pub(crate) struct HeadEnd {
    /// Where the request line begins: after any blank lines.
    start: usize,
    /// Where the line begins that is looked at now.
    line: usize,
    /// How many bytes have been looked at.
    seen: usize,
}

impl HeadEnd {
    /// Where in `bytes` the head is, or `None` while it is not whole. Each call
    /// gets the bytes of the call before it, and perhaps more.
    pub(crate) fn find(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Range<usize>>, Error> {
        loop {
            let max = self.start + limits.head_bytes;
            let bytes = bytes.get(..max).unwrap_or(bytes);
            // One byte back: it may be a CR, and its LF has arrived only now.
            let from = self.seen.saturating_sub(1).max(self.line);
            let end = from + line_length(bytes.get(from..).unwrap_or_default());
            match bytes.get(end..).unwrap_or_default() {
                [b'\r', b'\n', ..] => {}
                [] | [b'\r'] => {
                    self.seen = bytes.len();
                    return if self.seen == max {
                        Err(self.too_long(bytes, limits))
                    } else {
                        Ok(None)
                    };
                }
                // "a recipient MAY recognize a single LF as a line terminator"
                // (RFC 9112 §2.2). We don't: two parsers that differ in it see
                // different headers. "A recipient of such a bare CR MUST consider
                // that element to be invalid."
                _ => return Err(Error::LineEnding),
            }
            let (is_empty, is_first) = (end == self.line, self.line == self.start);
            let next_line = end + 2;
            (self.line, self.seen) = (next_line, next_line);
            if is_empty && !is_first {
                return Ok(Some(self.start..next_line));
            }
            if is_empty {
                // "a server … SHOULD ignore at least one empty line (CRLF)
                // received prior to the request-line" (RFC 9112 §2.2).
                self.start = next_line;
                if self.start > limits.blank_lines * 2 {
                    return Err(Error::BlankLines);
                }
            }
        }
    }

    /// Which part of a head is too long: the target, the rest of the request line, or the
    /// headers.
    fn too_long(&self, bytes: &[u8], limits: &Limits) -> Error {
        let head = bytes.get(self.start..).unwrap_or_default();
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if target.len() > limits.target_bytes {
            Error::TargetTooLong
        } else if self.line == self.start {
            Error::RequestLine
        } else {
            Error::HeadTooLarge
        }
    }

    /// Whether a request has begun: something else than blank lines has arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.seen > self.start
    }
}

/// How many bytes there are before the first CR or LF. It looks at blocks of 16,
/// because the compiler then compares all bytes of a block at once.
fn line_length(bytes: &[u8]) -> usize {
    let ends_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let (blocks, _) = bytes.as_chunks::<16>();
    let ends_in = |block: &&[u8; 16]| block.iter().fold(false, |any, byte| any | ends_line(byte));
    let skipped = blocks.iter().take_while(|block| !ends_in(block)).count() * 16;
    let rest = bytes.get(skipped..).unwrap_or_default();
    skipped + rest.iter().take_while(|byte| !ends_line(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches in the whole head, and byte by byte: both must agree.
    #[track_caller]
    fn find(head: &str) -> Result<Option<Range<usize>>, Error> {
        let whole = HeadEnd::default().find(head.as_bytes(), &Limits::DEFAULT);
        let mut end = HeadEnd::default();
        let mut found = Ok(None);
        for arrived in 1..=head.len() {
            found = end.find(&head.as_bytes()[..arrived], &Limits::DEFAULT);
            if found != Ok(None) {
                break;
            }
        }
        assert_eq!(found, whole, "byte by byte: {head:?}");
        whole
    }

    #[test]
    fn a_line_ends_at_its_first_cr_or_lf() {
        for length in 0..50 {
            let plain = "x".repeat(length);
            assert_eq!(line_length(plain.as_bytes()), length);
            for end in ["\r", "\n", "\r\n"] {
                let line = format!("{plain}{end}{}", "y\r\n".repeat(12));
                assert_eq!(line_length(line.as_bytes()), length, "{line:?}");
            }
        }
    }

    #[test]
    fn lines_end_in_crlf_and_in_nothing_else() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(find(head), Ok(Some(0..head.len())));
        assert_eq!(find(&format!("{head}GET /next")), Ok(Some(0..head.len())));
        assert_eq!(find(&head[..head.len() - 1]), Ok(None));
        for head in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n",
            "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\rHost: a\r\r",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(find(head), Err(Error::LineEnding), "{head:?}");
        }
    }

    #[test]
    fn a_few_blank_lines_before_the_request_line_are_skipped() {
        let head = "GET / HTTP/1.1\r\n\r\n";
        assert_eq!(find(&format!("{}{head}", "\r\n".repeat(4))), Ok(Some(8..8 + head.len())));
        assert_eq!(find(&format!("{}{head}", "\r\n".repeat(5))), Err(Error::BlankLines));
    }

    #[test]
    fn a_head_has_16_kib_at_most() {
        let head = |length: usize| {
            let fixed = "GET / HTTP/1.1\r\nX: \r\n\r\n".len();
            let value = "b".repeat(length - fixed);
            find(&format!("GET / HTTP/1.1\r\nX: {value}\r\n\r\n"))
        };
        assert_eq!(head(16 * 1024), Ok(Some(0..16 * 1024)));
        assert_eq!(head(16 * 1024 + 1), Err(Error::HeadTooLarge));
    }

    #[test]
    fn a_head_that_is_too_long_says_which_part_of_it_is() {
        let long = "a".repeat(100_000);
        assert_eq!(find(&format!("GET /{long} HTTP/1.1\r\n\r\n")), Err(Error::TargetTooLong));
        assert_eq!(find(&format!("GET / HTTP/1.1\r\n{long}")), Err(Error::HeadTooLarge));
        for line in [
            format!("GET / {long}"),
            format!("GET / HTTP/1.1{long}"),
            format!("GET / HTTP/1.1 {long}"),
            format!("{long} / HTTP/1.1"),
            format!("\r\nGET / {long}"),
            " ".repeat(100_000),
            format!("GET  {long}"),
        ] {
            assert_eq!(find(&line), Err(Error::RequestLine), "{}", &line[..20]);
        }
    }

    #[test]
    fn blank_lines_begin_no_request() {
        let has_begun = |bytes: &str| {
            let mut end = HeadEnd::default();
            assert_eq!(end.find(bytes.as_bytes(), &Limits::DEFAULT), Ok(None));
            end.has_begun()
        };
        assert!(!has_begun("") && !has_begun("\r\n") && !has_begun("\r\n\r\n"));
        assert!(has_begun("G") && has_begun("\r\nG") && has_begun("\r"));
    }
}

//! Decides where a request's body ends (RFC 9112 §6).
//!
//! It happens once, while the head is checked; no other code reads Content-Length or
//! Transfer-Encoding. Where two parsers could read a head in two ways, it is rejected. An
//! attacker uses such a difference to hide one request in another, so that a proxy in
//! front of the server does not see it: that is request smuggling.

use crate::error::Error;
use crate::http::header::{Header, is_token, number};

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// The body has this many bytes; 0 where the head announces no body.
    Length(u64),
    /// The body comes in chunks (RFC 9112 §7.1).
    Chunked,
}

impl Framing {
    /// Reads the framing from the headers, by the rules of RFC 9112 §6.3 without
    /// their leniency.
    pub(crate) fn of(headers: &[Header]) -> Result<Framing, Error> {
        let mut length = None;
        let mut coding = None;
        for header in headers {
            if header.name.eq_ignore_ascii_case("Content-Length") {
                // Step 1: one Content-Length, even if a second one agrees.
                if length.replace(header.value).is_some() {
                    return Err(Error::ContentLengthRepeated);
                }
            } else if header.name.eq_ignore_ascii_case("Transfer-Encoding") {
                // Step 2: one Transfer-Encoding (RUSTSEC-2021-0020 and CVE-2024-1135: servers
                // that took `chunked` and then another one for chunked).
                if coding.replace(header.value).is_some() {
                    return Err(Error::TransferEncoding);
                }
            }
        }
        match (coding, length) {
            (None, None) => Ok(Framing::Length(0)),
            // `Content-Length = 1*DIGIT` (RFC 9110 §8.6).
            (None, Some(value)) => number(value).map(Framing::Length).ok_or(Error::ContentLength),
            // Step 3: "A server MAY reject a request that contains both
            // Content-Length and Transfer-Encoding" (RFC 9112 §6.1). We do: if one server
            // obeys the first and another one the second, they see different requests
            // (CVE-2024-6827).
            (Some(_), Some(_)) => Err(Error::FramingConflict),
            (Some(value), None) => transfer_encoding(value),
        }
    }
}

/// `chunked`, and nothing else.
fn transfer_encoding(value: &[u8]) -> Result<Framing, Error> {
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if is_chunked(value) {
        return Ok(Framing::Chunked);
    }
    // "A server that receives a request message with a transfer coding it does
    // not understand SHOULD respond with 501" (RFC 9112 §6.1). A list that names
    // chunked beside others is malformed, and so is whatever is not a list of
    // tokens (RUSTSEC-2020-0031 accepted malformed ones).
    let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if codings.clone().all(is_token) && !codings.any(is_chunked) {
        Err(Error::TransferCoding)
    } else {
        Err(Error::TransferEncoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn framing(headers: &[(&'static str, &'static str)]) -> Result<Framing, Error> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        Framing::of(&headers)
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
        let largest = "18446744073709551615";
        assert_eq!(framing(&[("Content-Length", largest)]), Ok(Framing::Length(u64::MAX)));
    }

    #[test]
    fn two_headers_that_frame_the_body_are_rejected_even_if_they_agree() {
        let length = ("Content-Length", "5");
        let chunked = ("Transfer-Encoding", "chunked");
        assert_eq!(framing(&[length, length]), Err(Error::ContentLengthRepeated));
        assert_eq!(framing(&[chunked, chunked]), Err(Error::TransferEncoding));
        assert_eq!(framing(&[length, chunked]), Err(Error::FramingConflict));
        assert_eq!(framing(&[chunked, length]), Err(Error::FramingConflict));
    }

    #[test]
    fn chunked_is_the_only_transfer_coding() {
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
}

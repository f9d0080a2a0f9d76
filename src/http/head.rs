//! The head of a request: method, target, fields.
//!
//! Three filters, each stricter than the one before: [`HeadEnd`] finds the end
//! of the head in bytes that may come one at a time, and refuses any line that
//! does not end in CRLF; httparse splits the whole head into its parts; then
//! come the checks that httparse leaves to us, in numbered steps. An answer
//! depends on the bytes alone, never on how they were cut into packets.

use crate::error::Error;
use crate::http::body::Framing;
use crate::http::header::Header;
use crate::http::method::Method;
use crate::http::target::{Target, is_authority, without_default_port};
use crate::limits::Limits;
use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

/// The HTTP version of a request (RFC 9112 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// Finds where a head ends, in bytes that may still be arriving.
///
/// It remembers how far it looked, so that hardly an byte is looked at twice,
/// however slowly they come.
#[derive(Debug, Default)]
pub(crate) struct HeadEnd {
    /// Where the request line begins, behind any blank lines.
    begin: usize,
    /// Where the line that is being looked at begins.
    line: usize,
    /// How far has been looked.
    seen: usize,
}

impl HeadEnd {
    /// Where the head in `bytes` lies, once it is whole. At each call `bytes`
    /// has what it had at the last one, and more.
    pub(crate) fn find(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Range<usize>>, Error> {
        loop {
            let most = self.begin + limits.head_bytes;
            let bytes = bytes.get(..most).unwrap_or(bytes);
            // One byte back: a CR may be waiting for its LF.
            let from = self.seen.saturating_sub(1).max(self.line);
            let end = from + line_length(bytes.get(from..).unwrap_or_default());
            match bytes.get(end..).unwrap_or_default() {
                [b'\r', b'\n', ..] => {}
                [] | [b'\r'] => {
                    self.seen = bytes.len();
                    return if self.seen == most {
                        Err(too_long(bytes, self.begin, limits))
                    } else {
                        Ok(None)
                    };
                }
                // "a recipient MAY recognize a single LF as a line terminator"
                // (RFC 9112 §2.2). We don't: two parsers that differ in it see
                // different fields. "A recipient of such a bare CR MUST consider
                // that element to be invalid."
                _ => return Err(Error::LineEnding),
            }
            let (is_blank, begins_head) = (end == self.line, self.line == self.begin);
            let end = end + 2;
            (self.line, self.seen) = (end, end);
            if is_blank && !begins_head {
                return Ok(Some(self.begin..end));
            }
            if is_blank {
                // "a server … SHOULD ignore at least one empty line (CRLF)
                // received prior to the request-line" (RFC 9112 §2.2).
                self.begin = end;
                if self.begin > limits.blank_lines * 2 {
                    return Err(Error::BlankLines);
                }
            }
        }
    }

    /// Whether nothing but blank lines has been seen: no head is under way.
    pub(crate) fn is_blank(&self) -> bool {
        self.seen == self.begin
    }
}

/// How many bytes there are before the first CR or LF. Block by block: the
/// compiler looks at all bytes of a block at once.
fn line_length(bytes: &[u8]) -> usize {
    let ends_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let (blocks, _) = bytes.as_chunks::<16>();
    let ends_in = |block: &&[u8; 16]| block.iter().fold(false, |any, byte| any | ends_line(byte));
    let plain = blocks.iter().take_while(|block| !ends_in(block)).count() * 16;
    let rest = bytes.get(plain..).unwrap_or_default();
    plain + rest.iter().take_while(|byte| !ends_line(byte)).count()
}

/// Which limit a head without end is over: the target's, or its own.
fn too_long(bytes: &[u8], begin: usize, limits: &Limits) -> Error {
    let head = bytes.get(begin..).unwrap_or_default();
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if target.len() > limits.target_bytes { Error::TargetTooLong } else { Error::HeadTooLarge }
}

/// The parts of a request line that httparse accepts.
pub(crate) struct RequestLine<'a> {
    method: &'a str,
    target: &'a str,
    version: Version,
}

/// Splits a whole head, as [`HeadEnd`] found it, into request line and fields,
/// with a slot for each field.
pub(crate) fn split<'s, 'a>(
    head: &'a [u8],
    slots: &'s mut [MaybeUninit<Header<'a>>],
    limits: &Limits,
) -> Result<(RequestLine<'a>, &'s [Header<'a>]), Error> {
    let room = slots.len().min(limits.headers);
    let slots = slots.get_mut(..room).unwrap_or_default();
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(head, slots) {
        Ok(httparse::Status::Complete(_)) => {}
        // The head is whole, so there is nothing that could be missing but sense.
        Ok(httparse::Status::Partial) => return Err(Error::RequestLine),
        Err(error) => return Err(refusal(error, head)),
    }
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Error::RequestLine);
    };
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    Ok((RequestLine { method, target, version }, parsed.headers))
}

/// What httparse's error means for the client.
fn refusal(error: httparse::Error, head: &[u8]) -> Error {
    match error {
        httparse::Error::Token | httparse::Error::Status => Error::RequestLine,
        httparse::Error::TooManyHeaders => Error::TooManyHeaders,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Error::HeaderLine,
        // Every line ends in CRLF by now, so what is no newline to httparse is
        // something behind the version.
        httparse::Error::Version | httparse::Error::NewLine => {
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let mut parts = line.split(|byte| *byte == b' ').skip(2);
            match (parts.next(), parts.next()) {
                (Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]), None)
                    if major.is_ascii_digit() && minor.is_ascii_digit() =>
                {
                    Error::VersionUnsupported
                }
                (Some(_), None) => Error::Version,
                _ => Error::RequestLine,
            }
        }
    }
}

/// A head that passed every check.
#[derive(Clone)]
pub(crate) struct Head<'a> {
    pub(crate) method: Method,
    pub(crate) target: &'a str,
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) version: Version,
    pub(crate) headers: Cow<'a, [Header<'a>]>,
    pub(crate) framing: Framing,
    pub(crate) expects_continue: bool,
    /// Whether the client wants the connection to go on (RFC 9112 §9.3).
    pub(crate) persistent: bool,
}

impl<'a> Head<'a> {
    /// Checks what httparse does not.
    pub(crate) fn new(
        line: &RequestLine<'a>,
        headers: Cow<'a, [Header<'a>]>,
        limits: &Limits,
    ) -> Result<Head<'a>, Error> {
        let RequestLine { target, version, .. } = *line;
        let method = Method::of(line.method);

        // Step 1: the target has a form that goes with the method (RFC 9112 §3.2).
        if target.len() > limits.target_bytes {
            return Err(Error::TargetTooLong);
        }
        let Target { path, query, authority } = Target::parse(method, target)?;

        // Step 2: one Host, and it is one.
        let host = host(&headers, version)?;

        // Step 3: an absolute target and Host agree. A server may ignore Host
        // here (RFC 9112 §3.2.2); whoever routed by it in front of us did not.
        if let (Some(authority), Some(host)) = (authority, host)
            && !without_default_port(authority.as_bytes())
                .eq_ignore_ascii_case(without_default_port(host))
        {
            return Err(Error::HostMismatch);
        }

        // Step 4: where the content ends. "A server or client that receives an
        // HTTP/1.0 message containing a Transfer-Encoding header field MUST
        // treat the message as if the framing is faulty" (RFC 9112 §6.1;
        // RUSTSEC-2026-0034 did not).
        let framing = Framing::of(&headers, limits)?;
        if framing == Framing::Chunked && version == Version::Http10 {
            return Err(Error::TransferEncodingVersion);
        }

        // Step 5: expectations. "A server that receives an Expect field value
        // containing a member other than 100-continue MAY respond with a 417";
        // in HTTP/1.0 100-continue "MUST" be ignored (RFC 9110 §10.1.1).
        let mut expects_continue = false;
        for expectation in named(&headers, "Expect") {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(Error::Expectation);
            }
            expects_continue = version == Version::Http11;
        }

        // Step 6: does the client want to go on? "close" wins (RFC 9112 §9.3).
        let mut persistent = version == Version::Http11;
        for option in named(&headers, "Connection").flat_map(list) {
            if option.eq_ignore_ascii_case(b"close") {
                persistent = false;
                break;
            }
            persistent |= option.eq_ignore_ascii_case(b"keep-alive");
        }

        Ok(Head {
            method,
            target,
            path,
            query,
            version,
            headers,
            framing,
            expects_continue,
            persistent,
        })
    }
}

/// The Host field: "A server MUST respond with a 400 (Bad Request) status code to
/// any HTTP/1.1 request message that lacks a Host header field and to any request
/// message that contains more than one Host header field line or a Host header
/// field with an invalid field value" (RFC 9112 §3.2).
fn host<'f>(headers: &'f [Header<'_>], version: Version) -> Result<Option<&'f [u8]>, Error> {
    let mut hosts = named(headers, "Host");
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(Error::HostRepeated),
        (None, _) if version == Version::Http11 => Err(Error::HostMissing),
        (Some(host), _) if !is_authority(host) => Err(Error::HostMalformed),
        (host, _) => Ok(host),
    }
}

/// The values of all fields of one name.
fn named<'f>(headers: &'f [Header<'_>], name: &'f str) -> impl Iterator<Item = &'f [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

/// The members of a comma-separated list (RFC 9110 §5.6.1).
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    #[test]
    fn a_line_ends_at_its_first_cr_or_lf_wherever_that_is() {
        for length in 0..50 {
            let plain = "x".repeat(length);
            assert_eq!(line_length(plain.as_bytes()), length);
            for end in ["\r", "\n", "\r\n"] {
                let line = format!("{plain}{end}{}", "y\r\n".repeat(12));
                assert_eq!(line_length(line.as_bytes()), length, "{line:?}");
            }
        }
    }

    /// What becomes of a head, whole and byte by byte.
    #[track_caller]
    fn check(head: &str) -> Result<(), Error> {
        let result = Request::parse(head.as_bytes()).map(drop);
        let mut end = HeadEnd::default();
        let mut found = Ok(None);
        for arrived in 1..=head.len() {
            found = end.find(&head.as_bytes()[..arrived], &Limits::DEFAULT);
            if found != Ok(None) {
                break;
            }
        }
        match found {
            Err(error) => assert_eq!(result, Err(error), "byte by byte: {head:?}"),
            Ok(None) => assert_eq!(result, Err(Error::HeadTruncated), "{head:?}"),
            Ok(Some(range)) => assert_eq!(range.end, head.len(), "{head:?}"),
        }
        result
    }

    #[track_caller]
    fn path(target: &str) -> Result<String, Error> {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        Request::parse(head.as_bytes()).map(|request| request.path().to_owned())
    }

    #[track_caller]
    fn host(value: &str) -> Result<(), Error> {
        check(&format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n"))
    }

    #[test]
    fn lines_end_in_crlf_and_nothing_else() {
        assert_eq!(check("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(()));
        for head in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n",
            "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\rHost: a\r\r",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(check(head), Err(Error::LineEnding), "{head:?}");
        }
    }

    #[test]
    fn a_few_blank_lines_before_the_request_line_are_skipped() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(check(&format!("{}{request}", "\r\n".repeat(4))), Ok(()));
        assert_eq!(check(&format!("{}{request}", "\r\n".repeat(5))), Err(Error::BlankLines));
    }

    #[test]
    fn a_head_has_16_kib_at_most_and_a_target_8() {
        let head = |target: usize, header: usize| {
            let (target, header) = ("a".repeat(target - 1), "b".repeat(header));
            check(&format!("GET /{target} HTTP/1.1\r\nHost: a\r\nX: {header}\r\n\r\n"))
        };
        let fixed = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        assert_eq!(head(8192, 0), Ok(()));
        assert_eq!(head(8193, 0), Err(Error::TargetTooLong));
        assert_eq!(head(1, 16 * 1024 - fixed), Ok(()));
        assert_eq!(head(1, 16 * 1024 - fixed + 1), Err(Error::HeadTooLarge));
        assert_eq!(head(8193, 16 * 1024), Err(Error::TargetTooLong));
        assert_eq!(head(100_000, 0), Err(Error::TargetTooLong));
    }

    #[test]
    fn a_head_has_100_fields_at_most() {
        let headers = |count: usize| {
            let others = "X: 1\r\n".repeat(count - 1);
            check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{others}\r\n"))
        };
        assert_eq!(headers(100), Ok(()));
        assert_eq!(headers(101), Err(Error::TooManyHeaders));
    }

    #[test]
    fn the_request_line_has_three_parts() {
        for head in [
            "GET\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            " GET / HTTP/1.1\r\n\r\n",
            "GET /  HTTP/1.1\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET / HTTP/1.1 HTTP/2.0\r\n\r\n",
        ] {
            assert_eq!(check(head), Err(Error::RequestLine), "{head:?}");
        }
        assert_eq!(check("GET / HTTP/2.0\r\n\r\n"), Err(Error::VersionUnsupported));
        assert_eq!(check("GET / HTTP/1.2\r\n\r\n"), Err(Error::VersionUnsupported));
        for version in ["HTTP/11", "HTP/1.1", "http/1.1", "HTTP/1.10", "HTTP/1.x"] {
            let result = check(&format!("GET / {version}\r\nHost: a\r\n\r\n"));
            assert_eq!(result, Err(Error::Version), "{version:?}");
        }
        assert!(check("GET /\r\n\r\n").is_err(), "HTTP/0.9 has no version");
    }

    #[test]
    fn a_field_line_is_a_name_a_colon_and_a_value() {
        for header in
            ["X : 1", ": 1", "X", " X: 1", "X: 1\r\n folded", "X(: 1", "X: a\0b", "X: \x1b"]
        {
            let result = check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n"));
            assert_eq!(result, Err(Error::HeaderLine), "{header:?}");
        }
    }

    #[test]
    fn a_target_has_one_of_the_forms_that_a_server_takes() {
        assert_eq!(path("/a/b?c=/d").as_deref(), Ok("/a/b"));
        assert_eq!(path("http://a/b").as_deref(), Ok("/b"));
        assert_eq!(path("HTTP://A:80").as_deref(), Ok("/"));
        assert_eq!(path("http://a?b").as_deref(), Ok("/"));
        for target in [
            "a",
            "*",
            "\\a",
            "a:80",
            "/a#b",
            "/é",
            "https://a/",
            "http:///",
            "http://u@a/",
            "ftp://a/",
        ] {
            assert_eq!(path(target), Err(Error::Target), "{target}");
        }
        assert_eq!(path("http://b/"), Err(Error::HostMismatch));
        let star = Request::parse(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(star.map(|request| request.path().to_owned()).as_deref(), Ok("*"));
    }

    #[test]
    fn encoded_unreserved_bytes_are_decoded_once_and_no_others() {
        assert_eq!(path("/%70rotected").as_deref(), Ok("/protected"));
        assert_eq!(path("/%7e%2D").as_deref(), Ok("/~-"));
        for kept in
            ["/a%2Fb", "/%2570", "/%00", "/%0d%0a", "//a", "/a/../b", "/./a", "/A", "/%c3%a9"]
        {
            assert_eq!(path(kept).as_deref(), Ok(kept));
        }
        for malformed in ["/%", "/%7", "/%zz", "/%+1", "/a%2", "/%%41"] {
            assert_eq!(path(malformed), Err(Error::Target), "{malformed}");
        }
    }

    #[test]
    fn there_is_one_host_and_it_is_a_host() {
        for value in ["a", "a:80", "a:", "127.0.0.1:8000", "[::1]", "[::1]:8000", "a-b_c.d", "%41"]
        {
            assert_eq!(host(value), Ok(()), "{value}");
        }
        for value in [
            "", "a b", "a/b", "u@a", "a:b", "a:99999", "a:+1", "[::1", "[]", "::1", "a,b", "a%4",
            "é",
        ] {
            if value != "a,b" {
                assert_eq!(host(value), Err(Error::HostMalformed), "{value}");
            }
        }
        assert_eq!(check("GET / HTTP/1.1\r\n\r\n"), Err(Error::HostMissing));
        assert_eq!(check("GET / HTTP/1.0\r\n\r\n"), Ok(()));
        let twice = "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n";
        assert_eq!(check(twice), Err(Error::HostRepeated));
    }

    #[test]
    fn only_100_continue_is_expected() {
        let expect =
            |value: &str| check(&format!("GET / HTTP/1.1\r\nHost: a\r\nExpect: {value}\r\n\r\n"));
        assert_eq!(expect("100-Continue"), Ok(()));
        assert_eq!(expect("200-ok"), Err(Error::Expectation));
        assert_eq!(expect(""), Err(Error::Expectation));
    }

    #[test]
    fn a_connection_goes_on_as_version_and_options_say() {
        let persistent = |version: &str, connection: &str| {
            let head = format!("GET / {version}\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
            Request::parse(head.as_bytes()).map(|request| request.head().persistent)
        };
        assert_eq!(persistent("HTTP/1.1", "x"), Ok(true));
        assert_eq!(persistent("HTTP/1.1", "keep-alive, Close"), Ok(false));
        assert_eq!(persistent("HTTP/1.0", "x"), Ok(false));
        assert_eq!(persistent("HTTP/1.0", "Keep-Alive"), Ok(true));
        assert_eq!(persistent("HTTP/1.0", "close, keep-alive"), Ok(false));
    }

    #[test]
    fn a_field_that_was_sent_twice_has_no_one_value() {
        let request = Request::parse(
            b"GET / HTTP/1.0\r\nA: 1\r\nB: 2\r\nb: 3\r\nC: \xff\r\nD:  4\t \r\n\r\n",
        );
        let request = request.expect("a valid head");
        assert_eq!(request.header("a"), Some("1"));
        assert_eq!(request.header("B"), None);
        assert_eq!(request.header("C"), None);
        assert_eq!(request.header("D"), Some("4"));
        assert_eq!(request.headers().len(), 5);
    }

    #[test]
    fn what_is_shown_for_debugging_has_no_credentials() {
        let request =
            Request::parse(b"GET /a?token=s3cret HTTP/1.0\r\nAuthorization: s3cret\r\n\r\n");
        let shown = format!("{request:?}");
        assert!(shown.contains("Authorization") && !shown.contains("s3cret"), "{shown}");
    }
}

//! The head of a request: parsed, and checked.
//!
//! Three steps, and each checks what the one before does not. `head_end.rs` finds the
//! end of the head, and rejects every line that does not end in CRLF. httparse splits
//! the head into its parts. Then come our own checks, in numbered steps:
//! [`Head::checked`].

use std::borrow::Cow;
use std::mem::MaybeUninit;

use crate::error::Error;
use crate::http::framing::Framing;
use crate::http::header::{Header, members, values};
use crate::http::method::Method;
use crate::http::target::{Target, UriScheme, is_authority, is_same_authority};
use crate::limits::Limits;

/// A head that has passed every check.
pub(crate) struct Head<'a> {
    pub(crate) method: Method,
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) version: Version,
    pub(crate) headers: Cow<'a, [Header<'a>]>,
    /// Where the body ends.
    pub(crate) framing: Framing,
    pub(crate) expects_continue: bool,
    /// Whether the client wants the connection to stay open (RFC 9112 §9.3).
    pub(crate) persistent: bool,
    /// Whether the client says `Connection: keep-alive`.
    pub(crate) says_keep_alive: bool,
}

/// The HTTP version of a request (RFC 9112 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

impl<'a> Head<'a> {
    /// Parses a whole head. [`HeadEnd`](crate::http::head_end::HeadEnd) has found
    /// its end. `connection` is the scheme of the URIs that it serves.
    pub(crate) fn parse<'h: 'a>(
        head: &'h [u8],
        slots: &'a mut Slots<'h>,
        connection: UriScheme,
        limits: &Limits,
    ) -> Result<Head<'a>, Error> {
        let (line, headers) = split(head, slots, limits)?;
        Head::checked(&line, Cow::Borrowed(headers), connection, limits)
    }

    /// The head with these parts, after the checks that httparse does not make. Its
    /// headers are borrowed from [`Slots`], or its own if it must outlive them.
    pub(crate) fn checked(
        line: &RequestLine<'a>,
        headers: Cow<'a, [Header<'a>]>,
        connection: UriScheme,
        limits: &Limits,
    ) -> Result<Head<'a>, Error> {
        let RequestLine { target, version, .. } = *line;
        let method = Method::parse(line.method);

        // Step 1: the target has a form that the method may have (RFC 9112 §3.2).
        if target.len() > limits.target_bytes {
            return Err(Error::TargetTooLong);
        }
        let Target { path, query, origin } = Target::parse(method, target, connection)?;

        // Step 2: there is one Host, and it is valid.
        let host = host(&headers, version)?;

        // Step 3: an absolute-form target and Host name the same authority. A
        // server may ignore Host here (RFC 9112 §3.2.2), but a proxy in front of
        // us may have chosen by it.
        if let (Some((scheme, authority)), Some(host)) = (origin, host)
            && !is_same_authority(authority.as_bytes(), host, scheme)
        {
            return Err(Error::HostMismatch);
        }

        // Step 4: where the body ends. "A server or client that receives an
        // HTTP/1.0 message containing a Transfer-Encoding header field MUST
        // treat the message as if the framing is faulty" (RFC 9112 §6.1;
        // RUSTSEC-2026-0034 did not).
        let framing = Framing::of(&headers)?;
        if framing == Framing::Chunked && version == Version::Http10 {
            return Err(Error::TransferEncodingVersion);
        }

        // Step 5: no unknown expectation.
        let expects_continue = expects_continue(&headers, version)?;

        // Step 6: whether the connection stays open. It does in HTTP/1.1, and where the
        // client says keep-alive; `close` overrides both (RFC 9112 §9.3).
        let has_option = |wanted: &[u8]| {
            members(&headers, "Connection").any(|option| option.eq_ignore_ascii_case(wanted))
        };
        let says_keep_alive = has_option(b"keep-alive");
        let persistent = (version == Version::Http11 || says_keep_alive) && !has_option(b"close");
        Ok(Head {
            method,
            path,
            query,
            version,
            headers,
            framing,
            expects_continue,
            persistent,
            says_keep_alive,
        })
    }
}

/// The value of Host. "A server MUST respond with a 400 (Bad Request) status code
/// to any HTTP/1.1 request message that lacks a Host header field and to any
/// request message that contains more than one Host header field line or a Host
/// header field with an invalid field value" (RFC 9112 §3.2).
fn host<'h>(headers: &'h [Header<'_>], version: Version) -> Result<Option<&'h [u8]>, Error> {
    let mut hosts = values(headers, "Host");
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(Error::HostRepeated),
        (None, _) if version == Version::Http11 => Err(Error::HostMissing),
        (Some(host), _) if !is_authority(host) => Err(Error::HostMalformed),
        (host, _) => Ok(host),
    }
}

/// Whether the client waits for `100 Continue`. "A server that receives an Expect field
/// value containing a member other than 100-continue MAY respond with a 417"; in HTTP/1.0
/// 100-continue "MUST" be ignored (RFC 9110 §10.1.1).
fn expects_continue(headers: &[Header], version: Version) -> Result<bool, Error> {
    let mut expects_continue = false;
    for expectation in members(headers, "Expect") {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            return Err(Error::Expectation);
        }
        expects_continue = version == Version::Http11;
    }
    Ok(expects_continue)
}

/// The parts of a request line, as httparse has found them.
pub(crate) struct RequestLine<'a> {
    method: &'a str,
    target: &'a str,
    version: Version,
}

/// Where httparse puts the headers that it finds. Nearly every head has few, and they
/// fit on the stack; others need the heap.
pub(crate) struct Slots<'a> {
    few: [MaybeUninit<Header<'a>>; 24],
    many: Vec<MaybeUninit<Header<'a>>>,
}

impl Slots<'_> {
    pub(crate) fn new() -> Self {
        Slots { few: [const { MaybeUninit::uninit() }; 24], many: Vec::new() }
    }
}

/// Splits a whole head into its request line and its headers.
pub(crate) fn split<'s, 'a>(
    head: &'a [u8],
    slots: &'s mut Slots<'a>,
    limits: &Limits,
) -> Result<(RequestLine<'a>, &'s [Header<'a>]), Error> {
    let Slots { few, many } = slots;
    let max = few.len().min(limits.headers);
    match split_into(few.get_mut(..max).unwrap_or_default(), head) {
        Err(Error::TooManyHeaders) if max < limits.headers => {
            // A header has four bytes or more (`a:` CRLF). Without this bound, a large limit
            // would take memory for headers that no head has.
            many.resize_with(limits.headers.min(head.len() / 4), MaybeUninit::uninit);
            split_into(many, head)
        }
        result => result,
    }
}

fn split_into<'s, 'a>(
    slots: &'s mut [MaybeUninit<Header<'a>>],
    head: &'a [u8],
) -> Result<(RequestLine<'a>, &'s [Header<'a>]), Error> {
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(head, slots) {
        Ok(httparse::Status::Complete(_)) => {}
        // The head is whole, so a part that is missing will not come.
        Ok(httparse::Status::Partial) => return Err(Error::RequestLine),
        Err(error) => return Err(meaning(error, head)),
    }
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Error::RequestLine);
    };
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    Ok((RequestLine { method, target, version }, parsed.headers))
}

/// `HTTP-version = "HTTP" "/" DIGIT "." DIGIT` (RFC 9112 §2.3).
pub(crate) fn is_version(bytes: &[u8]) -> bool {
    let number = bytes.strip_prefix(b"HTTP/");
    matches!(number, Some([b'0'..=b'9', b'.', b'0'..=b'9']))
}

/// What an error of httparse means to the client.
fn meaning(error: httparse::Error, head: &[u8]) -> Error {
    match error {
        httparse::Error::Token | httparse::Error::Status => Error::RequestLine,
        httparse::Error::TooManyHeaders => Error::TooManyHeaders,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Error::HeaderLine,
        // Every line ends in CRLF here, so this error means that something comes after the
        // version.
        httparse::Error::Version | httparse::Error::NewLine => {
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let mut parts = line.split(|byte| *byte == b' ').skip(2);
            match (parts.next(), parts.next()) {
                (Some(version), None) if is_version(version) => Error::VersionUnsupported,
                (Some(_), None) => Error::Version,
                _ => Error::RequestLine,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a whole head: its end has been found already.
    #[track_caller]
    fn parse<T>(head: &str, look: impl FnOnce(Head) -> T) -> Result<T, Error> {
        let limits = &Limits::DEFAULT;
        let mut slots = Slots::new();
        let (line, headers) = split(head.as_bytes(), &mut slots, limits)?;
        Head::checked(&line, Cow::Borrowed(headers), UriScheme::Https, limits).map(look)
    }

    #[track_caller]
    fn check(head: &str) -> Result<(), Error> {
        parse(head, |_| ())
    }

    #[track_caller]
    fn host(value: &str) -> Result<(), Error> {
        check(&format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n"))
    }

    #[test]
    fn a_target_has_8_kib_at_most() {
        let target = |length: usize| {
            let path = "a".repeat(length - 1);
            check(&format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"))
        };
        assert_eq!(target(8192), Ok(()));
        assert_eq!(target(8193), Err(Error::TargetTooLong));
    }

    #[test]
    fn a_head_has_100_headers_at_most() {
        let headers = |count: usize| {
            let others = "X: 1\r\n".repeat(count - 1);
            check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{others}\r\n"))
        };
        assert_eq!(headers(100), Ok(()));
        assert_eq!(headers(101), Err(Error::TooManyHeaders));
    }

    #[test]
    fn a_large_limit_of_headers_takes_no_memory() {
        let limits = Limits { headers: usize::MAX, ..Limits::default() };
        // The shortest headers that there are, and more of them than `few` holds.
        let head = format!("GET / HTTP/1.0\r\n{}\r\n", "a:\r\n".repeat(500));
        let mut slots = Slots::new();
        let count = split(head.as_bytes(), &mut slots, &limits).map(|(_, headers)| headers.len());
        assert_eq!(count, Ok(500));
    }

    #[test]
    fn the_request_line_has_three_parts() {
        for head in [
            "GET\r\n\r\n",
            "GET /\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            " GET / HTTP/1.1\r\n\r\n",
            "GET /  HTTP/1.1\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET / HTTP/1.1 HTTP/2.0\r\n\r\n",
        ] {
            assert_eq!(check(head), Err(Error::RequestLine), "{head:?}");
        }
    }

    #[test]
    fn versions_other_than_1_0_and_1_1_are_not_supported() {
        for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9"] {
            let result = check(&format!("GET / {version}\r\nHost: a\r\n\r\n"));
            assert_eq!(result, Err(Error::VersionUnsupported), "{version:?}");
        }
    }

    #[test]
    fn a_version_is_http_a_digit_a_dot_and_a_digit() {
        for version in ["HTTP/11", "HTP/1.1", "http/1.1", "HTTP/1.10", "HTTP/1.x"] {
            let result = check(&format!("GET / {version}\r\nHost: a\r\n\r\n"));
            assert_eq!(result, Err(Error::Version), "{version:?}");
        }
    }

    #[test]
    fn a_header_is_a_name_a_colon_and_a_value() {
        for header in
            ["X : 1", ": 1", "X", " X: 1", "X: 1\r\n folded", "X(: 1", "X: a\0b", "X: \x1b"]
        {
            let result = check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n"));
            assert_eq!(result, Err(Error::HeaderLine), "{header:?}");
        }
    }

    #[test]
    fn there_is_one_host_and_it_is_valid() {
        assert_eq!(host("a:80"), Ok(()));
        assert_eq!(host("a b"), Err(Error::HostMalformed));
        assert_eq!(check("GET / HTTP/1.1\r\n\r\n"), Err(Error::HostMissing));
        assert_eq!(check("GET / HTTP/1.0\r\n\r\n"), Ok(()));
        let twice = "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n";
        assert_eq!(check(twice), Err(Error::HostRepeated));
    }

    #[test]
    fn an_absolute_target_and_host_name_the_same_authority() {
        let both = |target: &str, host: &str| {
            check(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
        };
        assert_eq!(both("http://a/", "A"), Ok(()));
        assert_eq!(both("http://a:80/", "a"), Ok(()));
        assert_eq!(both("http://b/", "a"), Err(Error::HostMismatch));
        assert_eq!(both("http://a:81/", "a"), Err(Error::HostMismatch));
        // The default port is that of the scheme.
        for (target, host) in
            [("https://a/", "A:443"), ("https://a:443/", "a"), ("https://a:8443/", "a:8443")]
        {
            assert_eq!(both(target, host), Ok(()), "{target} {host}");
        }
        for (target, host) in [
            ("https://a/", "a:80"),
            ("https://a:80/", "a"),
            ("https://a:443/", "a:80"),
            ("http://a:443/", "a"),
            ("https://b/", "a"),
        ] {
            assert_eq!(both(target, host), Err(Error::HostMismatch), "{target} {host}");
        }
    }

    #[test]
    fn no_expectation_is_known_except_100_continue() {
        let expect =
            |value: &str| check(&format!("GET / HTTP/1.1\r\nHost: a\r\nExpect: {value}\r\n\r\n"));
        for known in ["100-Continue", "100-continue, 100-continue", "100-continue,", ", ,", "", ","]
        {
            assert_eq!(expect(known), Ok(()), "{known:?}");
        }
        for unknown in ["200-ok", "100-continue, 200-ok", "100-continue x", "100-continue;q=1"] {
            assert_eq!(expect(unknown), Err(Error::Expectation), "{unknown:?}");
        }
    }

    #[test]
    fn version_and_connection_options_say_whether_the_connection_stays_open() {
        let persistent = |version: &str, connection: &str| {
            let head = format!("GET / {version}\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
            parse(&head, |head| head.persistent)
        };
        assert_eq!(persistent("HTTP/1.1", "x"), Ok(true));
        assert_eq!(persistent("HTTP/1.1", "keep-alive, Close"), Ok(false));
        assert_eq!(persistent("HTTP/1.0", "x"), Ok(false));
        assert_eq!(persistent("HTTP/1.0", "Keep-Alive"), Ok(true));
        assert_eq!(persistent("HTTP/1.0", "close, keep-alive"), Ok(false));
    }
}

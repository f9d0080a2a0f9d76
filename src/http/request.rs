//! The head of a request: method, target, fields.
//!
//! Three filters, each stricter than the one before: [`HeadEnd`] finds the end
//! of the head in bytes that may come one at a time, and refuses any line that
//! does not end in CRLF; httparse splits the whole head into its parts; then
//! come the checks that httparse leaves to us, in numbered steps. An answer
//! depends on the bytes alone, never on how they were cut into packets.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::net::{Ipv6Addr, SocketAddr};
use std::ops::Range;

use crate::error::Error;
use crate::http::body::{BodyReader, Content, Framing, Progress, Supply};
use crate::http::header::{Header, every, number};
use crate::limits::Limits;

/// A request method (RFC 9110 §9). Case-sensitive on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The names are RFC 9110's own.
pub enum Method {
    GET,
    HEAD,
    POST,
    PUT,
    PATCH,
    DELETE,
    OPTIONS,
    TRACE,
    CONNECT,
    /// Any other token; the server answers it with 501.
    Unknown,
}

impl Method {
    /// Every method that a route can have.
    ///
    /// ```
    /// use guardhouse::{Method, Response, Route, Routes};
    ///
    /// let routes = Routes::new(Method::ALL.map(|method| {
    ///     Route::open(method, "/any", |_: &mut guardhouse::Request| Response::text("any\n"))
    /// }));
    /// ```
    pub const ALL: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];

    /// The method as the wire has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            Method::TRACE => "TRACE",
            Method::CONNECT => "CONNECT",
            Method::Unknown => "-",
        }
    }

    fn of(token: &str) -> Method {
        match token {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            "OPTIONS" => Method::OPTIONS,
            "TRACE" => Method::TRACE,
            "CONNECT" => Method::CONNECT,
            _ => Method::Unknown,
        }
    }
}

/// The HTTP version of a request (RFC 9112 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// A request, as guards (`&Request`) and handlers (`&mut Request`) see it.
///
/// Reading the content takes `&mut`, so a guard can't: who is refused never
/// makes the server read, or ask for, a byte of content.
pub struct Request<'a> {
    head: Head<'a>,
    body: Content<'a>,
    peer: Option<SocketAddr>,
    identity: OnceCell<String>,
}

impl<'a> Request<'a> {
    /// Reads a request from memory: a head, and the content behind it. For
    /// tests and tools; [`Routes::answer`](crate::Routes::answer) takes it.
    ///
    /// ```
    /// use guardhouse::{Method, Request};
    ///
    /// let mut request = Request::parse(
    ///     b"POST /notes?draft=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    /// )?;
    /// assert_eq!((request.method(), request.path()), (Method::POST, "/notes"));
    /// assert_eq!(request.query(), Some("draft=1"));
    /// assert_eq!(request.header("host"), Some("localhost"));
    /// assert_eq!(request.body()?, b"hello");
    /// # Ok::<(), guardhouse::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the head, under the default [`Limits`].
    pub fn parse(bytes: &'a [u8]) -> Result<Request<'a>, Error> {
        let limits = &Limits::DEFAULT;
        let range = HeadEnd::default().find(bytes, limits)?.ok_or(Error::HeadTruncated)?;
        let (head, body) = bytes.split_at(range.end);
        let mut slots = Vec::new();
        slots.resize_with(limits.headers, MaybeUninit::uninit);
        let (line, headers) =
            split(head.get(range.start..).unwrap_or_default(), &mut slots, limits)?;
        let head = Head::new(&line, Cow::Owned(headers.to_vec()), limits)?;
        Ok(Request::new(head, Supply::Arrived(body), None, limits))
    }

    pub(crate) fn new(
        head: Head<'a>,
        supply: Supply<'a>,
        peer: Option<SocketAddr>,
        limits: &'a Limits,
    ) -> Request<'a> {
        let progress = Progress::new(head.framing, head.expects_continue);
        let body = Content::new(progress, supply, limits);
        Request { head, body, peer, identity: OnceCell::new() }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// The path, as routes are compared with it: encoded unreserved bytes are
    /// decoded, `/%6De` is `/me` (RFC 3986 §6.2.2.2); everything else is as it
    /// was sent, `%2F` is no slash. `*` in `OPTIONS *`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// What follows the `?` of the target, as it was sent. Never look for a
    /// token here: targets are logged and kept (RFC 6750 §2.3).
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.head.query
    }

    /// The HTTP version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The value of the field of that name, in any case, if it was sent once
    /// and is UTF-8. Which of two values counts is not ours to guess.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values =
            self.headers().iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let value = values.next()?.value;
        if values.next().is_some() { None } else { str::from_utf8(value).ok() }
    }

    /// All field lines, in the order in which they came.
    #[must_use]
    pub fn headers(&self) -> &[Header<'a>] {
        &self.head.headers
    }

    /// The whole content. The first call waits for it, and asks a client that
    /// expects `100 Continue` for it.
    ///
    /// # Errors
    ///
    /// The message body is malformed, too large, too slow or cut off. The
    /// connection ends after the answer, whatever that is.
    pub fn body(&mut self) -> Result<&[u8], Error> {
        self.body.all()
    }

    /// The content as a stream, for what is too large to hold. What was read
    /// here is not in [`content`](Request::content).
    pub fn body_reader(&mut self) -> BodyReader<'_, 'a> {
        BodyReader::new(&mut self.body)
    }

    /// The address of the connection's other end; `None` outside a connection.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Names the user for the access log. The first name counts.
    pub fn identify(&self, name: &str) {
        self.identity.get_or_init(|| name.to_owned());
    }

    /// The name that [`identify`](Request::identify) was given.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.get().map(String::as_str)
    }

    pub(crate) fn head(&self) -> &Head<'a> {
        &self.head
    }

    /// How far the content has been read.
    pub(crate) fn progress(&self) -> Progress {
        self.body.progress()
    }
}

/// Shows no field's value and no query: there may be credentials in them.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers().iter().map(|header| header.name).collect();
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
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

/// A request target, taken apart.
struct Target<'a> {
    path: Cow<'a, str>,
    query: Option<&'a str>,
    authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn parse(method: Method, target: &'a str) -> Result<Target<'a>, Error> {
        // A fragment is never sent (RFC 9112 §3.2: none of the forms has one),
        // and httparse lets bytes from 0x80 on pass.
        if !every(target.as_bytes(), |byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(Error::Target);
        }
        // authority-form is CONNECT's alone, and that gets a 501 whatever it names.
        if method == Method::CONNECT {
            return Ok(Target { path: "".into(), query: None, authority: None });
        }
        if target == "*" && method == Method::OPTIONS {
            return Ok(Target { path: "*".into(), query: None, authority: None });
        }
        let (authority, rest) = if target.starts_with('/') {
            (None, target)
        } else {
            // absolute-form: "a server MUST accept the absolute-form in requests"
            // (RFC 9112 §3.2.2). The scheme's case does not matter.
            let (scheme, rest) = target.split_at_checked("http://".len()).ok_or(Error::Target)?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(end);
            if !scheme.eq_ignore_ascii_case("http://") || !is_authority(authority.as_bytes()) {
                return Err(Error::Target);
            }
            (Some(authority), rest)
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Target { path: decode_unreserved(path)?, query, authority })
    }
}

/// Decodes the bytes that mean the same encoded or not (RFC 3986 §6.2.2.2),
/// once. What could mean something else stays encoded: `%2F`, `%25`, `%00`.
fn decode_unreserved(path: &str) -> Result<Cow<'_, str>, Error> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut parts = path.split('%');
    let mut decoded = String::with_capacity(path.len());
    decoded.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).ok_or(Error::Target)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::Target);
        }
        let byte = u8::from_str_radix(hex, 16).map_err(|_| Error::Target)?;
        if is_unreserved(byte) {
            decoded.push(char::from(byte));
        } else {
            decoded.push('%');
            decoded.push_str(hex);
        }
        decoded.push_str(rest);
    }
    Ok(Cow::Owned(decoded))
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2), with a host that is
/// not empty: an http URI has one (RFC 9110 §4.2.1).
fn is_authority(authority: &[u8]) -> bool {
    let (host_is_valid, port) = if let Some(literal) = authority.strip_prefix(b"[") {
        let (address, behind) = split_at_byte(literal, b']');
        let Some(port) = behind.strip_prefix(b"]") else { return false };
        let address = str::from_utf8(address).map(str::parse::<Ipv6Addr>);
        (matches!(address, Ok(Ok(_))), port)
    } else {
        let (host, port) = split_at_byte(authority, b':');
        (is_registered_name(host), port)
    };
    host_is_valid
        && match port {
            [] | [b':'] => true,
            [b':', port @ ..] => number(port).is_some_and(|port| u16::try_from(port).is_ok()),
            _ => false,
        }
}

/// `reg-name`, not empty: unreserved, sub-delims and encoded bytes (RFC 3986
/// §3.2.2). An IPv4 address is one, too.
fn is_registered_name(host: &[u8]) -> bool {
    let mut rest = host;
    while let [byte, behind @ ..] = rest {
        rest = match (byte, behind) {
            (b'%', [high, low, behind @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                behind
            }
            (b'!' | b'$' | b'&'..=b',' | b';' | b'=', _) => behind,
            (byte, _) if is_unreserved(*byte) => behind,
            _ => return false,
        };
    }
    !host.is_empty()
}

/// What is before the first such byte, and the rest from it on.
fn split_at_byte(bytes: &[u8], wanted: u8) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == wanted);
    bytes.split_at(at.unwrap_or(bytes.len()))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// An authority without the port that http implies.
fn without_default_port(authority: &[u8]) -> &[u8] {
    authority.strip_suffix(b":80").or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

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

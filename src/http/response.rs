//! A response: a status, headers, a body, and how they are written.
//!
//! Every [`Response`] may be sent as it is. A header that would change where it ends (a
//! CR in the value, a second Content-Length) turns it into a 500 when the header is added,
//! not when it is sent, and is logged there.

use std::borrow::Cow;

use crate::error::Error;
use crate::http::header::{is_token, is_value};
use crate::http::json;
use crate::http::status::Status;

/// A response, ready to be written.
///
/// ```
/// use guardhouse::{Response, Status};
///
/// let made = Response::json(r#"{"id":1}"#).with_status(Status::CREATED).with_header("Location", "/notes/1");
/// assert_eq!(made.status(), Status::CREATED);
/// assert_eq!(made.header("location"), Some("/notes/1"));
/// assert_eq!(made.body(), br#"{"id":1}"#);
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    status: Status,
    content_type: Option<Cow<'static, str>>,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    body: Cow<'static, [u8]>,
    /// The connection closes after it.
    closes: bool,
    /// A header was rejected: this is the 500, and stays as it is.
    is_broken: bool,
}

impl Response {
    /// A response without a body.
    #[must_use]
    pub fn new(status: Status) -> Response {
        Response {
            status,
            content_type: None,
            headers: Vec::new(),
            body: Cow::Borrowed(&[]),
            closes: false,
            is_broken: false,
        }
    }

    /// 200 with `json` as its body. [`json`](crate::json) has functions that make
    /// some.
    #[must_use]
    pub fn json(json: impl Into<Cow<'static, str>>) -> Response {
        Response::ok("application/json", json.into())
    }

    /// 200 with plain text in UTF-8.
    #[must_use]
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        Response::ok("text/plain; charset=utf-8", text.into())
    }

    /// `status` with `{"detail":"…"}`, which is the form of FastAPI's errors.
    #[must_use]
    pub fn detail(status: Status, detail: &str) -> Response {
        Response::json(json::object([("detail", detail)])).with_status(status)
    }

    fn ok(media_type: &'static str, text: Cow<'static, str>) -> Response {
        let body = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let content_type = Some(Cow::Borrowed(media_type));
        Response { content_type, body, ..Response::new(Status::OK) }
    }

    /// This response with another status.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Response {
        if !self.is_broken {
            self.status = status;
        }
        self
    }

    /// This response with another body, and the body's media type.
    #[must_use]
    pub fn with_body(
        mut self,
        media_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Response {
        if !self.is_broken {
            self.body = body.into();
        }
        self.with_header("Content-Type", media_type)
    }

    /// This response with one more header. Content-Type replaces the one that is
    /// there.
    ///
    /// These are mistakes of the program: a name that is not a token; a value with
    /// a control character such as CR, LF or NUL (RUSTSEC-2017-0002: a server that
    /// let them split its responses); and the headers that the server writes itself
    /// (Content-Length, Transfer-Encoding, Connection, Date). The mistake is logged,
    /// and the response is a 500 from then on.
    ///
    /// ```
    /// # use guardhouse::Response;
    /// let split = Response::text("hi").with_header("X-Name", "a\r\nSet-Cookie: b");
    /// assert_eq!(split.status().code(), 500);
    /// assert_eq!(split.header("X-Name"), None);
    /// ```
    #[must_use]
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Response {
        let (name, value) = (name.into(), value.into());
        if !is_token(name.as_bytes()) {
            return Response::broken(&name, "its name is not a token");
        }
        if !is_value(value.as_bytes()) {
            return Response::broken(&name, "its value has a control character");
        }
        if RESERVED.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
            return Response::broken(&name, "the server writes this header itself");
        }
        if self.is_broken {
            return self;
        }
        if name.eq_ignore_ascii_case("Content-Type") {
            self.content_type = Some(value);
        } else {
            self.headers.push((name, value));
        }
        self
    }

    /// What is sent instead of a response with a header that must not be sent.
    #[cold]
    fn broken(name: &str, why: &str) -> Response {
        log::error!("500 is sent, because a header of the response is invalid: {name:?}: {why}");
        Response { is_broken: true, ..Response::internal_error() }
    }

    /// 500, without a word on what went wrong.
    pub(crate) fn internal_error() -> Response {
        Response::detail(Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The first value of the header with that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case("Content-Type") {
            return self.content_type.as_deref();
        }
        self.headers().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The headers that the program has added, except Content-Type.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as it is sent: none in response to HEAD, and none in a 204.
    pub(crate) fn sent_body(&self, is_head_request: bool) -> &[u8] {
        if is_head_request || !self.status.has_body() { &[] } else { &self.body }
    }

    /// This response, after which the connection closes.
    pub(crate) fn closing(mut self) -> Response {
        self.closes = true;
        self
    }

    pub(crate) fn closes(&self) -> bool {
        self.closes
    }

    /// Writes the status line and the headers to the end of `out` (RFC 9112 §4, §5).
    /// `more` is further headers of the server's, each with its CRLF.
    pub(crate) fn write_head(
        &self,
        out: &mut Vec<u8>,
        date: &str,
        persistence: Persistence,
        more: &str,
    ) {
        out.extend_from_slice(b"HTTP/1.1 ");
        write_number(out, usize::from(self.status.code()));
        out.push(b' ');
        out.extend_from_slice(self.status.reason().as_bytes());
        out.extend_from_slice(b"\r\n");
        write_header(out, "Date", date);
        if let Some(media_type) = &self.content_type {
            write_header(out, "Content-Type", media_type);
        }
        // "A server MUST NOT send a Content-Length header field in any response
        // with a status code of … 204" (RFC 9110 §8.6).
        if self.status.has_body() {
            out.extend_from_slice(b"Content-Length: ");
            write_number(out, self.body.len());
            out.extend_from_slice(b"\r\n");
        }
        match persistence {
            Persistence::Implied => {}
            Persistence::KeepAlive => write_header(out, "Connection", "keep-alive"),
            Persistence::Close => write_header(out, "Connection", "close"),
        }
        for (name, value) in self.headers() {
            write_header(out, name, value);
        }
        out.extend_from_slice(more.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// The headers that the server writes itself.
const RESERVED: [&str; 4] = ["Content-Length", "Transfer-Encoding", "Connection", "Date"];

/// What a response says about its connection (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It stays open, which HTTP/1.1 need not say.
    Implied,
    /// It stays open, which an HTTP/1.0 client must be told.
    KeepAlive,
    /// It closes.
    Close,
}

impl From<Error> for Response {
    fn from(error: Error) -> Response {
        let response = Response::detail(Status(error.status()), &error.to_string());
        if error.closes() { response.closing() } else { response }
    }
}

/// A handler may return a `Result`: its error becomes a response, too.
impl<E: Into<Response>> From<Result<Response, E>> for Response {
    fn from(result: Result<Response, E>) -> Response {
        result.unwrap_or_else(Into::into)
    }
}

fn write_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes a number in decimal. `write!` would cost more than the rest of the head.
fn write_number(out: &mut Vec<u8>, mut number: usize) {
    // From the last digit to the first. No usize has more than twenty digits.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b"0123456789"[number % 10];
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn head(response: &Response, persistence: Persistence) -> String {
        let mut out = Vec::new();
        response.write_head(&mut out, "DATE", persistence, "X-Z: 9\r\n");
        String::from_utf8(out).expect("a head is text")
    }

    #[test]
    fn a_response_is_written_line_by_line() {
        let response = Response::json("{}").with_header("X-A", "1");
        assert_eq!(
            head(&response, Persistence::Close),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\nConnection: close\r\nX-A: 1\r\nX-Z: 9\r\n\r\n"
        );
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 204, 1_048_576, usize::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_204_has_no_content_length() {
        assert_eq!(
            head(&Response::new(Status::NO_CONTENT), Persistence::Implied),
            "HTTP/1.1 204 No Content\r\nDate: DATE\r\nX-Z: 9\r\n\r\n"
        );
    }

    #[test]
    fn a_response_to_head_keeps_its_content_length_and_has_no_body() {
        let response = Response::text("four");
        assert!(head(&response, Persistence::KeepAlive).contains("Content-Length: 4\r\n"));
        assert_eq!(response.sent_body(true), b"");
        assert_eq!(response.sent_body(false), b"four");
    }

    #[test]
    fn a_header_that_must_not_be_sent_makes_a_500() {
        for (name, value) in [
            ("X", "a\rb"),
            ("X", "a\nb"),
            ("X", "a\0b"),
            ("X", "a\x7fb"),
            ("X Y", "a"),
            ("", "a"),
            ("X:", "a"),
            ("Content-Type", "a\rb"),
            ("content-length", "5"),
            ("Transfer-Encoding", "chunked"),
            ("CONNECTION", "close"),
            ("Date", "today"),
        ] {
            let response = Response::text("secret")
                .with_header(name, value)
                .with_header("Y", "1")
                .with_status(Status::OK)
                .with_body("text/plain", b"more".as_slice());
            assert_eq!(response.status().code(), 500, "{name:?}: {value:?}");
            assert_eq!(response.header("Y"), None);
            assert_eq!(response.header("Content-Type"), Some("application/json"));
            assert_eq!(response.body(), br#"{"detail":"Internal Server Error"}"#);
        }
    }

    #[test]
    fn every_error_has_a_response_with_a_detail() {
        let response = Response::from(Error::HostRepeated);
        assert_eq!(response.status(), Status::BAD_REQUEST);
        assert_eq!(response.body(), br#"{"detail":"more than one Host field"}"#);
        assert!(response.closes());
        assert!(!Response::from(Error::MethodUnknown).closes());
    }
}

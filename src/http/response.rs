//! What goes back: a status, fields, content, and how they are written.
//!
//! A [`Response`] can't be in a state that must not reach the wire. What would
//! split or unframe it (a CR in a value, a second Content-Length) turns it into
//! a 500 when it is put in, not when it is sent, and is logged there.

use crate::error::Error;
use crate::http::header::{is_token, is_value};
use crate::http::json;
use crate::http::status::Status;
use std::borrow::Cow;

/// An answer, ready to be written.
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
    ends_connection: bool,
    /// It held what must not be sent; nothing that is added later counts.
    spoilt: bool,
}

impl Response {
    /// An answer without content.
    #[must_use]
    pub fn new(status: Status) -> Response {
        Response {
            status,
            content_type: None,
            headers: Vec::new(),
            body: Cow::Borrowed(&[]),
            ends_connection: false,
            spoilt: false,
        }
    }

    /// 200 with `json`, which is sent as it is. [`json`](crate::http::json) makes some.
    #[must_use]
    pub fn json(json: impl Into<Cow<'static, str>>) -> Response {
        Response::ok("application/json", json.into())
    }

    /// 200 with plain text in UTF-8.
    #[must_use]
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        Response::ok("text/plain; charset=utf-8", text.into())
    }

    fn ok(media_type: &'static str, text: Cow<'static, str>) -> Response {
        let body = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let content_type = Some(Cow::Borrowed(media_type));
        Response { content_type, body, ..Response::new(Status::OK) }
    }

    /// `status` with `{"detail":"…"}`, the form of every error here and in FastAPI.
    #[must_use]
    pub fn detail(status: Status, detail: &str) -> Response {
        Response::json(json::object([("detail", detail)])).with_status(status)
    }

    /// This answer with another status.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Response {
        if !self.spoilt {
            self.status = status;
        }
        self
    }

    /// This answer with other content, in bytes, and its media type.
    #[must_use]
    pub fn with_body(
        mut self,
        media_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Response {
        if !self.spoilt {
            self.body = body.into();
        }
        self.with_content_type(media_type.into())
    }

    fn with_content_type(mut self, media_type: Cow<'static, str>) -> Response {
        if !is_value(media_type.as_bytes()) {
            return Response::spoilt("Content-Type", CONTROL_CHARACTER);
        }
        if !self.spoilt {
            self.content_type = Some(media_type);
        }
        self
    }

    /// This answer with one more field; Content-Type replaces the one it has.
    ///
    /// A name that is no token, a value with a control character such as CR, LF
    /// or NUL (RUSTSEC-2017-0002 is a server that let them split its answers),
    /// and the fields that frame a message (Content-Length, Transfer-Encoding,
    /// Connection, Date: the server writes them) are a mistake of the program:
    /// it is logged, and the answer is a 500 from here on.
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
        if name.eq_ignore_ascii_case("Content-Type") {
            return self.with_content_type(value);
        }
        if !is_token(name.as_bytes()) {
            return Response::spoilt(&name, "its name is not a token");
        }
        if !is_value(value.as_bytes()) {
            return Response::spoilt(&name, CONTROL_CHARACTER);
        }
        if FRAMING_FIELDS.iter().any(|framing| framing.eq_ignore_ascii_case(&name)) {
            return Response::spoilt(&name, "the server writes that field");
        }
        if !self.spoilt {
            self.headers.push((name, value));
        }
        self
    }

    /// What is sent instead of an answer with a field that must not be sent.
    #[cold]
    fn spoilt(name: &str, why: &str) -> Response {
        log::error!("a response field is refused, 500 is sent instead: {name:?}: {why}");
        Response { spoilt: true, ..Response::internal_error() }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The first value of the field of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case("Content-Type") {
            return self.content_type.as_deref();
        }
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// The fields, in order, but for Content-Type.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The content, in bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The answer to whatever went wrong on our side. It says no more than that.
    pub(crate) fn internal_error() -> Response {
        Response::detail(Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// This answer with a field of the server's own: a spoilt one has it, too.
    pub(crate) fn with_own_header(mut self, name: &'static str, value: &'static str) -> Response {
        self.headers.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        self
    }

    /// This answer, with the connection closed after it.
    pub(crate) fn ending_connection(mut self) -> Response {
        self.ends_connection = true;
        self
    }

    pub(crate) fn ends_connection(&self) -> bool {
        self.ends_connection
    }

    /// Writes status line and fields (RFC 9112 §4, §5) behind what `out` holds.
    pub(crate) fn write_head(&self, out: &mut Vec<u8>, date: &str, persistence: Persistence) {
        out.extend_from_slice(b"HTTP/1.1 ");
        write_number(out, usize::from(self.status.code()));
        out.push(b' ');
        out.extend_from_slice(self.status.reason().as_bytes());
        write_field(out, "\r\nDate", date);
        if let Some(media_type) = &self.content_type {
            write_field(out, "Content-Type", media_type);
        }
        // "A server MUST NOT send a Content-Length header field in any response
        // with a status code of … 204" (RFC 9110 §8.6).
        if self.status.has_content() {
            out.extend_from_slice(b"Content-Length: ");
            write_number(out, self.body.len());
            out.extend_from_slice(b"\r\n");
        }
        match persistence {
            Persistence::Implied => {}
            Persistence::KeepAlive => write_field(out, "Connection", "keep-alive"),
            Persistence::Close => write_field(out, "Connection", "close"),
        }
        for (name, value) in &self.headers {
            write_field(out, name, value);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The content as it goes out: nothing in an answer to HEAD, nor in a 204.
    pub(crate) fn sent_content(&self, to_head: bool) -> &[u8] {
        if to_head || !self.status.has_content() { &[] } else { &self.body }
    }
}

/// What an answer says of its connection (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It goes on, as HTTP/1.1 connections do.
    Implied,
    /// It goes on, and an HTTP/1.0 client that asked for it is told so.
    KeepAlive,
    /// It ends after this answer.
    Close,
}

impl From<Error> for Response {
    fn from(error: Error) -> Response {
        let response = Response::detail(Status(error.status()), &error.to_string());
        if error.closes() { response.ending_connection() } else { response }
    }
}

/// A handler may return a `Result`: either side is an answer.
impl<E: Into<Response>> From<Result<Response, E>> for Response {
    fn from(result: Result<Response, E>) -> Response {
        result.unwrap_or_else(Into::into)
    }
}

/// The fields that frame a message or date it: ours to write.
const FRAMING_FIELDS: [&str; 4] = ["Content-Length", "Transfer-Encoding", "Connection", "Date"];

const CONTROL_CHARACTER: &str = "its value has a control character";

fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Decimal digits. Not `write!`, whose machinery costs more than the rest of an
/// answer's head.
fn write_number(out: &mut Vec<u8>, mut number: usize) {
    // From the last digit to the first; no usize has more than twenty.
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
        response.write_head(&mut out, "DATE", persistence);
        String::from_utf8(out).expect("a head is text")
    }

    #[test]
    fn an_answer_is_written_line_by_line() {
        let response = Response::json("{}").with_header("X-A", "1");
        assert_eq!(
            head(&response, Persistence::Close),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\nConnection: close\r\nX-A: 1\r\n\r\n"
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
            "HTTP/1.1 204 No Content\r\nDate: DATE\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_to_head_keeps_its_length_and_drops_its_content() {
        let response = Response::text("four");
        assert!(head(&response, Persistence::KeepAlive).contains("Content-Length: 4\r\n"));
        assert_eq!(response.sent_content(true), b"");
        assert_eq!(response.sent_content(false), b"four");
    }

    #[test]
    fn what_must_not_reach_the_wire_makes_a_500() {
        for (name, value) in [
            ("X", "a\rb"),
            ("X", "a\nb"),
            ("X", "a\0b"),
            ("X", "a\x7fb"),
            ("X Y", "a"),
            ("", "a"),
            ("X:", "a"),
            ("content-length", "5"),
            ("Transfer-Encoding", "chunked"),
            ("CONNECTION", "close"),
            ("Date", "today"),
        ] {
            let response = Response::text("secret").with_header(name, value).with_header("Y", "1");
            assert_eq!(response.status().code(), 500, "{name:?}: {value:?}");
            assert_eq!(response.header("Y"), None);
            assert_eq!(response.body(), br#"{"detail":"Internal Server Error"}"#);
        }
    }

    #[test]
    fn every_error_is_an_answer_with_a_detail() {
        let response = Response::from(Error::HostRepeated);
        assert_eq!(response.status(), Status::BAD_REQUEST);
        assert_eq!(response.body(), br#"{"detail":"more than one Host field"}"#);
        assert!(response.ends_connection());
        assert!(!Response::from(Error::MethodUnknown).ends_connection());
    }
}

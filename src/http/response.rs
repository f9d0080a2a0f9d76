//! A response: a status, headers and a body. `response_head.rs` writes it.
//!
//! Every [`Response`] may be sent as it is. A header that would change where it ends (a
//! CR in the value, a second Content-Length) turns it into a 500 when the header is added,
//! not when it is sent, and is logged there.

use std::borrow::Cow;

use crate::error::Error;
use crate::http::header::{is_token, is_value};
use crate::http::json;
use crate::http::response_body::ResponseBody;
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
    /// `Cache-Control: no-store` is written.
    no_store: bool,
    closes: Closes,
    is_logged_at_debug: bool,
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
            no_store: false,
            closes: Closes::Never,
            is_logged_at_debug: false,
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

    /// 200 with a page in UTF-8. Text from a client must be escaped before it becomes
    /// part of a page.
    #[must_use]
    pub fn html(html: impl Into<Cow<'static, str>>) -> Response {
        Response::ok("text/html; charset=utf-8", html.into())
    }

    /// Sends the client to another address. With [`Status::SEE_OTHER`] it asks there with
    /// GET, for example after a form (RFC 9110 §15.4.4).
    ///
    /// ```
    /// # use guardhouse::{Response, Status};
    /// let answer = Response::redirect(Status::SEE_OTHER, "/notes/7");
    /// assert_eq!(answer.header("Location"), Some("/notes/7"));
    /// ```
    #[must_use]
    pub fn redirect(status: Status, location: impl Into<Cow<'static, str>>) -> Response {
        Response::new(status).with_header("Location", location)
    }

    fn ok(media_type: &'static str, text: Cow<'static, str>) -> Response {
        let ResponseBody(body) = text.into();
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
        media_type: impl Into<Cow<'static, str>>,
        body: impl Into<ResponseBody>,
    ) -> Response {
        if !self.is_broken {
            self.body = body.into().0;
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
            return self.broken(&name, "its name is not a token");
        }
        if !is_value(value.as_bytes()) {
            return self.broken(&name, "its value has a control character");
        }
        if RESERVED.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
            return self.broken(&name, "the server writes this header itself");
        }
        if self.is_broken {
            return self;
        }
        if name.eq_ignore_ascii_case("Content-Type") {
            self.content_type = Some(value);
        } else {
            self.no_store &= !name.eq_ignore_ascii_case("Cache-Control");
            self.headers.push((name, value));
        }
        self
    }

    /// This response, for a request whose body does not matter: if the request has one,
    /// the connection closes after the response. A guard's refusal is always sent in this
    /// way.
    ///
    /// Some proxies ask who a user is with the headers of the user's request, and leave
    /// out the body that these announce. What such a proxy sends next is a request, and
    /// must not be taken for the body.
    ///
    /// ```
    /// use guardhouse::{Limits, Method::GET, Request, Response, Route, Routes, Status, exchange};
    ///
    /// let auth = |_: &mut Request| Response::new(Status::NO_CONTENT).ignoring_body();
    /// let routes = Routes::new([Route::open(GET, "/auth", auth)]);
    /// let head = "GET /auth HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    /// let answer = exchange(&routes, &Limits::default(), [head]);
    /// assert!(String::from_utf8_lossy(&answer).contains("Connection: close\r\n"));
    /// ```
    #[must_use]
    pub fn ignoring_body(self) -> Response {
        self.closing(Closes::AfterBody)
    }

    /// This response. Its line in the access log has the level debug, not info: for
    /// probes, which come every few seconds.
    #[must_use]
    pub fn logged_at_debug(mut self) -> Response {
        self.is_logged_at_debug = !self.is_broken;
        self
    }

    /// What is sent instead of this response, because a header must not be sent. The
    /// connection closes where it would have closed after this response.
    #[cold]
    fn broken(self, name: &str, why: &str) -> Response {
        log::error!("500 is sent, because a header of the response is invalid: {name:?}: {why}");
        Response { is_broken: true, closes: self.closes, ..Response::internal_error() }
    }

    /// 500, without a word on what went wrong.
    pub(crate) fn internal_error() -> Response {
        Response::detail(Status::INTERNAL_SERVER_ERROR, "Internal Server Error").for_one_user()
    }

    /// This response, which no cache may keep, unless it has its own Cache-Control: it is
    /// for one user. A cache knows that only of answers to requests with Authorization
    /// (RFC 9111 §3.5), and not if a guard has read another header.
    pub(crate) fn for_one_user(mut self) -> Response {
        self.no_store |= self.header("Cache-Control").is_none();
        self
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
        if self.no_store && name.eq_ignore_ascii_case("Cache-Control") {
            return Some("no-store");
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

    /// This response. After it, the connection closes at least in the cases that `closes`
    /// names.
    pub(crate) fn closing(mut self, closes: Closes) -> Response {
        self.closes = self.closes.max(closes);
        self
    }

    /// This response, for the program's function for all answers, which can add headers to
    /// it. Without this, the 500 for an invalid header takes no further headers.
    pub(crate) fn changeable(mut self) -> Response {
        self.is_broken = false;
        self
    }

    pub(crate) fn closes(&self) -> Closes {
        self.closes
    }

    pub(crate) fn no_store(&self) -> bool {
        self.no_store
    }

    pub(crate) fn is_logged_at_debug(&self) -> bool {
        self.is_logged_at_debug
    }
}

/// When the connection closes after a response, although the client wants it open. A
/// later one closes it more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closes {
    Never,
    /// If the request has a body.
    AfterBody,
    Always,
}

/// The headers that the server writes itself.
const RESERVED: [&str; 4] = ["Content-Length", "Transfer-Encoding", "Connection", "Date"];

impl From<Error> for Response {
    fn from(error: Error) -> Response {
        let response = Response::detail(Status(error.status()), &error.to_string());
        if error.closes() { response.closing(Closes::Always) } else { response }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_for_one_user_is_not_stored_unless_it_says_otherwise() {
        let mine = Response::text("mine").for_one_user();
        assert_eq!(mine.header("cache-control"), Some("no-store"));
        let mine = mine.for_one_user();
        assert_eq!(mine.header("Cache-Control"), Some("no-store"), "also if it is said twice");
        let own = Response::text("mine").with_header("cache-control", "private");
        for own in [own.for_one_user(), mine.with_header("CACHE-CONTROL", "private")] {
            assert_eq!(own.header("Cache-Control"), Some("private"));
        }
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
    fn the_500_for_a_header_closes_the_connection_where_the_response_did() {
        let response = Response::text("hi").ignoring_body().with_header("X", "a\nb");
        assert_eq!((response.status().code(), response.closes()), (500, Closes::AfterBody));
    }

    #[test]
    fn a_page_and_a_redirect_have_the_headers_that_a_browser_needs() {
        let page = Response::html("<p>é");
        assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
        assert_eq!((page.status(), page.body()), (Status::OK, "<p>é".as_bytes()));
        for status in [Status::SEE_OTHER, Status::TEMPORARY_REDIRECT, Status::PERMANENT_REDIRECT] {
            let redirect = Response::redirect(status, format!("/notes/{}", 7));
            assert_eq!((redirect.status(), redirect.body()), (status, &b""[..]));
            assert_eq!(redirect.header("Location"), Some("/notes/7"));
        }
        let split = Response::redirect(Status::SEE_OTHER, "/\r\nSet-Cookie: a=b");
        assert_eq!((split.status().code(), split.header("Location")), (500, None));
    }

    #[test]
    fn every_error_has_a_response_with_a_detail() {
        let response = Response::from(Error::HostRepeated);
        assert_eq!(response.status(), Status::BAD_REQUEST);
        assert_eq!(response.body(), br#"{"detail":"more than one Host field"}"#);
        assert_eq!(response.closes(), Closes::Always);
        assert_eq!(Response::from(Error::MethodUnknown).closes(), Closes::Never);
    }
}

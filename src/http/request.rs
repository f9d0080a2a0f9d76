//! A request, as guards (`&Request`) and handlers (`&mut Request`) see it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::net::SocketAddr;

use crate::error::Error;
use crate::http::body::{Body, BodyReader};
use crate::http::form;
use crate::http::head::{Head, Slots, Version, split};
use crate::http::head_end::HeadEnd;
use crate::http::header::{Header, values};
use crate::http::incoming::Source;
use crate::http::method::Method;
use crate::http::params::{Param, Params};
use crate::http::target::UriScheme;
use crate::limits::Limits;

/// A request.
///
/// To read the body takes `&mut`, and a guard gets `&Request`. So the body of a
/// request that a guard refuses never reaches any code of the program, and its
/// client is never asked for it with `100 Continue`.
pub struct Request<'a, 'c> {
    head: Head<'a>,
    body: Body<'a>,
    /// Where more of the body comes from; `None` if the request is from memory.
    source: Option<&'c mut dyn Source>,
    peer: Option<SocketAddr>,
    params: Params<'c>,
    /// The user's name for the access log; `None` if no access log is written.
    log_name: Option<OnceCell<String>>,
}

impl<'a, 'c> Request<'a, 'c> {
    /// Parses a request from memory: a head, and the body after it. For tests and
    /// tools: [`Routes::answer`](crate::Routes::answer) answers it.
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
    pub fn parse(bytes: &'a [u8]) -> Result<Request<'a, 'c>, Error> {
        let limits = &Limits::DEFAULT;
        let range = HeadEnd::default().find(bytes, limits)?.ok_or(Error::HeadTruncated)?;
        let (head, early) = bytes.split_at(range.end);
        let mut slots = Slots::new();
        let (line, headers) =
            split(head.get(range.start..).unwrap_or_default(), &mut slots, limits)?;
        let head = Head::checked(&line, Cow::Owned(headers.to_vec()), UriScheme::Http, limits)?;
        let body = Body::new(head.framing, head.expects_continue, early, limits);
        Ok(Request::new(head, body, None, None, true))
    }

    /// A request with a body that comes from `source`. `is_logged` says whether a log
    /// will ask for its [`log_name`](Request::log_name).
    pub(crate) fn new(
        head: Head<'a>,
        body: Body<'a>,
        source: Option<&'c mut dyn Source>,
        peer: Option<SocketAddr>,
        is_logged: bool,
    ) -> Request<'a, 'c> {
        let log_name = is_logged.then(OnceCell::new);
        Request { head, body, source, peer, params: Params::default(), log_name }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// The path, as it is compared with those of the routes: encoded unreserved
    /// bytes are decoded, so `/%6De` is `/me` (RFC 3986 §6.2.2.2), and `%2f` is `%2F`.
    /// Everything else is as it was sent, so `%2F` is not a slash. `*` in `OPTIONS *`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// The value of a parameter of the row's path: for the row `/notes/{id}` and the path
    /// `/notes/7`, the parameter `id` is `7`. All of it is decoded, so a value may have
    /// any character, also a slash. `None` if the row's path has no such parameter.
    ///
    /// Guards see parameters, too. FastAPI: `async def note(id: str)`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name, self.path())
    }

    /// A row of the table has been found for the request.
    pub(crate) fn set_params(&mut self, of_row: &'c [Param]) -> Result<(), Error> {
        // Most rows have none.
        self.params = match of_row {
            [] => Params::default(),
            of_row => Params::new(of_row, &self.head.path)?,
        };
        Ok(())
    }

    /// The part of the target after the `?`, as it was sent. Never look for a
    /// token here: targets are logged and stored (RFC 6750 §2.3).
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.head.query
    }

    /// The value of a parameter in the query, decoded; of several, the first one. `None`
    /// if it is not there.
    ///
    /// FastAPI: `async def notes(limit: int = 10)`.
    ///
    /// ```
    /// use guardhouse::{Error, Request, Response, Status};
    ///
    /// fn notes(request: &mut Request) -> Result<Response, Error> {
    ///     let limit = request.query_param("limit")?.unwrap_or("10".to_owned());
    ///     Ok(match limit.parse::<usize>() {
    ///         Ok(limit) => Response::text(format!("{limit} notes\n")),
    ///         Err(_) => Response::detail(Status::UNPROCESSABLE_CONTENT, "limit is not a number"),
    ///     })
    /// }
    /// # let mut request = Request::parse(b"GET /?limit=%35 HTTP/1.0\r\n\r\n").unwrap();
    /// # assert_eq!(notes(&mut request).unwrap().body(), b"5 notes\n");
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Query`] if any part of the query is malformed.
    pub fn query_param(&self, name: &str) -> Result<Option<String>, Error> {
        let params = form::parse(self.query().unwrap_or_default()).ok_or(Error::Query)?;
        Ok(params.into_iter().find(|(own, _)| own == name).map(|(_, value)| value))
    }

    /// Whether Content-Type names this media type: in any case, and with any parameters
    /// such as `charset`.
    ///
    /// ```
    /// # use guardhouse::{Method, TestRequest};
    /// let asked = TestRequest::new(Method::POST, "/").with_header("Content-Type", "Application/JSON; charset=utf-8");
    /// assert!(asked.parse()?.has_media_type("application/json"));
    /// # Ok::<(), guardhouse::Error>(())
    /// ```
    #[must_use]
    pub fn has_media_type(&self, media_type: &str) -> bool {
        let value = self.header("Content-Type").unwrap_or_default();
        let own = value.split(';').next().unwrap_or_default().trim_ascii();
        own.eq_ignore_ascii_case(media_type)
    }

    /// The HTTP version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The value of the header with that name (in any case), if the header was
    /// sent once and its value is UTF-8. If it was sent twice there is no way to
    /// know which value is meant.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = values(self.headers(), name);
        let value = values.next()?;
        if values.next().is_some() { None } else { str::from_utf8(value).ok() }
    }

    /// All headers, in the order in which they were sent.
    #[must_use]
    pub fn headers(&self) -> &[Header<'a>] {
        &self.head.headers
    }

    /// The whole body. The first call waits for it and, if the client expects
    /// that, sends `100 Continue`.
    ///
    /// # Errors
    ///
    /// The body is malformed, too large, too slow or cut off. The connection
    /// closes after the answer, whatever that is.
    pub fn body(&mut self) -> Result<&[u8], Error> {
        self.body.read_all(&mut self.source)
    }

    /// The whole body, to keep: after it, the request can be used again. What is taken
    /// is missing in [`body`](Request::body).
    ///
    /// # Errors
    ///
    /// As [`body`](Request::body).
    pub fn take_body(&mut self) -> Result<Vec<u8>, Error> {
        self.body.read_all(&mut self.source)?;
        Ok(self.body.take_gathered())
    }

    /// The body as a stream, for one that is too large to keep in memory. What is
    /// read here is missing in [`body`](Request::body).
    pub fn body_reader(&mut self) -> BodyReader<'_, 'a> {
        BodyReader::new(&mut self.body, &mut self.source)
    }

    /// The address of the client; `None` if the request is from memory.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Names the user for the access log. Only the first call has an effect.
    pub fn log_as(&self, name: &str) {
        if let Some(log_name) = &self.log_name {
            log_name.get_or_init(|| name.to_owned());
        }
    }

    /// The name that [`log_as`](Request::log_as) was given. `None` also if no
    /// access log is written: then the name is not kept.
    #[must_use]
    pub fn log_name(&self) -> Option<&str> {
        self.log_name.as_ref().and_then(OnceCell::get).map(String::as_str)
    }

    /// Ends the request, so that the connection can use its source again. Returns what
    /// comes after the handler needs: the head and the user's name for the access log,
    /// and the body, to drain it.
    pub(crate) fn into_parts(self) -> (Head<'a>, Body<'a>, Option<String>) {
        (self.head, self.body, self.log_name.and_then(OnceCell::into_inner))
    }
}

/// Shows no header's value and no query, because credentials may be in them.
impl fmt::Debug for Request<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers().iter().map(|header| header.name).collect();
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_was_sent_twice_has_no_single_value() {
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
    fn a_query_parameter_is_decoded_and_the_first_one_is_taken() {
        let value = |query: &str, name: &str| {
            let head = format!("GET /{query} HTTP/1.0\r\n\r\n");
            Request::parse(head.as_bytes()).expect("a valid head").query_param(name)
        };
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(value("?a=1&b=2", "b"), some("2"));
        assert_eq!(value("?a=1&a=2", "a"), some("1"));
        assert_eq!(value("?%61=x+y%2B", "a"), some("x y+"));
        assert_eq!(value("?a", "a"), some(""));
        for none in ["", "?", "?b=1", "?A=1"] {
            assert_eq!(value(none, "a"), Ok(None), "{none}");
        }
        for malformed in ["?a=%", "?a=1&b=%zz", "?%ff=1", "?a=%c3"] {
            assert_eq!(value(malformed, "a"), Err(Error::Query), "{malformed}");
        }
        assert!(!Error::Query.closes());
    }

    #[test]
    fn a_body_that_is_taken_leaves_the_request_to_be_used() {
        let bytes = b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello";
        let mut request = Request::parse(bytes).expect("a valid head");
        let body = request.take_body().expect("a body");
        assert_eq!((body.as_slice(), request.path()), (&b"hello"[..], "/"));
        assert_eq!(request.take_body(), Ok(Vec::new()));
        let cut_off = b"POST / HTTP/1.0\r\nContent-Length: 6\r\n\r\nhello";
        let mut request = Request::parse(cut_off).expect("a valid head");
        assert_eq!(request.take_body(), Err(Error::BodyTruncated));
    }

    #[test]
    fn a_media_type_is_compared_without_its_parameters_and_in_any_case() {
        let is_json = |value: &str| {
            let head = format!("GET / HTTP/1.0\r\nContent-Type: {value}\r\n\r\n");
            let request = Request::parse(head.as_bytes()).expect("a valid head");
            request.has_media_type("application/json")
        };
        for json in ["application/json", "Application/JSON", "application/json ; charset=utf-8"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["", "text/json", "application/json5", "application/json, text/plain"] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn debug_output_has_no_credentials() {
        let request =
            Request::parse(b"GET /a?token=s3cret HTTP/1.0\r\nAuthorization: s3cret\r\n\r\n");
        let shown = format!("{request:?}");
        assert!(shown.contains("Authorization") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_name_is_kept_only_for_an_access_log() {
        let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").expect("a valid head");
        request.log_as("Ann");
        request.log_as("Bob");
        assert_eq!(request.log_name(), Some("Ann"));
        request.log_name = None;
        request.log_as("Ann");
        assert_eq!(request.log_name(), None);
    }
}

//! Requests that a test makes, instead of a connection.

use crate::error::Error;
use crate::http::method::Method;
use crate::http::request::Request;

/// A request for a test of your routes, which needs no socket.
///
/// It has `Host: localhost`, and `Content-Length` if it has a body. This request passes the
/// same checks as one from a connection. To write these headers yourself, use
/// [`Request::parse`].
///
/// ```
/// use guardhouse::Method::POST;
/// use guardhouse::{Error, Request, Response, Route, Routes, TestRequest};
///
/// fn add(request: &mut Request) -> Result<Response, Error> {
///     let title = request.take_body()?;
///     let shelf = request.param("shelf").unwrap_or_default();
///     Ok(Response::text(format!("{} bytes on {shelf}\n", title.len())))
/// }
///
/// let routes = Routes::new([Route::open(POST, "/shelves/{shelf}", add)]);
/// let asked = TestRequest::new(POST, "/shelves/7").with_header("X-A", "1").with_body("Dune");
/// assert_eq!(routes.answer(&mut asked.parse()?).body(), b"4 bytes on 7\n");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestRequest {
    /// The head without its last CRLF and without Content-Length.
    head: String,
    body: Vec<u8>,
    /// The request as it would come over a connection.
    bytes: Vec<u8>,
}

impl TestRequest {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, target: &str) -> TestRequest {
        let head = format!("{} {target} HTTP/1.1\r\nHost: localhost\r\n", method.as_str());
        TestRequest { head, body: Vec::new(), bytes: Vec::new() }.written()
    }

    /// This request with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> TestRequest {
        self.head.extend([name, ": ", value, "\r\n"]);
        self.written()
    }

    /// This request with a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> TestRequest {
        self.body = body.into();
        self.written()
    }

    fn written(mut self) -> TestRequest {
        self.bytes = self.head.clone().into_bytes();
        if !self.body.is_empty() {
            self.bytes.extend(format!("Content-Length: {}\r\n", self.body.len()).into_bytes());
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(&self.body);
        self
    }

    /// The request, as [`Routes::answer`](crate::Routes::answer) takes it.
    ///
    /// # Errors
    ///
    /// What is wrong with the head: a client that sends it gets no other answer.
    pub fn parse(&self) -> Result<Request<'_, '_>, Error> {
        Request::parse(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_a_test_is_like_one_from_a_connection() {
        let asked =
            TestRequest::new(Method::POST, "/a?b=c").with_header("X", "1").with_body("hello");
        let mut request = asked.parse().expect("a valid request");
        assert_eq!(
            (request.method(), request.path(), request.query()),
            (Method::POST, "/a", Some("b=c"))
        );
        assert_eq!((request.header("host"), request.header("x")), (Some("localhost"), Some("1")));
        assert_eq!(request.header("content-length"), Some("5"));
        assert_eq!(request.body(), Ok(&b"hello"[..]));
    }

    #[test]
    fn it_is_checked_like_any_other() {
        let refused = |asked: TestRequest| asked.parse().err();
        assert_eq!(refused(TestRequest::new(Method::GET, "no-slash")), Some(Error::Target));
        let get = || TestRequest::new(Method::GET, "/");
        assert_eq!(refused(get()), None);
        assert_eq!(refused(get().with_header("Host", "b")), Some(Error::HostRepeated));
        assert_eq!(refused(get().with_header("X Y", "1")), Some(Error::HeaderLine));
    }
}

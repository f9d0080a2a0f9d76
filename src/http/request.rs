//! A request.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use crate::error::Error;
use crate::http::body::{BodyReader, Content, Progress, Supply};
use crate::http::head::{Head, HeadEnd, Version, split};
use crate::http::header::Header;
use crate::http::method::Method;
use crate::limits::Limits;

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

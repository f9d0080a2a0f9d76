//! What can be wrong with a request: one enum, and one mapping to a status.
//!
//! Parsers say *what* they found. Which status that gets is decided here and nowhere
//! else. The texts are sent to the client, so they name the place of the error and
//! never repeat what the client sent.

use std::fmt;

/// What is wrong with a request, or with its body.
///
/// It turns into a [`Response`](crate::Response) with a JSON `detail`, so a handler
/// may use `?`:
///
/// ```
/// use guardhouse::{Error, Request, Response};
///
/// fn length(request: &mut Request) -> Result<Response, Error> {
///     let body = request.body()?;
///     Ok(Response::text(format!("{} bytes\n", body.len())))
/// }
/// # let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// # assert_eq!(length(&mut request).unwrap().status().code(), 200);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Too many blank lines before the request line (RFC 9112 §2.2).
    BlankLines,
    /// A CR or an LF that is not part of a CRLF (RFC 9112 §2.2).
    LineEnding,
    /// The peer closed its side inside a head (RFC 9112 §8).
    HeadTruncated,
    /// Not `method SP request-target SP HTTP-version` (RFC 9112 §3).
    RequestLine,
    /// The request target has no form that the method may have, or a byte or a `%` that
    /// no target may have (RFC 9112 §3.2, RFC 3986 §2.1).
    Target,
    /// Plain HTTP on a port for HTTPS.
    NotEncrypted,
    /// A parameter of the path is not UTF-8 when it is decoded.
    Param,
    /// The query has a malformed `%`, or is not UTF-8 when it is decoded.
    Query,
    /// The HTTP version is not `HTTP/` digit `.` digit (RFC 9112 §2.3).
    Version,
    /// Not `field-name ":" OWS field-value OWS` (RFC 9112 §5).
    HeaderLine,
    /// An HTTP/1.1 request without Host (RFC 9112 §3.2).
    HostMissing,
    /// More than one Host (RFC 9112 §3.2).
    HostRepeated,
    /// Host is not `uri-host [ ":" port ]` (RFC 9110 §7.2).
    HostMalformed,
    /// An absolute-form target and Host name different authorities.
    HostMismatch,
    /// Content-Length is not one run of digits, or over 64 bits (RFC 9112 §6.3).
    ContentLength,
    /// More than one Content-Length (RFC 9112 §6.3).
    ContentLengthRepeated,
    /// Transfer-Encoding is repeated, empty, or a list that has `chunked` and others
    /// (RFC 9112 §6.3).
    TransferEncoding,
    /// Transfer-Encoding in a request that is not HTTP/1.1 (RFC 9112 §6.1).
    TransferEncodingVersion,
    /// Both Transfer-Encoding and Content-Length (RFC 9112 §6.1).
    FramingConflict,
    /// A chunk that RFC 9112 §7.1 does not allow, or a chunk line that is too long.
    Chunk,
    /// Trailers that RFC 9112 §7.1.2 does not allow, or that are too long.
    Trailer,
    /// The peer closed its side inside the body (RFC 9112 §8).
    BodyTruncated,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The body did not arrive in time.
    BodyTimeout,
    /// A larger body than the server accepts (RFC 9110 §15.5.14).
    BodyTooLarge,
    /// A longer target than the server accepts (RFC 9110 §15.5.15).
    TargetTooLong,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// More headers than the server accepts (RFC 6585 §5).
    TooManyHeaders,
    /// A longer head than the server accepts (RFC 6585 §5).
    HeadTooLarge,
    /// A method that the server does not know (RFC 9110 §9.1).
    MethodUnknown,
    /// CONNECT: this server is not a proxy (RFC 9110 §9.3.6).
    Connect,
    /// A transfer coding other than `chunked` (RFC 9112 §6.1).
    TransferCoding,
    /// An HTTP version other than 1.0 and 1.1 (RFC 9110 §15.6.6).
    VersionUnsupported,
}

impl Error {
    /// The status code and the text of the answer. The texts name headers as the RFCs
    /// do: "field".
    fn status_and_text(self) -> (u16, &'static str) {
        match self {
            Error::BlankLines => (400, "too many blank lines before the request line"),
            Error::LineEnding => (400, "a bare CR or LF in the head"),
            Error::HeadTruncated => (400, "the connection ended inside the head"),
            Error::RequestLine => (400, "malformed request line"),
            Error::Target => (400, "malformed request target"),
            Error::NotEncrypted => (400, "this port speaks HTTPS alone: use https://"),
            Error::Param => (400, "a path parameter is not UTF-8"),
            Error::Query => (400, "malformed query"),
            Error::Version => (400, "malformed HTTP version"),
            Error::HeaderLine => (400, "malformed field line"),
            Error::HostMissing => (400, "no Host field"),
            Error::HostRepeated => (400, "more than one Host field"),
            Error::HostMalformed => (400, "malformed Host field"),
            Error::HostMismatch => (400, "Host differs from the target's authority"),
            Error::ContentLength => (400, "malformed Content-Length field"),
            Error::ContentLengthRepeated => (400, "more than one Content-Length field"),
            Error::TransferEncoding => (400, "malformed Transfer-Encoding field"),
            Error::TransferEncodingVersion => (400, "Transfer-Encoding before HTTP/1.1"),
            Error::FramingConflict => (400, "both Transfer-Encoding and Content-Length"),
            Error::Chunk => (400, "malformed chunk"),
            Error::Trailer => (400, "malformed trailer section"),
            Error::BodyTruncated => (400, "the connection ended inside the content"),
            Error::HeadTimeout => (408, "the head took too long"),
            Error::BodyTimeout => (408, "the content took too long"),
            Error::BodyTooLarge => (413, "the content is too large"),
            Error::TargetTooLong => (414, "the request target is too long"),
            Error::Expectation => (417, "unknown expectation"),
            Error::TooManyHeaders => (431, "too many fields"),
            Error::HeadTooLarge => (431, "the head is too large"),
            Error::MethodUnknown => (501, "unknown method"),
            Error::Connect => (501, "CONNECT is not implemented"),
            Error::TransferCoding => (501, "unknown transfer coding"),
            Error::VersionUnsupported => (505, "unsupported HTTP version"),
        }
    }

    /// The status code of the answer to this error.
    #[must_use]
    pub fn status(self) -> u16 {
        self.status_and_text().0
    }

    /// Whether the connection closes after the answer.
    ///
    /// After most errors the server can't know where the next request begins, and a guess
    /// would allow request smuggling (CVE-2024-49768 went on after an error). So the
    /// connection closes after every error, except after those that are found when the
    /// whole head has been checked: an unknown method, a malformed parameter or query.
    #[must_use]
    pub fn closes(self) -> bool {
        !matches!(self, Error::MethodUnknown | Error::Param | Error::Query)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status_and_text().1)
    }
}

impl std::error::Error for Error {}

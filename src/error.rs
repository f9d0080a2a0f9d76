//! What can be wrong with a request: one enum, and one mapping to a status.
//!
//! Parsers say *what* they found; which answer that gets is decided here and
//! nowhere else. The texts go to the client as they are, so they name the place
//! and never repeat what the client sent.

use std::fmt;

/// Why a request is refused before, or while, its content is read.
///
/// Turned into a [`Response`](crate::Response) it is an answer with a JSON
/// `detail`, so a handler may end in `?`:
///
/// ```
/// use guardhouse::{Error, Request, Response};
///
/// fn length(request: &mut Request) -> Result<Response, Error> {
///     let content = request.body()?;
///     Ok(Response::text(format!("{} bytes\n", content.len())))
/// }
/// # let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// # assert_eq!(length(&mut request).unwrap().status().code(), 200);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// More blank lines before the request line than are skipped (RFC 9112 §2.2).
    BlankLines,
    /// A CR or LF that is not part of a CRLF (RFC 9112 §2.2).
    LineEnding,
    /// The peer ended its side inside a head (RFC 9112 §8).
    HeadTruncated,
    /// Not `method SP request-target SP HTTP-version` (RFC 9112 §3).
    RequestLine,
    /// The request-target has none of the four forms (RFC 9112 §3.2).
    Target,
    /// HTTP without TLS, where TLS is spoken.
    NotEncrypted,
    /// The HTTP version is not `HTTP/` digit `.` digit (RFC 9112 §2.3).
    Version,
    /// A field line is not `field-name ":" OWS field-value OWS` (RFC 9112 §5).
    HeaderLine,
    /// An HTTP/1.1 request without Host (RFC 9112 §3.2).
    HostMissing,
    /// More than one Host (RFC 9112 §3.2).
    HostRepeated,
    /// Host is not `uri-host [ ":" port ]` (RFC 9110 §7.2).
    HostMalformed,
    /// The absolute-form target names another authority than Host.
    HostMismatch,
    /// Content-Length is not one run of digits (RFC 9112 §6.3).
    ContentLength,
    /// More than one Content-Length (RFC 9112 §6.3).
    ContentLengthRepeated,
    /// Transfer-Encoding repeated, empty, or not ending in `chunked` alone (RFC 9112 §6.3).
    TransferEncoding,
    /// Transfer-Encoding in a request that is not HTTP/1.1 (RFC 9112 §6.1).
    TransferEncodingVersion,
    /// Transfer-Encoding and Content-Length together (RFC 9112 §6.1).
    FramingConflict,
    /// A chunk that is not as RFC 9112 §7.1 has it, or whose line is too long.
    Chunk,
    /// A trailer section that is not as RFC 9112 §7.1.2 has it, or is too long.
    Trailer,
    /// The peer ended its side inside the message body (RFC 9112 §8).
    BodyTruncated,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The message body did not arrive in time.
    BodyTimeout,
    /// More content than the server takes (RFC 9110 §15.5.14).
    BodyTooLarge,
    /// A longer target than the server takes (RFC 9110 §15.5.15).
    TargetTooLong,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// More field lines than the server takes (RFC 6585 §5).
    TooManyHeaders,
    /// A longer head than the server takes (RFC 6585 §5).
    HeadTooLarge,
    /// A method that the server does not know (RFC 9110 §9.1).
    MethodUnknown,
    /// CONNECT: this server is no proxy (RFC 9110 §9.3.6).
    Connect,
    /// A transfer coding other than `chunked` (RFC 9112 §6.1).
    TransferCoding,
    /// A major version other than 1, or HTTP/1.x past 1.1 (RFC 9110 §15.6.6).
    VersionUnsupported,
}

impl Error {
    /// The status code that this error is answered with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Error::BlankLines
            | Error::LineEnding
            | Error::HeadTruncated
            | Error::RequestLine
            | Error::Target
            | Error::NotEncrypted
            | Error::Version
            | Error::HeaderLine
            | Error::HostMissing
            | Error::HostRepeated
            | Error::HostMalformed
            | Error::HostMismatch
            | Error::ContentLength
            | Error::ContentLengthRepeated
            | Error::TransferEncoding
            | Error::TransferEncodingVersion
            | Error::FramingConflict
            | Error::Chunk
            | Error::Trailer
            | Error::BodyTruncated => 400,
            Error::HeadTimeout | Error::BodyTimeout => 408,
            Error::BodyTooLarge => 413,
            Error::TargetTooLong => 414,
            Error::Expectation => 417,
            Error::TooManyHeaders | Error::HeadTooLarge => 431,
            Error::MethodUnknown | Error::Connect | Error::TransferCoding => 501,
            Error::VersionUnsupported => 505,
        }
    }

    /// Whether the connection ends with the answer.
    ///
    /// It does wherever the next request's first byte is in doubt: guessing it
    /// is request smuggling (CVE-2024-49768 went on reading after an error).
    /// Only an unknown method leaves the framing whole. After CONNECT a client
    /// may already be sending a tunnel's bytes, so that ends it too.
    #[must_use]
    pub fn closes(self) -> bool {
        !matches!(self, Error::MethodUnknown)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::BlankLines => "too many blank lines before the request line",
            Error::LineEnding => "a bare CR or LF in the head",
            Error::HeadTruncated => "the connection ended inside the head",
            Error::RequestLine => "malformed request line",
            Error::Target => "malformed request target",
            Error::NotEncrypted => "this port speaks HTTPS alone: use https://",
            Error::Version => "malformed HTTP version",
            Error::HeaderLine => "malformed field line",
            Error::HostMissing => "no Host field",
            Error::HostRepeated => "more than one Host field",
            Error::HostMalformed => "malformed Host field",
            Error::HostMismatch => "Host differs from the target's authority",
            Error::ContentLength => "malformed Content-Length field",
            Error::ContentLengthRepeated => "more than one Content-Length field",
            Error::TransferEncoding => "malformed Transfer-Encoding field",
            Error::TransferEncodingVersion => "Transfer-Encoding before HTTP/1.1",
            Error::FramingConflict => "both Transfer-Encoding and Content-Length",
            Error::Chunk => "malformed chunk",
            Error::Trailer => "malformed trailer section",
            Error::BodyTruncated => "the connection ended inside the content",
            Error::HeadTimeout => "the head took too long",
            Error::BodyTimeout => "the content took too long",
            Error::BodyTooLarge => "the content is too large",
            Error::TargetTooLong => "the request target is too long",
            Error::Expectation => "unknown expectation",
            Error::TooManyHeaders => "too many fields",
            Error::HeadTooLarge => "the head is too large",
            Error::MethodUnknown => "unknown method",
            Error::Connect => "CONNECT is not implemented",
            Error::TransferCoding => "unknown transfer coding",
            Error::VersionUnsupported => "unsupported HTTP version",
        })
    }
}

impl std::error::Error for Error {}

//! The status codes of responses, with their reason phrases.

/// A final status code (RFC 9110 §15), from 200 to 599.
///
/// ```
/// use guardhouse::Status;
///
/// assert_eq!(Status::NOT_FOUND.code(), 404);
/// assert_eq!(Status::new(409).map(Status::reason), Some("Conflict"));
/// assert_eq!(Status::new(100), None, "an interim status is not a final one");
/// assert_eq!(Status::new(401), None, "only a Refusal makes a 401");
/// assert_eq!(Status::new(205), None, "its response must have no body");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub(super) u16);

impl Status {
    /// 200 OK
    pub const OK: Status = Status(200);
    /// 201 Created
    pub const CREATED: Status = Status(201);
    /// 202 Accepted
    pub const ACCEPTED: Status = Status(202);
    /// 204 No Content
    pub const NO_CONTENT: Status = Status(204);
    /// 303 See Other
    pub const SEE_OTHER: Status = Status(303);
    /// 304 Not Modified
    pub const NOT_MODIFIED: Status = Status(304);
    /// 307 Temporary Redirect
    pub const TEMPORARY_REDIRECT: Status = Status(307);
    /// 308 Permanent Redirect
    pub const PERMANENT_REDIRECT: Status = Status(308);
    /// 400 Bad Request
    pub const BAD_REQUEST: Status = Status(400);
    /// 401 Unauthorized. Only a [`Refusal`](crate::Refusal) uses it, because a 401
    /// must have a challenge (RFC 9110 §15.5.2).
    pub(crate) const UNAUTHORIZED: Status = Status(401);
    /// 403 Forbidden
    pub const FORBIDDEN: Status = Status(403);
    /// 404 Not Found
    pub const NOT_FOUND: Status = Status(404);
    /// 405 Method Not Allowed
    pub const METHOD_NOT_ALLOWED: Status = Status(405);
    /// 409 Conflict
    pub const CONFLICT: Status = Status(409);
    /// 410 Gone
    pub const GONE: Status = Status(410);
    /// 412 Precondition Failed
    pub const PRECONDITION_FAILED: Status = Status(412);
    /// 415 Unsupported Media Type
    pub const UNSUPPORTED_MEDIA_TYPE: Status = Status(415);
    /// 422 Unprocessable Content
    pub const UNPROCESSABLE_CONTENT: Status = Status(422);
    /// 429 Too Many Requests
    pub const TOO_MANY_REQUESTS: Status = Status(429);
    /// 500 Internal Server Error
    pub const INTERNAL_SERVER_ERROR: Status = Status(500);
    /// 503 Service Unavailable
    pub const SERVICE_UNAVAILABLE: Status = Status(503);

    /// The status with that code; `None` if a handler must not answer with it: below 200 and
    /// above 599; 401, which only a [`Refusal`](crate::Refusal) uses; 205, because its
    /// response must have no body (RFC 9110 §15.3.6), and the server would send one.
    #[must_use]
    pub fn new(code: u16) -> Option<Status> {
        let is_allowed = (200..=599).contains(&code) && ![205, 401].contains(&code);
        is_allowed.then_some(Status(code))
    }

    /// The three digits.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }

    /// The reason phrase; empty for a code without a well-known one.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self.0 {
            200 => "OK",
            201 => "Created",
            202 => "Accepted",
            204 => "No Content",
            301 => "Moved Permanently",
            302 => "Found",
            303 => "See Other",
            304 => "Not Modified",
            307 => "Temporary Redirect",
            308 => "Permanent Redirect",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            406 => "Not Acceptable",
            408 => "Request Timeout",
            409 => "Conflict",
            410 => "Gone",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            414 => "URI Too Long",
            415 => "Unsupported Media Type",
            417 => "Expectation Failed",
            422 => "Unprocessable Content",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            505 => "HTTP Version Not Supported",
            _ => "",
        }
    }

    /// Whether a response with this status has a body (RFC 9110 §6.4.1).
    pub(crate) fn has_body(self) -> bool {
        !matches!(self.0, 204 | 304)
    }
}

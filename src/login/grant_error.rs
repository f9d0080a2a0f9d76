//! Why a client gets no token, and the answer to that: the errors of RFC 6749 §5.2.

use crate::error::Error;
use crate::http::json;
use crate::http::response::Response;
use crate::http::status::Status;

/// Why the client gets no token.
pub(super) enum GrantError {
    /// The server can't read the body.
    Body(Error),
    /// The body is no form, and was not read.
    MediaType,
    /// The body is not a form, or a parameter is missing or sent twice.
    Form(&'static str),
    /// The form asks for another grant.
    GrantType,
    /// The name or the password is wrong. The answer does not say which.
    WrongPassword,
    /// The user does not have one of the scopes.
    Scope,
    /// Too many logins wait already.
    Busy,
    /// There is no memory to hash the password, so the server does not know whether it is right.
    NoMemory,
    /// The system has no random source, or its clock is far off.
    NoToken,
}

impl From<Error> for GrantError {
    fn from(error: Error) -> GrantError {
        GrantError::Body(error)
    }
}

/// "The authorization server responds with an HTTP 400 (Bad Request) status
/// code (unless specified otherwise)" (RFC 6749 §5.2).
impl From<GrantError> for Response {
    fn from(error: GrantError) -> Response {
        let (code, description) = match error {
            GrantError::Body(error) => return error.into(),
            // No OAuth error code here: each of them means that the same request
            // would fail again.
            GrantError::Busy => {
                return Response::detail(Status::TOO_MANY_REQUESTS, "Too many logins at once")
                    .with_header("Retry-After", "1");
            }
            GrantError::NoMemory => {
                let text = "The password can't be checked now";
                return Response::detail(Status::SERVICE_UNAVAILABLE, text)
                    .with_header("Retry-After", "1");
            }
            GrantError::NoToken => return Response::internal_error(),
            GrantError::MediaType => {
                let what = "the content is not application/x-www-form-urlencoded";
                // It may never come, as after a refusal.
                return oauth_error("invalid_request", what).ignoring_body();
            }
            GrantError::Form(what) => ("invalid_request", what),
            GrantError::GrantType => ("unsupported_grant_type", "the only grant here is password"),
            GrantError::WrongPassword => ("invalid_grant", "Incorrect username or password"),
            GrantError::Scope => ("invalid_scope", "a scope that the user does not have"),
        };
        oauth_error(code, description)
    }
}

fn oauth_error(code: &str, description: &str) -> Response {
    // OAuth clients read the first two, clients of FastAPI read the third.
    Response::json(json::object([
        ("error", code),
        ("error_description", description),
        ("detail", description),
    ]))
    .with_status(Status::BAD_REQUEST)
}

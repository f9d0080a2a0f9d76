//! **Where a 401 is written.**
//!
//! A guard that does not let a request through returns a [`Refusal`], and the
//! refusal becomes the answer: a 401, a 403 or a 400 with its [`Challenge`]s in
//! `WWW-Authenticate`, or a 404 without any. No code can make a refusal that is a
//! 401 without a challenge, and no other code in this library makes a 401: "A server
//! generating a 401 response MUST send a WWW-Authenticate header field" (RFC 9110 §11.6.1).

use std::borrow::Cow;
use std::fmt;

use crate::http::header::{is_token, is_value};
use crate::http::response::Response;
use crate::http::status::Status;

/// The value of one `WWW-Authenticate` header: it says which credentials the
/// client can send (RFC 9110 §11.3).
///
/// ```
/// use guardhouse::Challenge;
///
/// let challenge = Challenge::new("Bearer", "the \"inner\" circle").with_param("scope", "read");
/// assert_eq!(challenge.as_str(), r#"Bearer realm="the \"inner\" circle", scope="read""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// A challenge for an auth scheme, which must be a token (RFC 9110 §5.6.2),
    /// and a realm.
    ///
    /// Every challenge has a realm: RFC 7617 §2 requires one for Basic, and
    /// RFC 6750 §3 requires at least one parameter for Bearer.
    #[must_use]
    pub fn new(scheme: &'static str, realm: &str) -> Challenge {
        debug_assert!(is_token(scheme.as_bytes()));
        Challenge(scheme.to_owned()).with_param("realm", realm)
    }

    /// Adds an auth-param. Its name must be a token; its value is written as a
    /// quoted-string (RFC 9110 §11.2).
    ///
    /// A character that is not ASCII, or that no header may have (CR, LF, NUL …),
    /// becomes `?`. So no value can end its header and begin another.
    #[must_use]
    pub fn with_param(mut self, name: &'static str, value: &str) -> Challenge {
        debug_assert!(is_token(name.as_bytes()));
        let is_first = !self.0.contains(' ');
        self.0.push_str(if is_first { " " } else { ", " });
        self.0.push_str(name);
        self.0.push_str("=\"");
        for character in value.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                _ if character.is_ascii() && is_value(&[character as u8]) => self.0.push(character),
                _ => self.0.push('?'),
            }
        }
        self.0.push('"');
        self
    }

    /// Adds an error code (RFC 6750 §3.1) and its description.
    #[must_use]
    pub fn with_error(self, error: &'static str, description: &'static str) -> Challenge {
        self.with_param("error", error).with_param("error_description", description)
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The auth scheme.
    pub(super) fn scheme(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }
}

/// Why a guard refuses a request. The reason decides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request has no credentials for this guard: 401.
    Missing,
    /// The guard can't read the credentials: 401. FastAPI's Basic has the same detail for
    /// them as for none. Bearer calls them invalid, as RFC 6750 §3.1 does.
    Unreadable,
    /// The guard can read the credentials, and they are wrong: 401.
    Invalid,
    /// The client may not send credentials in this way, for example twice: 400.
    Malformed,
    /// The credentials are right, but they do not allow this: 403.
    Insufficient,
    /// The credentials are right, but their user may not know that there is anything: 404.
    Hidden,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Missing => "it has no credentials",
            Reason::Unreadable => "its credentials can't be read",
            Reason::Invalid => "its credentials are wrong",
            Reason::Malformed => "its credentials are malformed, or there are two",
            Reason::Insufficient => "its user may not do this",
            Reason::Hidden => "its user may not know what is there",
        })
    }
}

/// The answer of a guard that does not let a request through: its status, its
/// challenges, and the `detail` of its JSON body.
///
/// ```
/// use guardhouse::{Challenge, Refusal, Response};
///
/// let refusal = Refusal::missing(Challenge::new("Bearer", "guardhouse"));
/// let response = Response::from(refusal);
/// assert_eq!(response.status().code(), 401);
/// assert_eq!(response.header("WWW-Authenticate"), Some(r#"Bearer realm="guardhouse""#));
/// assert_eq!(response.body(), br#"{"detail":"Not authenticated"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    challenges: Vec<Challenge>,
    detail: Cow<'static, str>,
}

impl Refusal {
    /// 401: the request has no credentials for this guard.
    #[must_use]
    pub fn missing(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Missing, challenge, "Not authenticated")
    }

    /// 401: the guard can't read the credentials.
    #[must_use]
    pub fn unreadable(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Unreadable, challenge, "Not authenticated")
    }

    /// 401: the guard can read the credentials, and they are wrong.
    #[must_use]
    pub fn invalid(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Invalid, challenge, "Invalid authentication credentials")
    }

    /// 400: the client may not send credentials in this way, for example twice.
    #[must_use]
    pub fn malformed(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Malformed, challenge, "Malformed credentials")
    }

    /// 403: the credentials are right, but they do not allow this.
    #[must_use]
    pub fn insufficient(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Insufficient, challenge, "Not enough permissions")
    }

    /// 404: the user may not know that there is anything. It has no challenge, because a
    /// path that does not exist has none.
    #[must_use]
    pub fn hidden() -> Refusal {
        let detail = "Not Found".into();
        Refusal { reason: Reason::Hidden, challenges: Vec::new(), detail }
    }

    fn new(reason: Reason, challenge: Challenge, detail: &'static str) -> Refusal {
        Refusal { reason, challenges: vec![challenge], detail: detail.into() }
    }

    /// Replaces the `detail` of the JSON body.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Refusal {
        self.detail = detail.into();
        self
    }

    /// Why the guard refuses the request.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The challenges. Each becomes a `WWW-Authenticate` header.
    #[must_use]
    pub fn challenges(&self) -> &[Challenge] {
        &self.challenges
    }

    /// The refusal of two guards where one is enough. It has the challenges of both, and the
    /// status and the detail of the guard that got credentials. If both got some, the guard
    /// that knows its credentials decides; if neither does, the first one. What one guard
    /// hides, a 401 or a 403 of the other one does not show: the answer is a 404 without a
    /// challenge, as in [`hidden`](Refusal::hidden).
    pub(super) fn or(self, other: Refusal) -> Refusal {
        let challenges = [self.challenges.as_slice(), &other.challenges].concat();
        let chosen = match (self.reason, other.reason) {
            (Reason::Missing, _)
            | (Reason::Unreadable | Reason::Invalid, Reason::Insufficient | Reason::Hidden)
            | (Reason::Insufficient, Reason::Hidden) => other,
            _ => self,
        };
        match chosen.reason {
            Reason::Hidden => chosen,
            _ => Refusal { challenges, ..chosen },
        }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Response {
        let status = match refusal.reason {
            Reason::Missing | Reason::Unreadable | Reason::Invalid => Status::UNAUTHORIZED,
            Reason::Malformed => Status::BAD_REQUEST,
            Reason::Insufficient => Status::FORBIDDEN,
            Reason::Hidden => Status::NOT_FOUND,
        };
        let mut response = Response::detail(status, &refusal.detail).ignoring_body().for_one_user();
        // A header for each challenge: within one header, a comma separates both
        // challenges and parameters, and clients confuse the two (RFC 9110 §11.6.1).
        for challenge in refusal.challenges {
            response = response.with_header("WWW-Authenticate", challenge.0);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_can_not_leave_its_quotes_or_its_header() {
        let challenge = Challenge::new("Bearer", "a\"b\\c\r\nX: é\0");
        assert_eq!(challenge.as_str(), r#"Bearer realm="a\"b\\c??X: ??""#);
    }

    #[test]
    fn parameters_are_separated_by_commas() {
        let challenge = Challenge::new("Bearer", "").with_error("e", "d");
        assert_eq!(challenge.as_str(), r#"Bearer realm="", error="e", error_description="d""#);
        assert_eq!(challenge.scheme(), "Bearer");
    }

    #[test]
    fn of_two_guards_the_one_that_knows_the_credentials_decides() {
        let refusal = |refuse: fn(Challenge) -> Refusal| refuse(Challenge::new("Bearer", "a"));
        let (wrong, known) = (refusal(Refusal::invalid), refusal(Refusal::insufficient));
        let status = |one: &Refusal, other: &Refusal| {
            Response::from(one.clone().or(other.clone())).status().code()
        };
        assert_eq!((status(&wrong, &known), status(&known, &wrong)), (403, 403));
        let hidden = Refusal::hidden();
        assert_eq!((status(&wrong, &hidden), status(&hidden, &wrong)), (404, 404));
    }

    #[test]
    fn each_challenge_gets_its_own_header() {
        let basic = Refusal::missing(Challenge::new("Basic", "b"));
        let refusal = Refusal::missing(Challenge::new("Bearer", "a")).or(basic);
        let response = Response::from(refusal);
        assert_eq!(response.status(), Status::UNAUTHORIZED);
        let challenges: Vec<_> =
            response.headers().filter(|(name, _)| *name == "WWW-Authenticate").collect();
        assert_eq!(
            challenges,
            [
                ("WWW-Authenticate", r#"Bearer realm="a""#),
                ("WWW-Authenticate", r#"Basic realm="b""#)
            ]
        );
    }
}

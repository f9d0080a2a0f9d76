//! Where a 401 is written.
//!
//! One half reads `Authorization` ([`Credentials`]); the other writes
//! `WWW-Authenticate` ([`Challenge`]) into the answer of whoever is not let in
//! ([`Refusal`]). A refusal can't be made without a challenge, and a 401 can't
//! be made but by a refusal: "A server generating a 401 response MUST send a
//! WWW-Authenticate header field" (RFC 9110 §11.6.1).

use crate::http::header::{is_token, is_value};
use crate::http::response::Response;
use crate::http::status::Status;
use std::borrow::Cow;

/// How to get in: the value of one `WWW-Authenticate` field (RFC 9110 §11.3).
///
/// ```
/// use guardhouse::Challenge;
///
/// let challenge = Challenge::new("Bearer", "the \"back\" door").with_param("scope", "read");
/// assert_eq!(challenge.as_str(), r#"Bearer realm="the \"back\" door", scope="read""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// A challenge of that auth-scheme, a token, for that realm. Every
    /// challenge has a realm: RFC 7617 §2 wants one for Basic, and RFC 6750 §3
    /// at least one parameter for Bearer.
    #[must_use]
    pub fn new(scheme: &'static str, realm: &str) -> Challenge {
        debug_assert!(is_token(scheme.as_bytes()));
        Challenge(scheme.to_owned()).with(" ", "realm", realm)
    }

    /// This challenge with one more auth-param, its value as a quoted-string
    /// (RFC 9110 §11.2). Names are tokens. An byte that no field may have (CR,
    /// LF, NUL …) becomes `?`.
    #[must_use]
    pub fn with_param(self, name: &'static str, value: &str) -> Challenge {
        debug_assert!(is_token(name.as_bytes()));
        self.with(", ", name, value)
    }

    /// This challenge with an error of RFC 6750 §3.1 and its description.
    #[must_use]
    pub fn with_error(self, error: &'static str, description: &'static str) -> Challenge {
        self.with_param("error", error).with_param("error_description", description)
    }

    /// Whether this is a challenge of that auth-scheme.
    pub(crate) fn is_for(&self, scheme: &str) -> bool {
        self.0.split(' ').next() == Some(scheme)
    }

    /// The field's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn with(mut self, before: &str, name: &str, value: &str) -> Challenge {
        self.0.push_str(before);
        self.0.push_str(name);
        self.0.push_str("=\"");
        for character in value.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                _ if character.is_ascii() && is_value(&[character as u8]) => self.0.push(character),
                // Outside ASCII a quoted-string has no agreed meaning.
                _ => self.0.push('?'),
            }
        }
        self.0.push('"');
        self
    }
}

/// Why a guard lets nobody in. Each reason has its status and its `detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No credentials that the guard could look at came: 401.
    Missing,
    /// Credentials came, and can't be read: 401.
    Unreadable,
    /// Credentials came, and they are no good: 401.
    Invalid,
    /// Credentials came in a way that nobody may send them: 400.
    Malformed,
    /// The credentials are good, and not enough: 403.
    Insufficient,
}

/// The answer of a guard that lets nobody in: a 401, 403 or 400 with its
/// challenge.
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
    /// 401: there were no credentials.
    #[must_use]
    pub fn missing(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Missing, challenge, "Not authenticated")
    }

    /// 401: there were credentials, in no form that could be looked up.
    #[must_use]
    pub fn unreadable(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Unreadable, challenge, "Not authenticated")
    }

    /// 401: the credentials are no good.
    #[must_use]
    pub fn invalid(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Invalid, challenge, "Invalid authentication credentials")
    }

    /// 400: the credentials came twice, or otherwise as nobody may send them.
    #[must_use]
    pub fn malformed(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Malformed, challenge, "Malformed credentials")
    }

    /// 403: the credentials are good, and not enough.
    #[must_use]
    pub fn insufficient(challenge: Challenge) -> Refusal {
        Refusal::new(Reason::Insufficient, challenge, "Not enough permissions")
    }

    fn new(reason: Reason, challenge: Challenge, detail: &'static str) -> Refusal {
        Refusal { reason, challenges: vec![challenge], detail: detail.into() }
    }

    /// This refusal with another `detail` in its JSON.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Refusal {
        self.detail = detail.into();
        self
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The challenges, one a `WWW-Authenticate` field.
    #[must_use]
    pub fn challenges(&self) -> &[Challenge] {
        &self.challenges
    }

    /// This refusal, with the other's challenges behind its own.
    pub(crate) fn before(mut self, other: Refusal) -> Refusal {
        self.challenges.extend(other.challenges);
        self
    }

    /// This refusal, with the other's challenges before its own.
    pub(crate) fn behind(mut self, other: Refusal) -> Refusal {
        self.challenges.splice(..0, other.challenges);
        self
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Response {
        let status = match refusal.reason {
            Reason::Missing | Reason::Unreadable | Reason::Invalid => Status::UNAUTHORIZED,
            Reason::Malformed => Status::BAD_REQUEST,
            Reason::Insufficient => Status::FORBIDDEN,
        };
        // A field each: a comma may part two challenges or two parameters of
        // one, and clients get that wrong (RFC 9110 §11.6.1).
        refusal
            .challenges
            .into_iter()
            .fold(Response::detail(status, &refusal.detail), |response, challenge| {
                response.with_header("WWW-Authenticate", challenge.0)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::credentials::{Credentials, Repeated, b64token, base64, user_pass};
    use crate::http::request::Request;

    #[track_caller]
    fn bearer(header: &str) -> Option<Vec<u8>> {
        let head = format!("GET / HTTP/1.0\r\n{header}\r\n\r\n");
        let request = Request::parse(head.as_bytes()).expect("a valid head");
        let credentials = Credentials::of(&request).expect("one field at most");
        credentials.and_then(|credentials| credentials.for_scheme("Bearer")).map(<[u8]>::to_vec)
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_the_token_as_it_is() {
        for value in ["Bearer abC", "bEARER abC", "Bearer     abC", "  Bearer abC \t "] {
            assert_eq!(bearer(&format!("authorization:{value}")).as_deref(), Some(&b"abC"[..]));
        }
        assert_eq!(bearer("Authorization: Bearer").as_deref(), Some(&b""[..]));
        for none in ["", " ", "Basic abC", "BearerabC", "Bearer\tabC", "abC"] {
            assert_eq!(bearer(&format!("Authorization: {none}")), None, "{none:?}");
        }
        assert_eq!(bearer("X-Authorization: Bearer abC"), None);
    }

    #[test]
    fn two_authorization_fields_are_no_credentials() {
        let request =
            Request::parse(b"GET / HTTP/1.0\r\nAuthorization: a\r\nAUTHORIZATION:\r\n\r\n");
        assert_eq!(Credentials::of(&request.expect("a valid head")), Err(Repeated));
    }

    #[test]
    fn a_bearer_token_is_a_b64token() {
        for token in ["a", "a.b-c_d~e+f/g", "abc=", "abc=="] {
            assert_eq!(b64token(token.as_bytes()), Some(token));
        }
        for no in ["", "=", "==", "a=b", "a b", "a,", "\"a\"", "a\t", "é", "a\0"] {
            assert_eq!(b64token(no.as_bytes()), None, "{no:?}");
        }
    }

    #[test]
    fn base64_has_one_form_for_each_byte_string() {
        for (text, decoded) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Pj8+Pz8/", ">?>???"),
        ] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(decoded.as_bytes()), "{text}");
        }
        for no in [
            "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "====", "=", "Zm 8", "Zm8=Zm8=",
            "Zm-_", "Zm\n8",
        ] {
            assert_eq!(base64(no.as_bytes()), None, "{no:?}");
        }
    }

    #[test]
    fn a_user_id_ends_at_the_first_colon() {
        let parts = |text: &str| user_pass(text.as_bytes());
        let ann = Some(("Ann".to_owned(), "a:b".to_owned()));
        assert_eq!(parts("QW5uOmE6Yg=="), ann);
        assert_eq!(parts("Og=="), Some((String::new(), String::new())));
        assert_eq!(parts("QW5u"), None, "no colon");
        assert_eq!(parts("/zr/"), None, "not UTF-8");
        assert_eq!(parts("QTpiAA=="), None, "a NUL");
    }

    #[test]
    fn a_parameter_cannot_leave_its_quotes_or_its_line() {
        let challenge = Challenge::new("Bearer", "a\"b\\c\r\nX: é\0");
        assert_eq!(challenge.as_str(), r#"Bearer realm="a\"b\\c??X: ??""#);
    }

    #[test]
    fn each_challenge_has_a_field_of_its_own() {
        let basic = Refusal::missing(Challenge::new("Basic", "b"));
        let refusal = Refusal::missing(Challenge::new("Bearer", "a")).before(basic);
        assert_eq!(refusal.challenges().len(), 2);
        assert_eq!(Response::from(refusal).status(), Status::UNAUTHORIZED);
    }
}

//! What stands before a route.
//!
//! A guard is a function from `&Request` to either an identity or a refusal.
//! What it lets through becomes the handler's second argument, so a handler
//! that wants a user can't be reached past its guard: without one it does not
//! compile. [`Guard`] wraps such a function so that it can be shared between
//! routes and joined with others; [`bearer`] makes the one of RFC 6750.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use crate::authorization::{Challenge, Credentials, Reason, Refusal, b64token};
use crate::request::Request;

/// A function that decides who may pass, and as whom.
///
/// Any `Fn(&Request) -> Result<T, Refusal>` is one; [`Route::guarded`](crate::Route::guarded)
/// takes a closure as well. Cloning is cheap, so one guard protects many routes.
///
/// ```
/// use guardhouse::{Challenge, Guard, Refusal, Request};
///
/// let from_here = Guard::new(|request: &Request| match request.peer() {
///     Some(peer) if peer.ip().is_loopback() => Ok(()),
///     _ => Err(Refusal::missing(Challenge::new("Loopback", "this machine"))),
/// });
/// # let request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// # assert!(from_here.check(&request).is_err());
/// ```
///
/// A guard sees `&Request`, and the content takes `&mut`. So this does not
/// compile:
///
/// ```compile_fail,E0596
/// use guardhouse::{Challenge, Guard, Refusal, Request};
///
/// let by_content = Guard::new(|request: &Request| match request.content() {
///     Ok(b"open sesame") => Ok(()),
///     _ => Err(Refusal::missing(Challenge::new("Bearer", "cave"))),
/// });
/// ```
///
/// Credentials belong into a field, where they can be checked before a byte of
/// content is read:
///
/// ```
/// use guardhouse::{Challenge, Guard, Refusal, Request};
///
/// let by_field = Guard::new(|request: &Request| match request.field("X-Word") {
///     Some("open sesame") => Ok(()),
///     _ => Err(Refusal::missing(Challenge::new("Bearer", "cave"))),
/// });
/// ```
pub struct Guard<T> {
    check: Arc<Check<T>>,
    description: Arc<str>,
}

type Check<T> = dyn Fn(&Request) -> Result<T, Refusal> + Send + Sync;

impl<T> Guard<T> {
    /// The guard that a closure is.
    #[must_use]
    pub fn new(check: impl Fn(&Request) -> Result<T, Refusal> + Send + Sync + 'static) -> Guard<T> {
        Guard { check: Arc::new(check), description: "guarded".into() }
    }

    /// Asks the guard.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], if it lets nobody in.
    pub fn check(&self, request: &Request) -> Result<T, Refusal> {
        (self.check)(request)
    }

    /// What the route table says of this guard.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// This guard with another description in the route table.
    #[must_use]
    pub fn described(mut self, description: impl Into<Arc<str>>) -> Guard<T> {
        self.description = description.into();
        self
    }
}

impl<T: 'static> Guard<T> {
    /// This guard with another `detail` for credentials that are no good. A
    /// request without any is told "Not authenticated" all the same.
    ///
    /// FastAPI: `raise HTTPException(401, detail="Invalid token")`.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Guard<T> {
        let description = Arc::clone(&self.description);
        Guard::new(move |request| {
            self.check(request).map_err(|refusal| match refusal.reason() {
                Reason::Invalid => refusal.with_detail(detail),
                _ => refusal,
            })
        })
        .described(description)
    }

    /// This guard, telling the access log who passed.
    #[must_use]
    pub fn named(self, name: impl Fn(&T) -> &str + Send + Sync + 'static) -> Guard<T> {
        let description = Arc::clone(&self.description);
        Guard::new(move |request| {
            self.check(request).inspect(|identity| request.identify(name(identity)))
        })
        .described(description)
    }
}

/// Clones share the function; nothing that it holds is copied.
impl<T> Clone for Guard<T> {
    fn clone(&self) -> Self {
        Guard { check: Arc::clone(&self.check), description: Arc::clone(&self.description) }
    }
}

impl<T> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.description).finish()
    }
}

/// A closure is a guard.
impl<T, F> From<F> for Guard<T>
where
    F: Fn(&Request) -> Result<T, Refusal> + Send + Sync + 'static,
{
    fn from(check: F) -> Guard<T> {
        Guard::new(check)
    }
}

/// A guard that wants `Authorization: Bearer TOKEN` (RFC 6750 §2.1), and lets
/// in whom `lookup` finds by the token.
///
/// FastAPI: `OAuth2PasswordBearer`, `HTTPBearer`. Only the field counts: tokens
/// in the query or the content would end up in logs (RFC 6750 §5.3).
///
/// ```
/// use guardhouse::{Request, guard};
///
/// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
/// let ask = |field: &str| {
///     let head = format!("GET / HTTP/1.0\r\n{field}\r\n\r\n");
///     signed_in.check(&Request::parse(head.as_bytes()).unwrap())
/// };
/// assert_eq!(ask("Authorization: Bearer abc"), Ok("Ann"));
/// let refusal = ask("Authorization: Bearer abd").unwrap_err();
/// assert!(refusal.challenges()[0].as_str().contains(r#"error="invalid_token""#));
/// ```
///
/// A store of secrets is compared in constant time: see [`is_same`].
#[must_use]
pub fn bearer<T: 'static>(
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    // The challenges never change, so they are written once.
    let challenge = Challenge::new("Bearer", realm);
    let repeated =
        challenge.clone().with_error("invalid_request", "more than one Authorization field");
    let invalid = challenge
        .clone()
        .with_error("invalid_token", "the access token is malformed, unknown or expired");
    Guard::new(move |request| {
        let Ok(credentials) = Credentials::of(request) else {
            return Err(Refusal::malformed(repeated.clone()));
        };
        // "If the request lacks any authentication information …, the resource
        // server SHOULD NOT include an error code" (RFC 6750 §3.1).
        let Some(token) = credentials.and_then(|credentials| credentials.for_scheme("Bearer"))
        else {
            return Err(Refusal::missing(challenge.clone()));
        };
        b64token(token).and_then(&lookup).ok_or_else(|| Refusal::invalid(invalid.clone()))
    })
    .described("Bearer")
}

/// Whether two secrets are the same, in a time that depends on their lengths
/// alone: `==` ends at the first octet that differs, and tells how many were
/// right.
#[must_use]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences =
        left.iter().zip(right).fold(0, |differences, (left, right)| differences | (left ^ right));
    // Not to be turned back into an early exit by the compiler.
    black_box(differences) == 0 && left.len() == right.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::Response;

    #[track_caller]
    fn ask(guard: &Guard<&'static str>, fields: &str) -> Result<&'static str, String> {
        let head = format!("GET / HTTP/1.0\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes()).expect("a valid head");
        guard.check(&request).map_err(|refusal| {
            let response = Response::from(refusal);
            let challenge = response.field("WWW-Authenticate").expect("a challenge").to_owned();
            format!("{} {challenge}", response.status().code())
        })
    }

    fn signed_in() -> Guard<&'static str> {
        bearer("r", |token| is_same(token.as_bytes(), b"secret").then_some("Ann"))
    }

    #[test]
    fn the_right_token_passes_and_nothing_else_does() {
        let guard = signed_in();
        assert_eq!(ask(&guard, "Authorization: bearer secret\r\n"), Ok("Ann"));
        let missing = Err(r#"401 Bearer realm="r""#.to_owned());
        for fields in ["", "Authorization: Basic secret\r\n", "Authorization: secret\r\n"] {
            assert_eq!(ask(&guard, fields), missing, "{fields:?}");
        }
        let invalid = Err(concat!(
            r#"401 Bearer realm="r", error="invalid_token", "#,
            r#"error_description="the access token is malformed, unknown or expired""#
        )
        .to_owned());
        for token in ["", "Secret", "secre", "secrets", "secret,", "secret x", "\"secret\"", "é"] {
            let fields = format!("Authorization: Bearer {token}\r\n");
            assert_eq!(ask(&guard, &fields), invalid, "{token:?}");
        }
        let twice = "Authorization: Bearer secret\r\nAuthorization: Bearer secret\r\n";
        assert_eq!(
            ask(&guard, twice),
            Err(concat!(
                r#"400 Bearer realm="r", error="invalid_request", "#,
                r#"error_description="more than one Authorization field""#
            )
            .to_owned())
        );
    }

    #[test]
    fn a_detail_is_for_those_who_came_with_credentials() {
        let guard = signed_in().with_detail("Invalid token");
        let content = |fields: &str| {
            let head = format!("GET / HTTP/1.0\r\n{fields}\r\n");
            let request = Request::parse(head.as_bytes()).expect("a valid head");
            Response::from(guard.check(&request).unwrap_err()).content().to_vec()
        };
        assert_eq!(content(""), br#"{"detail":"Not authenticated"}"#);
        assert_eq!(content("Authorization: Bearer x\r\n"), br#"{"detail":"Invalid token"}"#);
    }

    #[test]
    fn who_passed_is_named() {
        let guard = signed_in().named(|name| name);
        let request = Request::parse(b"GET / HTTP/1.0\r\nAuthorization: Bearer secret\r\n\r\n");
        let request = request.expect("a valid head");
        assert_eq!(request.identity(), None);
        assert_eq!(guard.check(&request), Ok("Ann"));
        assert_eq!(request.identity(), Some("Ann"));
    }

    #[test]
    fn secrets_are_the_same_in_every_octet_and_in_length() {
        assert!(is_same(b"", b"") && is_same(b"abc", b"abc"));
        for (left, right) in
            [("abc", "abd"), ("xbc", "abc"), ("abc", "ab"), ("ab", "abc"), ("", "a")]
        {
            assert!(!is_same(left.as_bytes(), right.as_bytes()), "{left} {right}");
        }
    }
}

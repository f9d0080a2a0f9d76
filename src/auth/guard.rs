//! What stands before a route.
//!
//! A guard is a function from `&Request` to either an identity or a refusal.
//! What it lets through becomes the handler's second argument, so a handler
//! that wants a user can't be reached past its guard: without one it does not
//! compile. [`bearer`], [`basic`] and [`api_key`] make guards; the methods of
//! [`Guard`] join them.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use crate::auth::challenge::{Challenge, Credentials, Reason, Refusal, b64token, user_pass};
use crate::http::request::Request;
use crate::serve::access_log;

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
/// let by_content = Guard::new(|request: &Request| match request.body() {
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
/// let by_field = Guard::new(|request: &Request| match request.header("X-Word") {
///     Some("open sesame") => Ok(()),
///     _ => Err(Refusal::missing(Challenge::new("Bearer", "cave"))),
/// });
/// ```
pub struct Guard<T> {
    check: Arc<Check<T>>,
    description: Description,
}

type Check<T> = dyn Fn(&Request) -> Result<T, Refusal> + Send + Sync;

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
/// Compare secrets with [`is_same`], or keep them in [`Users`](crate::Users).
#[must_use]
pub fn bearer<T: 'static>(
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("Bearer", realm);
    let invalid = challenge
        .clone()
        .with_error("invalid_token", "the access token is malformed, unknown or expired");
    let scheme = Scheme::Bearer(challenge.clone(), None);
    // "If the request lacks any authentication information …, the resource
    // server SHOULD NOT include an error code" (RFC 6750 §3.1).
    let check = by_scheme("Bearer", challenge, move |token| {
        b64token(token).and_then(&lookup).ok_or_else(|| Refusal::invalid(invalid.clone()))
    });
    Guard::with_scheme(scheme, check)
}

/// A guard that wants `Authorization: Basic` with a user-id and a password
/// (RFC 7617), and lets in whom `lookup` finds by the two. Both are UTF-8.
///
/// FastAPI: `HTTPBasic`. Wrong Base64, no colon, or bytes that are not UTF-8
/// are refused before the lookup.
///
/// ```
/// use guardhouse::guard::{basic, is_same};
///
/// let signed_in = basic("guardhouse", |user_id, password| {
///     (user_id == "ann" && is_same(password.as_bytes(), b"s3cret")).then_some("Ann")
/// });
/// ```
#[must_use]
pub fn basic<T: 'static>(
    realm: &str,
    lookup: impl Fn(&str, &str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("Basic", realm).with_param("charset", "UTF-8");
    let refused = challenge.clone();
    let scheme = Scheme::Basic(challenge.clone());
    let check = by_scheme("Basic", challenge, move |credentials| {
        let Some((user_id, password)) = user_pass(credentials) else {
            return Err(Refusal::unreadable(refused.clone()));
        };
        lookup(&user_id, &password).ok_or_else(|| Refusal::invalid(refused.clone()))
    });
    Guard::with_scheme(scheme, check)
}

/// A guard that wants a key in the field of that name, and lets in whom
/// `lookup` finds by it.
///
/// FastAPI: `APIKeyHeader`. No RFC has a scheme for this; the challenge says
/// `ApiKey` and names the field.
///
/// ```
/// use guardhouse::guard::{api_key, is_same};
///
/// let by_key = api_key("X-API-Key", "guardhouse", |key| is_same(key.as_bytes(), b"k1").then_some("Ann"));
/// ```
#[must_use]
pub fn api_key<T: 'static>(
    header: &'static str,
    realm: &str,
    lookup: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
) -> Guard<T> {
    let challenge = Challenge::new("ApiKey", realm).with_param("field", header);
    let refused = challenge.clone();
    Guard::with_scheme(Scheme::ApiKey(header, challenge), move |request| {
        let mut sent =
            request.headers().iter().filter(|sent| sent.name.eq_ignore_ascii_case(header));
        match (sent.next().map(|sent| sent.value), sent.next()) {
            (_, Some(_)) => Err(Refusal::malformed(refused.clone())),
            (None | Some(b""), None) => Err(Refusal::missing(refused.clone())),
            (Some(key), None) => str::from_utf8(key)
                .ok()
                .and_then(&lookup)
                .ok_or_else(|| Refusal::invalid(refused.clone()))
                .map_err(|refusal| refusal.with_detail("Invalid API key")),
        }
    })
}

/// A check of what follows `scheme` in the `Authorization` field.
fn by_scheme<T>(
    scheme: &'static str,
    challenge: Challenge,
    check: impl Fn(&[u8]) -> Result<T, Refusal>,
) -> impl Fn(&Request) -> Result<T, Refusal> {
    // RFC 6750 §3.1 has the code for a repeated credential; for other schemes
    // it does no harm.
    let repeated =
        challenge.clone().with_error("invalid_request", "more than one Authorization field");
    move |request| match Credentials::of(request) {
        Err(_) => Err(Refusal::malformed(repeated.clone())),
        Ok(credentials) => match credentials.and_then(|sent| sent.for_scheme(scheme)) {
            None => Err(Refusal::missing(challenge.clone())),
            Some(rest) => check(rest),
        },
    }
}

/// Whether two secrets are the same, in a time that depends on their lengths
/// alone: `==` ends at the first byte that differs, and tells how many were
/// right.
#[must_use]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences =
        left.iter().zip(right).fold(0, |differences, (left, right)| differences | (left ^ right));
    // Not to be turned back into an early exit by the compiler.
    black_box(differences) == 0 && left.len() == right.len()
}

impl<T> Guard<T> {
    /// The guard that a closure is.
    #[must_use]
    pub fn new(check: impl Fn(&Request) -> Result<T, Refusal> + Send + Sync + 'static) -> Guard<T> {
        Guard { check: Arc::new(check), description: Description::default() }
    }

    fn with_scheme(
        scheme: Scheme,
        check: impl Fn(&Request) -> Result<T, Refusal> + Send + Sync + 'static,
    ) -> Guard<T> {
        let description = Description { schemes: vec![scheme], ..Description::default() };
        Guard { check: Arc::new(check), description }
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
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// This guard, named in the route table. For guards that are no scheme's.
    #[must_use]
    pub fn described(mut self, name: &'static str) -> Guard<T> {
        self.description.name = Some(name);
        self
    }

    /// This guard, saying where its Bearer tokens are had: who POSTs a name and a
    /// password to that path of the same table is given one (RFC 6749 §4.3). The
    /// table and the OpenAPI document pass it on, and the page at `/docs` logs in
    /// there. Whom the guard lets in is its own affair still.
    ///
    /// FastAPI: `OAuth2PasswordBearer(tokenUrl="token")`.
    ///
    /// ```
    /// use guardhouse::guard;
    ///
    /// let signed_in = guard::bearer("guardhouse", |_| Some("Ann")).tokens_from("/token");
    /// assert_eq!(signed_in.description().to_string(), "Bearer from /token");
    /// ```
    ///
    /// # Panics
    ///
    /// If the path has no `/` in front.
    #[must_use]
    #[track_caller]
    pub fn tokens_from(mut self, path: &'static str) -> Guard<T> {
        assert!(path.starts_with('/'), "no request has the path {path:?}");
        for scheme in &mut self.description.schemes {
            if let Scheme::Bearer(_, tokens_from) = scheme {
                *tokens_from = Some(path);
            }
        }
        self
    }
}

/// How guards are joined.
impl<T: 'static> Guard<T> {
    /// Lets everyone pass, as `None` who brings no credentials. Credentials
    /// that are no good are refused all the same: who means to sign in, and
    /// can't, is not to be taken for a passer-by.
    ///
    /// FastAPI: `OAuth2PasswordBearer(auto_error=False)`.
    #[must_use]
    pub fn optional(self) -> Guard<Option<T>> {
        let description = Description { optional: true, ..self.description.clone() };
        let check = move |request: &Request| match self.check(request) {
            Err(refusal) if refusal.reason() == Reason::Missing => Ok(None),
            result => result.map(Some),
        };
        Guard { check: Arc::new(check), description }
    }

    /// Lets in whom this guard or the other lets in. A refusal has both
    /// challenges, and answers the credentials that came.
    ///
    /// FastAPI: two dependencies with `auto_error=False`, joined by hand.
    ///
    /// ```
    /// use guardhouse::{Guard, guard};
    ///
    /// let either: Guard<String> = guard::bearer("guardhouse", |token| Some(token.to_owned()))
    ///     .or(guard::basic("guardhouse", |user_id, _| Some(user_id.to_owned())));
    /// assert_eq!(either.description().to_string(), "Bearer or Basic");
    /// ```
    #[must_use]
    pub fn or(self, other: Guard<T>) -> Guard<T> {
        let description = self.description.clone().or(&other.description);
        let check = move |request: &Request| {
            self.check(request).or_else(|first| {
                other.check(request).map_err(|second| match first.reason() {
                    Reason::Missing => second.behind(first),
                    _ => first.before(second),
                })
            })
        };
        Guard { check: Arc::new(check), description }
    }

    /// A guard that depends on this one: `next` gets whom this guard lets in,
    /// and decides further.
    ///
    /// FastAPI: a dependency with a dependency (`get_current_active_user`).
    ///
    /// ```
    /// use guardhouse::{Challenge, Refusal, guard};
    ///
    /// #[derive(Clone)]
    /// struct User { name: &'static str, active: bool }
    ///
    /// let signed_in = guard::bearer("guardhouse", |_| Some(User { name: "Ann", active: false }));
    /// let active = signed_in.and_then(|user| match user.active {
    ///     true => Ok(user),
    ///     false => Err(Refusal::insufficient(Challenge::new("Bearer", "guardhouse"))
    ///         .with_detail("Inactive user")),
    /// });
    /// ```
    #[must_use]
    pub fn and_then<U>(
        self,
        next: impl Fn(T) -> Result<U, Refusal> + Send + Sync + 'static,
    ) -> Guard<U> {
        let description = self.description.clone();
        let check = move |request: &Request| self.check(request).and_then(&next);
        Guard { check: Arc::new(check), description }
    }

    /// This guard with another `detail` for credentials that are no good. A
    /// request without any is told "Not authenticated" all the same.
    ///
    /// FastAPI: `raise HTTPException(401, detail="Invalid token")`.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Guard<T> {
        let description = self.description.clone();
        let check = move |request: &Request| {
            self.check(request).map_err(|refusal| match refusal.reason() {
                Reason::Invalid => refusal.with_detail(detail),
                _ => refusal,
            })
        };
        Guard { check: Arc::new(check), description }
    }

    /// This guard, telling the access log, if there is one, who passed.
    #[must_use]
    pub fn named(self, name: impl Fn(&T) -> &str + Send + Sync + 'static) -> Guard<T> {
        let description = self.description.clone();
        let check = move |request: &Request| {
            self.check(request).inspect(|identity| {
                // A name that nobody logs is not copied.
                if access_log::is_on() {
                    request.identify(name(identity));
                }
            })
        };
        Guard { check: Arc::new(check), description }
    }
}

/// An identity that has scopes (RFC 6749 §3.3).
pub trait Scoped {
    /// Whether this scope is among them.
    fn has_scope(&self, scope: &str) -> bool;
}

impl<T: Scoped + 'static> Guard<T> {
    /// Lets in whom this guard lets in, if they have the scope. Who has not is
    /// answered 403 `insufficient_scope`, with the scope named (RFC 6750 §3.1).
    /// A second scope is wanted on top of the first.
    ///
    /// FastAPI: `Security(get_current_user, scopes=["reports:read"])`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, User, Users, guard};
    ///
    /// let users = Users::new([("s3cret-of-ann", User::new("Ann", ["reports:read"]))]);
    /// let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
    ///
    /// fn reports(_: &mut Request, user: User) -> Response {
    ///     Response::text(format!("Reports for {}.\n", user.name()))
    /// }
    ///
    /// let row = Route::guarded(GET, "/reports", signed_in.scope("reports:read"), reports);
    /// ```
    #[must_use]
    pub fn scope(self, scope: &'static str) -> Guard<T> {
        let mut description = self.description.clone();
        description.scopes.push(scope);
        let challenges = description.schemes.iter().map(Scheme::challenge);
        let bearer = challenges.clone().find(|challenge| challenge.is_for("Bearer"));
        let challenge = bearer.or_else(|| challenges.clone().next()).cloned();
        let challenge = challenge
            .unwrap_or_else(|| Challenge::new("Bearer", "guardhouse"))
            .with_param("error", "insufficient_scope")
            .with_param("scope", scope);
        let check = move |request: &Request| match self.check(request)? {
            identity if identity.has_scope(scope) => Ok(identity),
            _ => Err(Refusal::insufficient(challenge.clone())),
        };
        Guard { check: Arc::new(check), description }
    }
}

/// Clones share the function; nothing that it holds is copied.
impl<T> Clone for Guard<T> {
    fn clone(&self) -> Self {
        Guard { check: Arc::clone(&self.check), description: self.description.clone() }
    }
}

impl<T> fmt::Debug for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", self.description)
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

/// What a guard says of itself in the route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    name: Option<&'static str>,
    schemes: Vec<Scheme>,
    scopes: Vec<&'static str>,
    optional: bool,
}

impl Description {
    /// The schemes that it takes, any one of them.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// The scopes that it wants, all of them.
    #[must_use]
    pub fn scopes(&self) -> &[&'static str] {
        &self.scopes
    }

    /// Whether it lets everyone pass who brings no credentials.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    fn or(mut self, other: &Description) -> Description {
        self.schemes.extend(other.schemes.iter().cloned());
        self.scopes.extend(&other.scopes);
        self.optional |= other.optional;
        self
    }
}

/// `Bearer from /token or Basic (reports:read), optional`
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<String> = self.schemes.iter().map(Scheme::to_string).collect();
        match self.name {
            Some(name) => f.write_str(name)?,
            None if schemes.is_empty() => f.write_str("guarded")?,
            None => f.write_str(&schemes.join(" or "))?,
        }
        if !self.scopes.is_empty() {
            write!(f, " ({})", self.scopes.join(" "))?;
        }
        f.write_str(if self.optional { ", optional" } else { "" })
    }
}

/// How credentials are sent, and the challenge that asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer TOKEN`, and the path where tokens are had, if it
    /// is known.
    Bearer(Challenge, Option<&'static str>),
    /// `Authorization: Basic CREDENTIALS`
    Basic(Challenge),
    /// A key in the field of that name.
    ApiKey(&'static str, Challenge),
}

impl Scheme {
    /// The challenge for a request without credentials.
    #[must_use]
    pub fn challenge(&self) -> &Challenge {
        match self {
            Scheme::Bearer(challenge, _)
            | Scheme::Basic(challenge)
            | Scheme::ApiKey(_, challenge) => challenge,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scheme::Bearer(_, Some(path)) => write!(f, "Bearer from {path}"),
            Scheme::Bearer(_, None) => f.write_str("Bearer"),
            Scheme::Basic(_) => f.write_str("Basic"),
            Scheme::ApiKey(header, _) => f.write_str(header),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::user::User;
    use crate::http::response::Response;

    /// The identity, or the status, the challenges and the detail.
    #[track_caller]
    fn ask<T>(guard: &Guard<T>, headers: &str) -> Result<T, String> {
        let head = format!("GET / HTTP/1.0\r\n{headers}\r\n");
        let request = Request::parse(head.as_bytes()).expect("a valid head");
        guard.check(&request).map_err(|refusal| {
            let challenges: Vec<_> = refusal.challenges().iter().map(Challenge::as_str).collect();
            let challenges = challenges.join(" + ");
            let response = Response::from(refusal);
            let body = String::from_utf8_lossy(response.body());
            format!("{} {challenges} {body}", response.status().code())
        })
    }

    fn by_token() -> Guard<&'static str> {
        bearer("r", |token| is_same(token.as_bytes(), b"secret").then_some("Ann"))
    }

    fn by_password() -> Guard<&'static str> {
        basic("r", |user_id, password| ((user_id, password) == ("ann", "pw")).then_some("Ann"))
    }

    const TOKEN: &str = "Authorization: Bearer secret\r\n";
    const WRONG_TOKEN: &str = "Authorization: Bearer wrong\r\n";
    const PASSWORD: &str = "Authorization: Basic YW5uOnB3\r\n";
    const WRONG_PASSWORD: &str = "Authorization: Basic YW5uOm5v\r\n";

    #[test]
    fn the_right_token_passes_and_nothing_else_does() {
        let guard = by_token();
        assert_eq!(ask(&guard, TOKEN), Ok("Ann"));
        assert_eq!(ask(&guard, "Authorization: bEARER   secret \t\r\n"), Ok("Ann"));
        let missing = Err(r#"401 Bearer realm="r" {"detail":"Not authenticated"}"#.to_owned());
        for headers in ["", "Authorization: secret\r\n", "Authorization:\r\n", PASSWORD] {
            assert_eq!(ask(&guard, headers), missing, "{headers:?}");
        }
        let invalid = Err(concat!(
            r#"401 Bearer realm="r", error="invalid_token", "#,
            r#"error_description="the access token is malformed, unknown or expired" "#,
            r#"{"detail":"Invalid authentication credentials"}"#
        )
        .to_owned());
        let long = "a".repeat(15_000);
        for token in
            ["", "Secret", "secre", "secrets", "secret,", "secret x", "\"secret\"", "é", "=", &long]
        {
            let headers = format!("Authorization: Bearer {token}\r\n");
            assert_eq!(ask(&guard, &headers), invalid, "{token:?}");
        }
        assert_eq!(
            ask(&guard, &format!("{TOKEN}{TOKEN}")),
            Err(concat!(
                r#"400 Bearer realm="r", error="invalid_request", "#,
                r#"error_description="more than one Authorization field" "#,
                r#"{"detail":"Malformed credentials"}"#
            )
            .to_owned())
        );
    }

    #[test]
    fn the_right_password_passes_and_nothing_else_does() {
        let guard = by_password();
        assert_eq!(ask(&guard, PASSWORD), Ok("Ann"));
        let challenge = r#"401 Basic realm="r", charset="UTF-8""#;
        let refused = |detail: &str| Err(format!("{challenge} {{\"detail\":\"{detail}\"}}"));
        assert_eq!(ask(&guard, ""), refused("Not authenticated"));
        assert_eq!(ask(&guard, TOKEN), refused("Not authenticated"));
        assert_eq!(ask(&guard, WRONG_PASSWORD), refused("Invalid authentication credentials"));
        // No credentials, no Base64, no padding, bits to spare, no colon, no
        // UTF-8, a control character, two of them.
        for unreadable in
            ["", "YW5u!OnB3", "YW5uOnA", "YW5uOnC=", "YW5u", "/zpwdw==", "YW5uOgo=", "YW5uOnB3, a"]
        {
            let headers = format!("Authorization: Basic {unreadable}\r\n");
            assert_eq!(ask(&guard, &headers), refused("Not authenticated"), "{unreadable:?}");
        }
    }

    #[test]
    fn the_right_key_passes_and_nothing_else_does() {
        let guard = api_key("X-Key", "r", |key| is_same(key.as_bytes(), b"k").then_some("Ann"));
        assert_eq!(ask(&guard, "x-key: k\r\n"), Ok("Ann"));
        let refused = |status: u16, detail: &str| {
            Err(format!("{status} ApiKey realm=\"r\", field=\"X-Key\" {{\"detail\":\"{detail}\"}}"))
        };
        assert_eq!(ask(&guard, ""), refused(401, "Not authenticated"));
        assert_eq!(ask(&guard, "X-Key:\r\n"), refused(401, "Not authenticated"));
        assert_eq!(ask(&guard, "X-Key: K\r\n"), refused(401, "Invalid API key"));
        assert_eq!(ask(&guard, "X-Key: k\r\nX-Key: k\r\n"), refused(400, "Malformed credentials"));
    }

    #[test]
    fn optional_lets_pass_who_brings_nothing_and_refuses_who_brings_something_wrong() {
        let guard = by_token().optional();
        assert_eq!(ask(&guard, TOKEN), Ok(Some("Ann")));
        assert_eq!(ask(&guard, ""), Ok(None));
        assert_eq!(ask(&guard, PASSWORD), Ok(None));
        assert!(ask(&guard, WRONG_TOKEN).is_err_and(|refusal| refusal.starts_with("401")));
        assert!(ask(&guard, "Authorization: Bearer\r\n").is_err());
        assert!(ask(&by_password().optional(), "Authorization: Basic !\r\n").is_err());
        assert!(ask(&guard, &TOKEN.repeat(2)).is_err_and(|refusal| refusal.starts_with("400")));
        assert_eq!(guard.description().to_string(), "Bearer, optional");
    }

    #[test]
    fn either_of_two_schemes_passes_and_a_refusal_has_both_challenges() {
        let guard = by_token().or(by_password());
        assert_eq!(ask(&guard, TOKEN), Ok("Ann"));
        assert_eq!(ask(&guard, PASSWORD), Ok("Ann"));
        let bearer = r#"Bearer realm="r""#;
        let basic = r#"Basic realm="r", charset="UTF-8""#;
        assert_eq!(
            ask(&guard, ""),
            Err(format!(r#"401 {bearer} + {basic} {{"detail":"Not authenticated"}}"#))
        );
        assert_eq!(
            ask(&guard, WRONG_PASSWORD),
            Err(format!(
                r#"401 {bearer} + {basic} {{"detail":"Invalid authentication credentials"}}"#
            ))
        );
        let wrong_token = ask(&guard, WRONG_TOKEN).unwrap_err();
        assert!(
            wrong_token.contains("invalid_token") && wrong_token.contains(basic),
            "{wrong_token}"
        );
        assert!(ask(&guard, &TOKEN.repeat(2)).is_err_and(|refusal| refusal.starts_with("400")));
    }

    #[test]
    fn a_guard_can_depend_on_a_guard() {
        let nobody = |_| Err::<(), _>(Refusal::insufficient(Challenge::new("Bearer", "r")));
        let guard = by_token().and_then(nobody);
        assert!(ask(&guard, TOKEN).is_err_and(|refusal| refusal.starts_with("403")));
        assert!(ask(&guard, "").is_err_and(|refusal| refusal.starts_with("401")));
        assert_eq!(ask(&by_token().and_then(|name| Ok(name.len())), TOKEN), Ok(3));
    }

    #[test]
    fn a_scope_that_is_missing_is_named() {
        let ann = User::new("Ann", ["read"]);
        let guard = bearer("r", move |_| Some(ann.clone()));
        assert!(ask(&guard.clone().scope("read"), TOKEN).is_ok());
        let refused = concat!(
            r#"403 Bearer realm="r", error="insufficient_scope", scope="write" "#,
            r#"{"detail":"Not enough permissions"}"#
        );
        let guard = guard.scope("read").scope("write");
        assert_eq!(ask(&guard, TOKEN), Err(refused.to_owned()));
        assert!(ask(&guard, "").is_err_and(|refusal| refusal.starts_with("401")));
        assert_eq!(guard.description().to_string(), "Bearer (read write)");
    }

    #[test]
    fn where_tokens_are_had_is_told_and_decides_nothing() {
        let guard = by_token().tokens_from("/token");
        for headers in ["", TOKEN, WRONG_TOKEN, PASSWORD] {
            assert_eq!(ask(&guard, headers), ask(&by_token(), headers), "{headers:?}");
        }
        let told = |guard: Guard<&str>| guard.description().to_string();
        assert_eq!(told(guard.clone().or(by_password())), "Bearer from /token or Basic");
        assert_eq!(told(by_password().or(by_token()).tokens_from("/t")), "Basic or Bearer from /t");
        assert_eq!(told(by_password().tokens_from("/token")), "Basic");
        let optional = guard.named(|name| name).with_detail("no").and_then(Ok).optional();
        assert_eq!(optional.description().to_string(), "Bearer from /token, optional");
    }

    #[test]
    #[should_panic(expected = "no request has the path \"token\"")]
    fn tokens_are_had_at_a_path() {
        let _ = by_token().tokens_from("token");
    }

    #[test]
    fn a_detail_is_for_those_who_came_with_credentials() {
        let guard = by_token().with_detail("Invalid token");
        assert!(ask(&guard, "").is_err_and(|refusal| refusal.contains("Not authenticated")));
        assert!(ask(&guard, WRONG_TOKEN).is_err_and(|refusal| refusal.contains("Invalid token")));
    }

    #[test]
    fn secrets_are_the_same_in_every_byte_and_in_length() {
        assert!(is_same(b"", b"") && is_same(b"abc", b"abc"));
        for (left, right) in
            [("abc", "abd"), ("xbc", "abc"), ("abc", "ab"), ("ab", "abc"), ("", "a")]
        {
            assert!(!is_same(left.as_bytes(), right.as_bytes()), "{left} {right}");
        }
    }
}

//! What stands before a route.
//!
//! A guard is a function from `&Request` to either an identity or a refusal.
//! What it lets through becomes the handler's second argument, so a handler
//! that wants a user can't be reached past its guard: without one it does not
//! compile. [`bearer`], [`basic`] and [`api_key`] make guards; the methods of
//! [`Guard`] join them.

use crate::auth::challenge::{Challenge, Reason, Refusal};
use crate::auth::description::{Description, Scheme};
use crate::auth::user::Scoped;
use crate::http::request::Request;
use std::fmt;
use std::sync::Arc;

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

impl<T> Guard<T> {
    /// The guard that a closure is.
    #[must_use]
    pub fn new(check: impl Fn(&Request) -> Result<T, Refusal> + Send + Sync + 'static) -> Guard<T> {
        Guard { check: Arc::new(check), description: Description::default() }
    }

    pub(crate) fn with_scheme(
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
    pub fn with_name(mut self, name: &'static str) -> Guard<T> {
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
    pub fn logged_as(self, name: impl Fn(&T) -> &str + Send + Sync + 'static) -> Guard<T> {
        let description = self.description.clone();
        let check = move |request: &Request| {
            self.check(request).inspect(|identity| {
                request.identify(name(identity));
            })
        };
        Guard { check: Arc::new(check), description }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::schemes::{api_key, basic, bearer};
    use crate::auth::secret::is_same;
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
        let optional = guard.logged_as(|name| name).with_detail("no").and_then(Ok).optional();
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

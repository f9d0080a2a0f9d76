//! What a guard is, and how guards combine.
//!
//! A guard is a function. It gets `&Request`, and returns an identity (its `Ok`)
//! or a [`Refusal`] (its `Err`). The route table asks the guard before it calls
//! the handler, and the identity becomes the handler's second argument. So a
//! handler that wants a user does not compile on a route without a guard.
//!
//! `schemes.rs` makes guards for Bearer, Basic and API keys, and `conditions.rs` adds
//! scopes and other conditions. The methods here make new guards out of old ones: a new
//! guard asks the old one, and then changes the result.

use std::fmt;
use std::sync::Arc;

use crate::auth::challenge::{Challenge, Reason, Refusal};
use crate::auth::description::{Description, Scheme};
use crate::http::request::Request;

/// A function that decides whether a request may reach its handler, and finds the user
/// that the handler gets.
///
/// Every `Fn(&Request) -> Result<T, Refusal>` is a guard, and
/// [`Route::guarded`](crate::Route::guarded) takes such a closure as well.
/// A clone is cheap, so one guard can protect many routes.
///
/// ```
/// use guardhouse::{Challenge, Guard, Refusal, Request};
///
/// let local = Guard::new(|request: &Request| match request.peer() {
///     Some(peer) if peer.ip().is_loopback() => Ok(()),
///     _ => Err(Refusal::missing(Challenge::new("Loopback", "this machine"))),
/// });
/// # let request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// # assert!(local.check(&request).is_err());
/// ```
///
/// A guard gets `&Request`, and reading the body needs `&mut Request`. So a guard
/// that reads the body does not compile:
///
/// ```compile_fail,E0596
/// use guardhouse::{Challenge, Guard, Refusal, Request};
///
/// let by_body = Guard::new(|request: &Request| match request.body() {
///     Ok(b"open sesame") => Ok(()),
///     _ => Err(Refusal::missing(Challenge::new("Bearer", "cave"))),
/// });
/// ```
///
/// Credentials belong in a header: there a guard can check them before the server
/// reads any of the body.
pub struct Guard<T> {
    check: Arc<Check<T>>,
    pub(super) description: Description,
}

type Check<T> = dyn Fn(&Request) -> Result<T, Refusal> + Send + Sync;

impl<T> Guard<T> {
    /// Makes a guard from a closure.
    #[must_use]
    pub fn new(check: impl Fn(&Request) -> Result<T, Refusal> + Send + Sync + 'static) -> Guard<T> {
        Guard { check: Arc::new(check), description: Description::default() }
    }

    /// Adds an auth scheme to the guard's description.
    pub(super) fn with_scheme(mut self, scheme: Scheme) -> Guard<T> {
        self.description.schemes.push(scheme);
        self
    }

    /// The challenge of a 403. RFC 6750 defines one for Bearer, so that is used if the
    /// guard has the scheme.
    pub(super) fn challenge(&self) -> Challenge {
        let schemes = &self.description.schemes;
        let bearer = schemes.iter().find(|scheme| matches!(scheme, Scheme::Bearer(..)));
        let scheme = bearer.or(schemes.first());
        scheme.map_or_else(
            || Challenge::new("Bearer", "guardhouse"),
            |scheme| scheme.challenge().clone(),
        )
    }

    /// Asks the guard about a request.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] if the guard does not let the request through.
    pub fn check(&self, request: &Request) -> Result<T, Refusal> {
        (self.check)(request)
    }

    /// What the guard says about itself in the route table.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Gives the guard a name for the route table, for guards without an auth
    /// scheme.
    #[must_use]
    pub fn with_name(mut self, name: &'static str) -> Guard<T> {
        self.description.name = Some(name);
        self
    }

    /// Names the path from which clients get this guard's Bearer tokens: they
    /// POST a name and a password to that path of the same table (RFC 6749 §4.3).
    /// The route table and the OpenAPI document show the path, and the page at
    /// `/docs` logs in there. It does not change which requests pass.
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
    /// The path does not begin with `/`.
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

/// How guards combine.
impl<T: 'static> Guard<T> {
    /// Lets requests without credentials through, with `None` as their identity.
    ///
    /// Wrong credentials are still refused: a client that tries to sign in and
    /// fails must not look like one that does not try.
    ///
    /// FastAPI: `OAuth2PasswordBearer(auto_error=False)`.
    #[must_use]
    pub fn optional(mut self) -> Guard<Option<T>> {
        self.description.optional = true;
        self.map_result(|_, result| match result {
            Err(refusal) if refusal.reason() == Reason::Missing => Ok(None),
            result => result.map(Some),
        })
    }

    /// Lets a request through if this guard or the other one does.
    ///
    /// A refusal has the challenges of both guards. Its status and its `detail`
    /// come from the guard for which the client sent credentials. If both guards got
    /// credentials, they come from the guard that knows its credentials, such as one that
    /// alone would answer 403 or 404.
    ///
    /// The description and the route table list the scopes and conditions of both guards,
    /// and do not say which guard has which. In the OpenAPI document, each scheme has the
    /// scopes of both guards.
    ///
    /// [`optional`](Guard::optional) comes last: `one.or(other).optional()`. In
    /// `one.optional().or(other)` the first guard lets a request through if it has no
    /// credentials for that guard, so the other guard is not asked about such a request.
    ///
    /// FastAPI: two dependencies with `auto_error=False`, and code that combines
    /// them.
    ///
    /// ```
    /// use guardhouse::{Guard, guard};
    ///
    /// let either: Guard<String> = guard::bearer("guardhouse", |token| Some(token.to_owned()))
    ///     .or(guard::basic("guardhouse", |user_id, _| Some(user_id.to_owned())));
    /// assert_eq!(either.description().to_string(), "Bearer or Basic");
    /// ```
    #[must_use]
    pub fn or(mut self, other: Guard<T>) -> Guard<T> {
        self.description.schemes.extend_from_slice(&other.description.schemes);
        self.description.scopes.extend_from_slice(&other.description.scopes);
        self.description.conditions.extend_from_slice(&other.description.conditions);
        self.description.optional |= other.description.optional;
        self.map_result(move |request, result| {
            result.or_else(|first| other.check(request).map_err(|second| first.or(second)))
        })
    }

    /// A guard that depends on this one: `next` gets this guard's identity, and
    /// returns another identity or refuses the request.
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
        self.map_result(move |_, result| result.and_then(&next))
    }

    /// Replaces the `detail` of the answer to wrong credentials. The answer to a
    /// request without credentials still says "Not authenticated".
    ///
    /// FastAPI: `raise HTTPException(401, detail="Invalid token")`.
    #[must_use]
    pub fn with_detail(self, detail: &'static str) -> Guard<T> {
        self.map_result(move |_, result| {
            result.map_err(|refusal| match refusal.reason() {
                Reason::Invalid => refusal.with_detail(detail),
                _ => refusal,
            })
        })
    }

    /// Gives the access log a name for each request that passes.
    #[must_use]
    pub fn logged_as(self, name: impl Fn(&T) -> &str + Send + Sync + 'static) -> Guard<T> {
        self.map_result(move |request, result| {
            result.inspect(|identity| request.log_as(name(identity)))
        })
    }

    /// A guard that asks this one, and returns what `map` makes of the result.
    pub(super) fn map_result<U>(
        self,
        map: impl Fn(&Request, Result<T, Refusal>) -> Result<U, Refusal> + Send + Sync + 'static,
    ) -> Guard<U> {
        let Guard { check, description } = self;
        Guard {
            check: Arc::new(move |request: &Request| map(request, check(request))),
            description,
        }
    }
}

/// A clone shares the function and everything that it holds.
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
pub(super) mod tests {
    use super::*;
    use crate::auth::schemes::{basic, bearer};
    use crate::auth::secret::is_same;
    use crate::auth::user::User;
    use crate::http::response::Response;

    /// Asks a guard about a request with these header lines, each with its CRLF:
    /// the identity, or the status, the challenges and the body.
    #[track_caller]
    pub(in crate::auth) fn ask<T>(guard: &Guard<T>, headers: &str) -> Result<T, String> {
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
    fn an_optional_guard_passes_requests_without_credentials_and_refuses_wrong_ones() {
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
        let refused = |detail| Err(format!(r#"401 {bearer} + {basic} {{"detail":"{detail}"}}"#));
        assert_eq!(ask(&guard, ""), refused("Not authenticated"));
        assert_eq!(ask(&guard, WRONG_PASSWORD), refused("Invalid authentication credentials"));
        let wrong_token = ask(&guard, WRONG_TOKEN).unwrap_err();
        assert!(
            wrong_token.contains("invalid_token")
                && wrong_token.ends_with(&format!(
                    r#" + {basic} {{"detail":"Invalid authentication credentials"}}"#
                )),
            "{wrong_token}"
        );
        assert!(ask(&guard, &TOKEN.repeat(2)).is_err_and(|refusal| refusal.starts_with("400")));
    }

    #[test]
    fn a_guard_can_depend_on_another_guard() {
        let refuse = |_| Err::<(), _>(Refusal::insufficient(Challenge::new("Bearer", "r")));
        let guard = by_token().and_then(refuse);
        assert!(ask(&guard, TOKEN).is_err_and(|refusal| refusal.starts_with("403")));
        assert!(ask(&guard, "").is_err_and(|refusal| refusal.starts_with("401")));
        assert_eq!(ask(&by_token().and_then(|name| Ok(name.len())), TOKEN), Ok(3));
    }

    #[test]
    fn a_user_without_the_scope_gets_403_and_the_scopes_name() {
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
    fn a_missing_scope_gets_bearers_challenge_or_the_first_or_a_default() {
        let bob = || User::new("Bob", []);
        let by_token = bearer("token", move |_| Some(bob()));
        let by_password = basic("password", move |_, _| Some(bob()));
        let missing = r#"error="insufficient_scope", scope="a""#;
        for (guard, challenge) in [
            (by_password.clone().or(by_token), r#"Bearer realm="token""#),
            (by_password, r#"Basic realm="password", charset="UTF-8""#),
            (Guard::new(move |_: &Request| Ok(bob())), r#"Bearer realm="guardhouse""#),
        ] {
            let refusal = ask(&guard.scope("a"), PASSWORD).unwrap_err();
            assert!(refusal.starts_with(&format!("403 {challenge}, {missing} ")), "{refusal}");
        }
    }

    #[test]
    fn the_path_for_tokens_is_described_and_changes_no_decision() {
        let guard = by_token().tokens_from("/token");
        for headers in ["", TOKEN, WRONG_TOKEN, PASSWORD] {
            assert_eq!(ask(&guard, headers), ask(&by_token(), headers), "{headers:?}");
        }
        let described = |guard: Guard<&str>| guard.description().to_string();
        assert_eq!(described(guard.clone().or(by_password())), "Bearer from /token or Basic");
        let both = by_password().or(by_token()).tokens_from("/t");
        assert_eq!(described(both), "Basic or Bearer from /t");
        assert_eq!(described(by_password().tokens_from("/token")), "Basic");
        let optional = guard.logged_as(|name| name).with_detail("no").and_then(Ok).optional();
        assert_eq!(optional.description().to_string(), "Bearer from /token, optional");
    }

    #[test]
    #[should_panic(expected = "no request has the path \"token\"")]
    fn a_path_for_tokens_must_begin_with_a_slash() {
        let _ = by_token().tokens_from("token");
    }

    #[test]
    fn a_detail_replaces_the_one_for_wrong_credentials_only() {
        let guard = by_token().with_detail("Invalid token");
        assert!(ask(&guard, "").is_err_and(|refusal| refusal.contains("Not authenticated")));
        assert!(ask(&guard, WRONG_TOKEN).is_err_and(|refusal| refusal.contains("Invalid token")));
        let guard = by_password().with_detail("Invalid password");
        let unreadable = ask(&guard, "Authorization: Basic !\r\n");
        assert!(unreadable.is_err_and(|refusal| refusal.contains("Not authenticated")));
    }
}

//! `POST /token`: a client sends a name and a password, and gets a token. This is
//! the password grant of OAuth 2.0 (RFC 6749 §4.3), as FastAPI's
//! `OAuth2PasswordRequestForm` reads it.
//!
//! A [`Login`] has two uses. [`Login::answer`] is the handler that issues tokens;
//! [`Login::by_token`] is the lookup for the Bearer guard that accepts them.
//! `hash_limit.rs` keeps clients that guess passwords from using the whole
//! machine, and `issuer.rs` makes the tokens.
//!
//! An answer never shows whether a name exists: an unknown name and a wrong
//! password get the same answer, after the same work.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::auth::accounts::Account;
use crate::auth::user::Scoped;
use crate::auth::user::User;
use crate::http::date::Clock;
use crate::http::form;
use crate::http::json;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::login::grant_error::GrantError;
use crate::login::hash_limit::HashLimit;
use crate::login::issuer::{Issued, Issuer};
use crate::login::keys::TokenKeys;
use crate::login::limits::LoginLimits;
use crate::login::tokens::Tokens;

/// The target of the log line for a wrong name or password.
const TARGET: &str = "guardhouse::login";

/// Issues tokens for names and passwords, and finds the users of those tokens.
/// A clone shares the tokens. They are in memory, or signed ([`Login::signed`]).
///
/// ```
/// use guardhouse::Method::{GET, POST};
/// use guardhouse::{Account, Login, LoginLimits, Password, Request, Response, Route, Routes, User, guard};
///
/// let ann = Account::new(User::new("ann", ["read"]), Password::hash("correct-horse")?);
/// let login = Login::new(LoginLimits::default(), move |name| match name {
///     "ann" => ann.clone(),
///     _ => Account::nobody(),
/// });
///
/// let tokens = login.clone();
/// let signed_in = guard::bearer("guardhouse", move |token| tokens.by_token(token));
/// let routes = Routes::new([
///     Route::open(POST, "/token", move |request: &mut Request| login.answer(request)),
///     Route::guarded(GET, "/me", signed_in, |_: &mut Request, user: User| {
///         Response::text(user.name().to_owned())
///     }),
/// ]);
///
/// let form = "username=ann&password=correct-horse";
/// let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}", form.len());
/// let post = format!("POST /token HTTP/1.0\r\n{headers}\r\n\r\n{form}");
/// let answer = routes.answer(&mut Request::parse(post.as_bytes())?);
/// assert!(answer.body().starts_with(br#"{"access_token":""#));
/// # let body = str::from_utf8(answer.body())?;
/// # let token = body.split('"').nth(3).unwrap();
/// # let head = format!("GET /me HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
/// # assert_eq!(routes.answer(&mut Request::parse(head.as_bytes())?).body(), b"ann");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Login(Arc<Shared>);

/// What all clones of a [`Login`] share.
struct Shared {
    limits: LoginLimits,
    accounts: Box<dyn Fn(&str) -> Account + Send + Sync>,
    hash_limit: HashLimit,
    issuer: Issuer,
}

impl Login {
    /// `accounts` finds an account by its name. For an unknown name it returns
    /// [`Account::nobody`].
    ///
    /// `accounts` is also called for each request that brings a token, with the name of the
    /// account's user. So if users log in with another name, such as an e-mail address,
    /// `accounts` must find the account by both names. The token is valid only while the
    /// account's name, scopes and password stay the same.
    #[must_use]
    pub fn new(
        limits: LoginLimits,
        accounts: impl Fn(&str) -> Account + Send + Sync + 'static,
    ) -> Login {
        let tokens = Tokens::new(limits.token_lifetime, limits.tokens);
        Login::with(Issuer::Memory(Box::new(tokens)), limits, accounts)
    }

    /// The same, with signed tokens (JWT, HS256): every server that has the same keys and the
    /// same accounts accepts them, also after a restart. [`LoginLimits::tokens`] has no effect.
    #[must_use]
    pub fn signed(
        limits: LoginLimits,
        keys: TokenKeys,
        accounts: impl Fn(&str) -> Account + Send + Sync + 'static,
    ) -> Login {
        let lifetime = limits.token_lifetime;
        Login::with(Issuer::Signed { keys, lifetime }, limits, accounts)
    }

    fn with(
        issuer: Issuer,
        limits: LoginLimits,
        accounts: impl Fn(&str) -> Account + Send + Sync + 'static,
    ) -> Login {
        let hash_limit = HashLimit::new(limits.hashes_at_once, limits.waiting);
        Login(Arc::new(Shared { limits, accounts: Box::new(accounts), hash_limit, issuer }))
    }

    /// The keys of [`signed`](Login::signed), to load them again.
    #[must_use]
    pub fn keys(&self) -> Option<&TokenKeys> {
        match &self.0.issuer {
            Issuer::Signed { keys, .. } => Some(keys),
            Issuer::Memory(_) => None,
        }
    }

    /// The handler of `POST /token`: answers with a token or with an error of
    /// RFC 6749 §5.2. For a wrong name or password it logs the address of the
    /// client and the time, with the level info and the target `guardhouse::login`: the access
    /// log has the same status for them as for a malformed form.
    #[must_use]
    pub fn answer(&self, request: &mut Request) -> Response {
        let answer = self.grant(request).unwrap_or_else(|error| {
            if let (GrantError::WrongPassword, Some(peer)) = (&error, request.peer()) {
                // Not the name: people type passwords into the field for the name.
                // With the time, for programs that read logs.
                let (peer, mut clock) = (peer.ip(), Clock::new());
                log::info!(target: TARGET, "failed login from {peer} {}", clock.common_log());
            }
            Response::from(error)
        });
        // "The authorization server MUST include … "Cache-Control" … "no-store"
        // … as well as … "Pragma" … "no-cache"" (RFC 6749 §5.1).
        answer.with_header("Cache-Control", "no-store").with_header("Pragma", "no-cache")
    }

    /// The user that got this token, with the scopes of the token.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<User> {
        self.0.issuer.user_of(token, &self.0.accounts)
    }

    fn grant(&self, request: &mut Request) -> Result<Response, GrantError> {
        // Step 1: read the form.
        let form = TokenRequest::read(request, self.0.limits.parameters)?;
        // Step 2: check name and password. The permit covers the lookup of the
        // name as well, because that may be a query to a database.
        let permit = self.0.hash_limit.acquire().ok_or(GrantError::Busy)?;
        let account = (self.0.accounts)(&form.username);
        let user = account.check(&form.password);
        drop(permit);
        let user = user.map_err(|error| {
            log::error!("a password can't be checked: {error}");
            GrantError::NoMemory
        })?;
        let user = user.ok_or(GrantError::WrongPassword)?;
        request.log_as(user.name());
        // Step 3: check the scopes. This comes after the password, because only
        // the user may learn which scopes they have.
        let user = form.granted_to(user).ok_or(GrantError::Scope)?;
        let scopes = user.scopes().join(" ");
        // Step 4: issue a token.
        let issued = self.0.issuer.issue(Issued { account: account.clone(), user });
        let token = issued.map_err(|error| {
            log::error!("a token can't be issued: {error}");
            GrantError::NoToken
        })?;
        let token = json::string(&token);
        let expires_in = self.0.limits.token_lifetime.as_secs();
        // "OPTIONAL, if identical to the scope requested by the client;
        // otherwise, REQUIRED" (§5.1). An empty list of scopes can't be written.
        let scope = if scopes.is_empty() { None } else { Some(json::string(&scopes)) };
        let scope = scope.map(|scope| format!(r#","scope":{scope}"#)).unwrap_or_default();
        Ok(Response::json(format!(
            r#"{{"access_token":{token},"token_type":"bearer","expires_in":{expires_in}{scope}}}"#
        )))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.0.limits).finish()
    }
}

/// The form of a request for a token (RFC 6749 §4.3.2).
struct TokenRequest {
    username: String,
    password: String,
    scope: Option<String>,
}

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

impl TokenRequest {
    fn read(request: &mut Request, max_parameters: usize) -> Result<TokenRequest, GrantError> {
        let media_type = request.header("Content-Type").and_then(|value| value.split(';').next());
        if !media_type.is_some_and(|sent| sent.trim().eq_ignore_ascii_case(MEDIA_TYPE)) {
            return Err(GrantError::MediaType);
        }
        let body = request.body()?;
        // Checked before parsing: an empty parameter is one byte here, and about
        // fifty bytes of memory after parsing.
        if body.split(|byte| *byte == b'&').count() > max_parameters {
            return Err(GrantError::Form("too many parameters"));
        }
        let body = str::from_utf8(body).ok();
        let form = body.and_then(form::parse).ok_or(GrantError::Form("a malformed form"))?;
        // "Request and response parameters MUST NOT be included more than once"
        // (§3.2). We do not guess which of two values is valid.
        let mut names = HashSet::new();
        if !form.iter().all(|(name, _)| names.insert(name)) {
            return Err(GrantError::Form("a parameter is there twice"));
        }
        // "Parameters sent without a value MUST be treated as if they were
        // omitted", and unknown parameters are ignored (§3.2).
        let value = |wanted: &str| {
            let pair = form.iter().find(|(name, value)| name == wanted && !value.is_empty());
            pair.map(|(_, value)| value.clone())
        };
        // FastAPI accepts a form without grant_type, and its clients send none.
        // This server has only one grant, so the meaning is clear.
        if value("grant_type").is_some_and(|grant| grant != "password") {
            return Err(GrantError::GrantType);
        }
        Ok(TokenRequest {
            username: value("username").ok_or(GrantError::Form("username is missing"))?,
            password: value("password").ok_or(GrantError::Form("password is missing"))?,
            scope: value("scope"),
        })
    }

    /// The user with the scopes that the form asks for; `None` if the user does
    /// not have one of them. A form that asks for no scopes gets all of the
    /// user's (RFC 6749 §3.3).
    fn granted_to(&self, user: &User) -> Option<User> {
        let Some(scope) = &self.scope else {
            return Some(user.clone());
        };
        let asked: Vec<&str> = scope.split(' ').filter(|scope| !scope.is_empty()).collect();
        if !asked.iter().all(|scope| user.has_scope(scope)) {
            return None;
        }
        let own = user.scopes().iter().map(String::as_str);
        Some(User::new(user.name(), own.filter(|scope| asked.contains(scope))))
    }
}

//! POST /token: a name and a password in, a token out. The password grant of
//! OAuth 2.0 (RFC 6749 §4.3), as FastAPI's `OAuth2PasswordRequestForm` reads it.
//!
//! [`Login`] is both ends of it: [`Login::answer`] is the handler that hands
//! tokens out, [`Login::by_token`] is the lookup of a Bearer guard that takes
//! them. `password.rs` knows a password again, `turns.rs` keeps guessers from
//! taking the whole machine, `tokens.rs` remembers what was handed out.
//!
//! The answer tells nobody who exists: an unknown name and a wrong password
//! get the same one, after the same work.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::auth::accounts::Account;
use crate::auth::user::Scoped;
use crate::auth::user::User;
use crate::error::Error;
use crate::http::form;
use crate::http::json;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::limits::LoginLimits;
use crate::login::tokens::Tokens;
use crate::login::turns::Turns;

/// Logins with name and password, for tokens that expire. Clones share them.
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
/// let fields = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}", form.len());
/// let post = format!("POST /token HTTP/1.0\r\n{fields}\r\n\r\n{form}");
/// let answer = routes.answer(&mut Request::parse(post.as_bytes())?);
/// assert!(answer.body().starts_with(br#"{"access_token":""#));
/// # let content = str::from_utf8(answer.body())?;
/// # let token = content.split('"').nth(3).unwrap();
/// # let head = format!("GET /me HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
/// # assert_eq!(routes.answer(&mut Request::parse(head.as_bytes())?).body(), b"ann");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Login(Arc<Desk>);

struct Desk {
    limits: LoginLimits,
    accounts: Box<dyn Fn(&str) -> Account + Send + Sync>,
    turns: Turns,
    tokens: Tokens<Arc<Issued>>,
}

/// Whom a token was issued to, and with which scopes.
struct Issued {
    account: Account,
    granted: User,
}

impl Login {
    /// Logins to the accounts that `accounts` finds by their names: it answers
    /// each name with an account, one that it does not know with
    /// [`Account::nobody`].
    ///
    /// It is also asked whenever a token is shown. The token counts only while
    /// its account is still the same, in name, scopes and password.
    #[must_use]
    pub fn new(
        limits: LoginLimits,
        accounts: impl Fn(&str) -> Account + Send + Sync + 'static,
    ) -> Login {
        let turns = Turns::new(limits.hashes_at_once, limits.waiting);
        let tokens = Tokens::new(limits.token_lifetime, limits.tokens);
        Login(Arc::new(Desk { limits, accounts: Box::new(accounts), turns, tokens }))
    }

    /// Answers a request for a token.
    #[must_use]
    pub fn answer(&self, request: &mut Request) -> Response {
        let answer = self.grant(request).unwrap_or_else(Response::from);
        // "The authorization server MUST include … "Cache-Control" … "no-store"
        // … as well as … "Pragma" … "no-cache"" (RFC 6749 §5.1).
        answer.with_header("Cache-Control", "no-store").with_header("Pragma", "no-cache")
    }

    /// The user who was issued this token, with the scopes that it was issued
    /// for.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<User> {
        let issued = self.0.tokens.find(token, Instant::now())?;
        let account = (self.0.accounts)(issued.granted.name());
        (account == issued.account).then(|| issued.granted.clone())
    }

    fn grant(&self, request: &mut Request) -> Result<Response, Fault> {
        // Step 1: what is asked for.
        let asked = Asked::of(request, self.0.limits.parameters)?;
        // Step 2: whether name and password are right. The name is looked up
        // within the turn too: that may be a query to a database.
        let turn = self.0.turns.take().ok_or(Fault::Busy)?;
        let account = (self.0.accounts)(&asked.username);
        let user = account.check(&asked.password);
        drop(turn);
        let user = user.ok_or(Fault::Grant)?;
        request.identify(user.name());
        // Step 3: which scopes. Only now: others are not to learn who has which.
        let granted = asked.scope.grant(user).ok_or(Fault::Scope)?;
        let scopes = granted.scopes().join(" ");
        // Step 4: a token.
        let issued = Arc::new(Issued { account: account.clone(), granted });
        let token = self.0.tokens.issue(issued, Instant::now()).map_err(|error| {
            log::error!("no token can be issued, there is no random source: {error}");
            Fault::Random
        })?;
        let token = json::string(&token);
        let expires_in = self.0.limits.token_lifetime.as_secs();
        // "OPTIONAL, if identical to the scope requested by the client;
        // otherwise, REQUIRED" (§5.1). Without a scope there is no way to say so.
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

/// What a request for a token says (RFC 6749 §4.3.2).
struct Asked {
    username: String,
    password: String,
    scope: Scope,
}

impl Asked {
    fn of(request: &mut Request, most: usize) -> Result<Asked, Fault> {
        let media_type = request.header("Content-Type").and_then(|value| value.split(';').next());
        if !media_type.is_some_and(|own| own.trim().eq_ignore_ascii_case(MEDIA_TYPE)) {
            return Err(Fault::Request("the content is not application/x-www-form-urlencoded"));
        }
        let body = request.body()?;
        // Before they are taken apart: an empty one is one byte there, and some
        // fifty in memory.
        if body.split(|byte| *byte == b'&').count() > most {
            return Err(Fault::Request("too many parameters"));
        }
        let body = str::from_utf8(body).ok();
        let form = body.and_then(form::parse).ok_or(Fault::Request("a malformed form"))?;
        // "Request and response parameters MUST NOT be included more than once"
        // (§3.2). Which one counts is not ours to guess.
        let mut names = HashSet::new();
        if !form.iter().all(|(name, _)| names.insert(name)) {
            return Err(Fault::Request("a parameter is there twice"));
        }
        // "Parameters sent without a value MUST be treated as if they were
        // omitted"; those that we do not know are ignored (§3.2).
        let value = |wanted: &str| {
            let pair = form.iter().find(|(name, value)| name == wanted && !value.is_empty());
            pair.map(|(_, value)| value.as_str())
        };
        // FastAPI takes a form without grant_type, and so do its clients: there
        // is no other grant here that it could mean.
        if value("grant_type").is_some_and(|grant| grant != "password") {
            return Err(Fault::GrantType);
        }
        let username = value("username").ok_or(Fault::Request("username is missing"))?;
        let password = value("password").ok_or(Fault::Request("password is missing"))?;
        Ok(Asked {
            username: username.to_owned(),
            password: password.to_owned(),
            scope: Scope(value("scope").map(str::to_owned)),
        })
    }
}

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The scope that is asked for, if any is.
struct Scope(Option<String>);

impl Scope {
    /// The user with the scopes asked for, or, if none is, with all that they
    /// have (RFC 6749 §3.3); `None` if one is not theirs.
    fn grant(&self, user: &User) -> Option<User> {
        let Some(asked) = &self.0 else {
            return Some(user.clone());
        };
        let asked = || asked.split(' ').filter(|scope| !scope.is_empty());
        let own = user.scopes().iter().map(String::as_str);
        let granted = User::new(user.name(), own.filter(|own| asked().any(|asked| asked == *own)));
        asked().all(|asked| user.has_scope(asked)).then_some(granted)
    }
}

/// Why there is no token.
enum Fault {
    /// The content can't be read at all.
    Content(Error),
    /// A parameter is missing, or there twice; or there is no form.
    Request(&'static str),
    GrantType,
    /// The name or the password is wrong, and nobody is told which.
    Grant,
    Scope,
    /// Too many try to log in.
    Busy,
    /// The system has no random source.
    Random,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Content(error)
    }
}

/// "The authorization server responds with an HTTP 400 (Bad Request) status
/// code (unless specified otherwise)" (RFC 6749 §5.2).
impl From<Fault> for Response {
    fn from(fault: Fault) -> Response {
        let (code, description) = match fault {
            Fault::Content(error) => return error.into(),
            // A code of OAuth's says that another try is no use.
            Fault::Busy => {
                return Response::detail(Status::TOO_MANY_REQUESTS, "Too many logins at once")
                    .with_header("Retry-After", "1");
            }
            Fault::Random => return Response::internal_error(),
            Fault::Request(what) => ("invalid_request", what),
            Fault::GrantType => ("unsupported_grant_type", "the only grant here is password"),
            Fault::Grant => ("invalid_grant", "Incorrect username or password"),
            Fault::Scope => ("invalid_scope", "a scope that the user does not have"),
        };
        // An OAuth client reads the first two, one of FastAPI's the third.
        Response::json(json::object([
            ("error", code),
            ("error_description", description),
            ("detail", description),
        ]))
        .with_status(Status::BAD_REQUEST)
    }
}

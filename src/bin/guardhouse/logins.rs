//! Logins, where they are built in: POST /token for the users of the file, and
//! who brings a token from there.

use std::sync::Arc;

#[cfg(feature = "login")]
use guardhouse::{Account, Login, Method::POST, Request};
use guardhouse::{Guard, Route, User, UsersFile};

use crate::cli::Options;

#[cfg(feature = "login")]
const TOKEN: &str = "/token";

/// The logins of this build; without the feature `login`, none.
#[derive(Clone)]
pub struct Logins {
    #[cfg(feature = "login")]
    login: Login,
}

#[cfg(feature = "login")]
impl Logins {
    /// Logins of a file's users. The lesson's own have no passwords.
    pub fn new(options: &Options, users: Option<Arc<UsersFile>>) -> Logins {
        let account = move |name: &str| match &users {
            Some(users) => users.account(name),
            None => Account::nobody(),
        };
        Logins { login: Login::new(options.login_limits.clone(), account) }
    }

    /// Whose token it is, if it was issued here.
    pub fn by_token(&self, token: &str) -> Option<User> {
        self.login.by_token(token)
    }

    /// The guard, saying that tokens are had here.
    pub fn announced(guard: Guard<User>) -> Guard<User> {
        guard.tokens_from(TOKEN)
    }

    /// The rows that issue them.
    pub fn routes(self) -> impl Iterator<Item = Route> {
        let answer = move |request: &mut Request| self.login.answer(request);
        let token = Route::open(POST, TOKEN, answer)
            .with_summary("Gives a token for a name and a password.");
        [token].into_iter()
    }
}

#[cfg(not(feature = "login"))]
#[allow(clippy::unused_self)] // To be used as the other is.
impl Logins {
    pub fn new(_: &Options, _: Option<Arc<UsersFile>>) -> Logins {
        Logins {}
    }

    pub fn by_token(&self, _: &str) -> Option<User> {
        None
    }

    pub fn announced(guard: Guard<User>) -> Guard<User> {
        guard
    }

    pub fn routes(self) -> impl Iterator<Item = Route> {
        [].into_iter()
    }
}

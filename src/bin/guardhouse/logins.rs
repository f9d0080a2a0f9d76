//! Logins, in builds with the feature `login`: the users of the users file get
//! tokens from `POST /token`, and the guards accept these tokens.
//!
//! `no_logins.rs` has the same functions for builds without the feature.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guardhouse::Method::POST;
use guardhouse::{
    Account, Guard, Login, LoginLimits, Password, Request, Route, TokenKeys, User, UsersFile, users,
};

use crate::prompt;

const TOKEN_PATH: &str = "/token";

/// Issues tokens, and finds the user that got a token. Clones share
/// the issued tokens.
#[derive(Clone)]
pub struct Logins(Login);

impl Logins {
    /// Logins for the users of a file. Without a file, nobody can log in: the
    /// lesson's own users have no passwords. With a file of keys, tokens are signed.
    ///
    /// # Errors
    ///
    /// The file of keys can't be loaded; the text says why.
    pub fn new(
        users: Option<Arc<UsersFile>>,
        token_lifetime: Option<Duration>,
        keys: Option<PathBuf>,
    ) -> Result<Logins, String> {
        let mut limits = LoginLimits::default();
        if let Some(token_lifetime) = token_lifetime {
            limits.token_lifetime = token_lifetime;
        }
        let account = move |name: &str| match &users {
            Some(users) => users.account(name),
            None => Account::nobody(),
        };
        Ok(Logins(match keys {
            None => Login::new(limits, account),
            Some(keys) => {
                let keys = TokenKeys::load(keys).map_err(|error| error.to_string())?;
                Login::signed(limits, keys, account)
            }
        }))
    }

    /// Loads the file of keys again, if there is one, and logs that. The error says why that
    /// is not possible.
    pub fn reload_keys(&self) -> Result<(), String> {
        let Some(keys) = self.0.keys() else { return Ok(()) };
        let count =
            keys.reload().map_err(|error| format!("the server keeps the old keys: {error}"))?;
        log::info!("keys that sign tokens are loaded again: {count}");
        Ok(())
    }

    /// The user that got this token.
    pub fn by_token(&self, token: &str) -> Option<User> {
        self.0.by_token(token)
    }

    /// The row of the table that issues tokens.
    pub fn route(self) -> Option<Route> {
        let answer = move |request: &mut Request| self.0.answer(request);
        let route = Route::open(POST, TOKEN_PATH, answer);
        Some(route.with_summary("Gives a token for a name and a password."))
    }
}

/// This guard; the route table now says that clients get tokens from `/token`.
pub fn announce(guard: Guard<User>) -> Guard<User> {
    guard.tokens_from(TOKEN_PATH)
}

/// A line for the file of keys, with a new key.
///
/// # Errors
///
/// The system has no random source.
pub fn new_key() -> io::Result<String> {
    TokenKeys::new_line()
}

/// What stands for a new token in the users file: its hash.
pub fn secret_for(token: &str) -> String {
    users::hashed(token)
}

/// Reads a password from the terminal or from stdin. Returns its hash, as a users
/// file holds it.
///
/// # Errors
///
/// No password was given, or the system has no random source.
pub fn hash_password() -> io::Result<String> {
    let password = prompt::password()?;
    Ok(Password::hash(&password)?.to_string())
}

//! The twin of `logins.rs` for builds without the feature `login`: the same
//! functions, which do nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guardhouse::{Guard, Route, User, UsersFile};

#[derive(Clone)]
pub struct Logins;

#[allow(clippy::unused_self)] // The twin needs `self`.
impl Logins {
    /// The file of keys is always `None`: the command line parser refuses it in this build.
    pub fn new(
        _: Option<Arc<UsersFile>>,
        _: Option<Duration>,
        _: Option<PathBuf>,
    ) -> Result<Logins, String> {
        Ok(Logins)
    }

    pub fn reload_keys(&self) -> Result<(), String> {
        Ok(())
    }

    pub fn by_token(&self, _: &str) -> Option<User> {
        None
    }

    pub fn route(self) -> Option<Route> {
        None
    }
}

pub fn announce(guard: Guard<User>) -> Guard<User> {
    guard
}

/// What stands for a new token in the users file: the token itself.
pub fn secret_for(token: &str) -> String {
    token.to_owned()
}

/// Always an error, as [`hash_password`].
pub fn new_key() -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Always an error. It is never called: the command line parser says first that
/// this build has no logins.
pub fn hash_password() -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

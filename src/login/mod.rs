//! Logins: clients get a token for a name and a password (feature `login`).

pub(crate) mod hash_limit;
// The folder's main file has the folder's name.
#[allow(clippy::module_inception)]
pub(crate) mod login;
pub(crate) mod tokens;

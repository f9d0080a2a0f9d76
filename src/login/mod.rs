//! Tokens for a name and a password.

pub(crate) mod login;
pub(crate) mod tokens;
pub(crate) mod turns;

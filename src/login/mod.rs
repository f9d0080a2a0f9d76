//! Feature `login`: tokens for a name and a password.

pub(crate) mod grant;
pub(crate) mod grant_error;
pub(crate) mod hash_limit;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod signed;
pub(crate) mod tokens;

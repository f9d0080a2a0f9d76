//! Feature `login`: tokens for a name and a password.

pub(crate) mod grant;
pub(crate) mod hash_limit;
pub(crate) mod limits;
pub(crate) mod tokens;

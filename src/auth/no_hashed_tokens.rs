//! Stands in for `hashed_tokens.rs` in builds without the feature `login`: a users file
//! with a hashed token is refused.

// The methods have the shape of those in `hashed_tokens.rs`, and need no `self` here.
#![allow(clippy::unused_self)]

use crate::auth::user::User;

/// No tokens.
#[derive(Default)]
pub(super) struct HashedTokens {}

impl HashedTokens {
    /// Always fails, and says which builds read hashed tokens.
    pub(super) fn add(&mut self, _: User, _hex: &str) -> Result<(), &'static str> {
        Err("a hashed token needs a build with the feature login: \
             cargo build --release --features login")
    }

    /// Always `None`.
    pub(super) fn by_token(&self, _: &str) -> Option<&User> {
        None
    }

    /// Always empty.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&User, String)> {
        std::iter::empty()
    }

    /// Always zero.
    pub(super) fn len(&self) -> usize {
        0
    }
}

/// A text that is the same for a token in two lines.
pub(super) fn key(token: &str) -> String {
    token.to_owned()
}

//! Tokens of which a users file holds only a hash (feature `login`;
//! `no_hashed_tokens.rs` stands in for this file without it). A thief of the file can't
//! use them.
//!
//! The hash is SHA-256, which is fast. That is right for tokens: an attacker can't try all
//! random tokens of 256 bits. Passwords need a slow hash.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::auth::user::User;
use crate::auth::users_line::SHA256;

/// Users by the hash of their token, in hexadecimal. A lookup may compare hashes with `==`:
/// to learn a hash from the time that this takes, a client would have to choose the hash of
/// what it sends.
#[derive(Default)]
pub(super) struct HashedTokens(HashMap<String, User>);

impl HashedTokens {
    /// Adds a user. The error says what is wrong with `hash`. No other line has the same hash:
    /// `users_text.rs` has checked that.
    pub(super) fn add(&mut self, user: User, hash: &str) -> Result<(), &'static str> {
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a sha256 hash has 64 hexadecimal digits");
        }
        if NOTHING.iter().any(|nothing| hash.eq_ignore_ascii_case(nothing)) {
            return Err("this is the hash of nothing, and not of a token");
        }
        self.0.insert(hash.to_ascii_lowercase(), user);
        Ok(())
    }

    /// The user with this token.
    pub(super) fn by_token(&self, token: &str) -> Option<&User> {
        if self.0.is_empty() { None } else { self.0.get(&key(token)) }
    }

    /// Each user, and the hash of the token.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&User, String)> {
        self.0.iter().map(|(hash, user)| (user, hash.clone()))
    }

    /// The number of users.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The hashes of no bytes, and of a line end. `sha256sum` prints them when the variable with
/// the token is empty.
const NOTHING: [&str; 2] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];

/// What stands for a token in a users file that holds only its hash: `sha256:` and 64
/// hexadecimal digits (feature `login`).
///
/// ```
/// use guardhouse::{Users, users};
///
/// let token = users::new_token()?;
/// let line = users::line("ann", &users::hashed(&token), &[], None)?;
/// assert_eq!(Users::parse(&line)?.by_token(&token).unwrap().name(), "ann");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn hashed(token: &str) -> String {
    format!("{SHA256}{}", key(token))
}

/// The hash of a token, in hexadecimal. `users_text.rs` compares it to find two lines with the
/// same token, also if one line has the token and the other its hash.
pub(super) fn key(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        assert_eq!(key("secret"), hash);
        let mut tokens = HashedTokens::default();
        assert_eq!(tokens.add(User::new("ann", []), hash), Ok(()));
        assert_eq!(tokens.by_token("secret").map(User::name), Some("ann"));
        assert_eq!(tokens.by_token(hash), None, "the hash is not a token");
        assert_eq!(tokens.by_token("secret\n"), None);
    }

    #[test]
    fn the_hash_of_nothing_is_refused() {
        for nothing in ["", "\n"] {
            let mut tokens = HashedTokens::default();
            assert!(tokens.add(User::new("ann", []), &key(nothing)).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn a_hash_has_64_digits() {
        let digits = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        for wrong in ["", "2b", &digits[1..], &format!("{digits}0"), &digits.replace('2', "g")] {
            assert!(HashedTokens::default().add(User::new("ann", []), wrong).is_err(), "{wrong}");
        }
    }
}

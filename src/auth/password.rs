//! A hashed password, as a users file holds it. A reader of the file can't
//! log in with the hash.
//!
//! The hash is Argon2id (RFC 9106), written as a PHC string: algorithm, cost,
//! salt and hash, separated by `$`. The crate `argon2` computes it; this file
//! decides which strings are valid. A hash is slow on purpose: one guess takes
//! about 10 ms and 19 MiB. `login/hash_limit.rs` limits how many are computed at
//! once.

use std::fmt;
use std::hint::black_box;
use std::io;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{ARGON2ID_IDENT, Argon2, Params, PasswordHasher, PasswordVerifier};

use crate::auth::secret::random_bytes;

/// A hashed password. A clone shares the hash.
///
/// ```
/// use guardhouse::Password;
///
/// let password = Password::hash("correct-horse")?;
/// assert!(password.matches("correct-horse") && !password.matches("wrong-horse"));
///
/// // The text for a users file.
/// let phc = password.to_string();
/// assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// assert_eq!(Password::parse(&phc), Some(password));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Arc<PasswordHash>);

impl Password {
    /// Hashes a password with a new salt. The cost is the one that OWASP
    /// recommends: 19 MiB and two passes.
    ///
    /// # Errors
    ///
    /// The system has no random source, or the password is longer than 4 GiB.
    pub fn hash(password: &str) -> io::Result<Password> {
        // 16 bytes: "sufficient for all applications" (RFC 9106 §3.1).
        let salt: [u8; 16] = random_bytes()?;
        Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map(|hash| Password(Arc::new(hash)))
            .map_err(io::Error::other)
    }

    /// Reads a PHC string; `None` if it is not a whole Argon2id hash of version
    /// 19. The cost may be any, so hashes made by other programs are valid too.
    #[must_use]
    pub fn parse(phc: &str) -> Option<Password> {
        let hash = PasswordHash::new(phc).ok()?;
        let is_whole = hash.salt.is_some() && hash.hash.is_some();
        let is_argon2id = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(19);
        let has_cost = Params::try_from(&hash).is_ok();
        (is_whole && is_argon2id && has_cost).then(|| Password(Arc::new(hash)))
    }

    /// Whether this is the password. The time does not depend on how close a
    /// wrong password is.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        // Algorithm and cost come from the PHC string. The crate compares the
        // hashes in constant time.
        Argon2::default().verify_password(password.as_bytes(), &*self.0).is_ok()
    }

    /// Does the work of [`matches`](Password::matches), and returns false. For
    /// unknown names: their answer must take as long as that for known ones.
    pub(super) fn matches_nothing(password: &str) -> bool {
        let mut hash = [0; 32];
        let _ = Argon2::default().hash_password_into(password.as_bytes(), &[0; 16], &mut hash);
        // `black_box` keeps the compiler from leaving out a result that is not used.
        black_box(hash);
        false
    }
}

/// The PHC string.
impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Shows nothing: everyone who sees a hash can try passwords on it.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_made_by_another_program_is_valid() {
        // `argon2 somesalt -id -t 2 -m 16 -p 1`, of the reference implementation.
        let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                         $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let password = Password::parse(reference).expect("a PHC string");
        assert!(password.matches("password") && !password.matches("passwore"));
        assert_eq!(password.to_string(), reference);
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn anything_but_a_whole_argon2id_hash_is_refused() {
        for no in [
            "",
            "$",
            "$argon2id",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$",
        ] {
            assert_eq!(Password::parse(no), None, "{no:?}");
        }
    }
}

//! A hashed password, as a users file holds it. A reader of the file can't
//! log in with the hash.
//!
//! The hash is Argon2id (RFC 9106). The crate `argon2` computes it, and `phc.rs`
//! reads the text of one. A hash is slow on purpose: one guess takes about 10 ms
//! and 19 MiB. `login/hash_limit.rs` limits how many are computed at once.

use std::fmt;
use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::{self, phc::PasswordHash};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use crate::auth::phc::{self, Cost, PasswordError};
use crate::auth::secret::random_bytes;

/// A hashed password. A clone shares the hash.
///
/// ```
/// use guardhouse::Password;
///
/// let password = Password::hash("correct-horse")?;
/// assert!(password.matches("correct-horse")? && !password.matches("wrong-horse")?);
///
/// // The text for a users file.
/// let phc = password.to_string();
/// assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// assert_eq!(Password::parse(&phc), Ok(password));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    hash: Arc<PasswordHash>,
    cost: Cost,
}

impl Password {
    /// Hashes a password with a new salt. The cost is the one that OWASP
    /// recommends: 19 MiB and two passes.
    ///
    /// # Errors
    ///
    /// The system has no random source or not enough memory, or the password is
    /// longer than 4 GiB.
    pub fn hash(password: &str) -> io::Result<Password> {
        // 16 bytes: "sufficient for all applications" (RFC 9106 §3.1).
        let salt: [u8; 16] = random_bytes()?;
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        Ok(Password { hash: Arc::new(hash.map_err(failed)?), cost: Cost::DEFAULT })
    }

    /// Reads a PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. Other programs
    /// may have made it, at another cost.
    ///
    /// # Errors
    ///
    /// What is wrong with it; see [`PasswordError`].
    pub fn parse(phc: &str) -> Result<Password, PasswordError> {
        let (hash, cost) = phc::parse(phc)?;
        Ok(Password { hash: Arc::new(hash), cost })
    }

    /// Whether this is the password. The time does not depend on how close a
    /// wrong password is.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`: there is no memory for the hash, so nobody knows whether the
    /// password is right.
    pub fn matches(&self, password: &str) -> io::Result<bool> {
        // Algorithm and cost come from the PHC string. The crate compares the
        // hashes in constant time.
        match Argon2::default().verify_password(password.as_bytes(), &*self.hash) {
            Ok(()) => Ok(true),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Does the work of [`matches`](Password::matches), at the cost of
    /// [`hash`](Password::hash), for a name that nobody has: its answer must take
    /// as long as that for a known name.
    pub(super) fn match_nothing(password: &str) -> io::Result<()> {
        let mut hash = [0; 32];
        Argon2::default()
            .hash_password_into(password.as_bytes(), &[0; 16], &mut hash)
            .map_err(|error| failed(error.into()))?;
        // `black_box` keeps the compiler from leaving out a result that is not used.
        black_box(hash);
        Ok(())
    }

    /// How long a check of this password takes on this machine.
    ///
    /// # Errors
    ///
    /// As [`matches`](Password::matches).
    pub(super) fn measure(&self) -> io::Result<Duration> {
        // The fastest of some tries: other programs can only make one slower.
        let (begin, mut fastest) = (Instant::now(), Duration::MAX);
        for _ in 0..5 {
            let try_begin = Instant::now();
            self.matches("the time does not depend on the password")?;
            fastest = fastest.min(try_begin.elapsed());
            if begin.elapsed() > Duration::from_millis(100) {
                break;
            }
        }
        Ok(fastest)
    }

    /// What a check of this password costs.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }
}

/// A hash that could not be computed. `phc.rs` has checked everything else, so the
/// cause is the memory, or a password of more than 4 GiB.
fn failed(error: password_hash::Error) -> io::Error {
    match error {
        password_hash::Error::OutOfMemory => io::ErrorKind::OutOfMemory.into(),
        error => io::Error::other(error),
    }
}

/// The PHC string.
impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.fmt(f)
    }
}

/// Shows nothing: if others see a hash, they can try passwords on it.
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
        assert!(password.matches("password").expect("memory"));
        assert!(!password.matches("passwore").expect("memory"));
        assert_eq!(password.to_string(), reference);
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn a_password_has_the_cost_that_its_text_says() {
        let made = Password::hash("secret").expect("a hash");
        assert_eq!(made.cost().to_string(), "m=19456,t=2,p=1");
        assert_eq!(Password::parse(&made.to_string()), Ok(made));
        let other = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                     QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        assert_eq!(Password::parse(other).expect("a hash").cost().to_string(), "m=8,t=1,p=1");
    }

    #[test]
    fn a_lack_of_memory_is_not_a_wrong_password() {
        let kind = |error| failed(error).kind();
        assert_eq!(kind(argon2::Error::OutOfMemory.into()), io::ErrorKind::OutOfMemory);
        assert_eq!(kind(password_hash::Error::OutOfMemory), io::ErrorKind::OutOfMemory);
        assert_eq!(kind(password_hash::Error::SaltInvalid), io::ErrorKind::Other);
    }
}

//! Compares secrets, makes new ones, and warns when others can read a file that
//! holds them.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;

/// Whether two secrets are the same. The time that this takes depends on their
/// lengths only.
///
/// `==` stops at the first byte that differs. A client that measures the time
/// could then guess a secret byte by byte.
///
/// ```
/// use guardhouse::guard::is_same;
///
/// assert!(is_same(b"s3cret", b"s3cret"));
/// assert!(!is_same(b"s3cret", b"s3creT"));
/// ```
#[must_use]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences =
        left.iter().zip(right).fold(0, |differences, (left, right)| differences | (left ^ right));
    // `black_box` keeps the compiler from adding an early exit to the loop.
    black_box(differences) == 0 && left.len() == right.len()
}

/// A new token: 256 random bits in hexadecimal.
///
/// # Errors
///
/// The system has no random source.
pub(crate) fn new_token() -> io::Result<String> {
    let (first, second) = (random_bytes()?, random_bytes()?);
    let (first, second) = (u128::from_ne_bytes(first), u128::from_ne_bytes(second));
    Ok(format!("{first:032x}{second:032x}"))
}

/// Random bytes from the system.
///
/// # Errors
///
/// The system has no random source.
pub(crate) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Logs a warning if other users of the machine can read the file at `path`.
/// `secret` says what the file holds.
#[cfg(unix)]
pub(crate) fn warn_of_readers(path: &Path, secret: &str) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        log::warn!("{0}: others can read {secret}: chmod 600 {0}", path.display());
    }
}

/// Other systems have no such permissions to look at.
#[cfg(not(unix))]
pub(crate) fn warn_of_readers(_: &Path, _: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_if_every_byte_and_the_length_are() {
        assert!(is_same(b"", b"") && is_same(b"abc", b"abc"));
        for (left, right) in
            [("abc", "abd"), ("xbc", "abc"), ("abc", "ab"), ("ab", "abc"), ("", "a")]
        {
            assert!(!is_same(left.as_bytes(), right.as_bytes()), "{left} {right}");
        }
    }

    #[test]
    fn two_new_tokens_differ_and_have_64_hexadecimal_digits() {
        let (first, second) = (new_token().expect("a token"), new_token().expect("a token"));
        assert_ne!(first, second);
        assert_eq!(first.len(), 64);
        assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

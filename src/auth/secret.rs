//! Secrets: comparing them, making new ones, and warning where a file shows them.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;

/// Whether two secrets are the same, in a time that depends on their lengths
/// alone: `==` ends at the first byte that differs, and tells how many were
/// right.
#[must_use]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences =
        left.iter().zip(right).fold(0, |differences, (left, right)| differences | (left ^ right));
    // Not to be turned back into an early exit by the compiler.
    black_box(differences) == 0 && left.len() == right.len()
}

/// Bytes of which each bit is random.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A new token: 256 random bits, in hexadecimal.
pub(crate) fn token() -> io::Result<String> {
    let (first, second) = (u128::from_ne_bytes(bytes()?), u128::from_ne_bytes(bytes()?));
    Ok(format!("{first:032x}{second:032x}"))
}

/// Warns where others can read a file with something secret in it.
#[cfg(unix)]
pub(crate) fn warn_of_readers(path: &Path, secret: &str) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        log::warn!("{0}: others can read {secret}: chmod 600 {0}", path.display());
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_of_readers(_: &Path, _: &str) {}

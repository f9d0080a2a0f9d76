//! What nobody can guess: bytes from the system's random source. Tokens and
//! salts are made of them.

use std::fs::File;
use std::io::{self, Read};

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

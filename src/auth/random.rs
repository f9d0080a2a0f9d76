//! What nobody can guess: octets from the system's random source. Tokens and
//! salts are made of them.

use std::fs::File;
use std::io::{self, Read};

/// Octets of which each bit is random.
pub(crate) fn octets<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut octets)?;
    Ok(octets)
}

/// A new token: 256 random bits, in hexadecimal.
pub(crate) fn token() -> io::Result<String> {
    let (first, second) = (u128::from_ne_bytes(octets()?), u128::from_ne_bytes(octets()?));
    Ok(format!("{first:032x}{second:032x}"))
}

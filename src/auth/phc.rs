//! Reads the PHC string of a password: algorithm, version, cost, salt and hash,
//! separated by `$`.
//!
//! Strict, because a string that is nearly right is worse than none: the crate
//! `argon2` puts a default in the place of a cost that is missing, so no password
//! would ever match, and nobody would learn why. A hash that costs too much is
//! refused as well: otherwise one line of a file could stop all logins.

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Params};

use crate::limits::Limits;

/// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
pub(super) fn parse(text: &str) -> Result<(PasswordHash, Cost), PasswordError> {
    let fields: Vec<&str> = text.split('$').collect();
    let (cost, salt, hash) = match fields[..] {
        ["", "argon2i" | "argon2d", ..] => return Err(PasswordError::Variant),
        ["", "argon2id", "v=19", _, _, ""] => return Err(PasswordError::Cut),
        ["", "argon2id", "v=19", cost, salt, hash] => (cost, salt, hash),
        // The end is cut off.
        ["", "argon2id", "v=19", cost] | ["", "argon2id", "v=19", cost, _]
            if cost.contains('=') =>
        {
            return Err(PasswordError::Cut);
        }
        ["", "argon2id", "v=19", _] | ["", "argon2id", "v=19", _, _] => {
            return Err(PasswordError::Parameters);
        }
        // Without a version, it is version 16.
        ["", "argon2id", _, _, _, _] | ["", "argon2id", _, _, _] => {
            return Err(PasswordError::Version);
        }
        _ => return Err(PasswordError::Form),
    };
    let cost = Cost::parse(cost)?;
    let salt = Salt::from_b64(salt).map_err(|_| PasswordError::Salt)?;
    let hash = Output::decode(hash).map_err(|_| PasswordError::Hash)?;
    let params = Params::new(cost.kib, cost.passes, cost.lanes, Some(hash.len()))
        .map_err(|_| PasswordError::Range)?;
    let is_small = cost.kib <= Limits::HASH_KIB && cost.lanes <= Limits::HASH_LANES;
    if !is_small || cost.work() > Limits::HASH_WORK {
        return Err(PasswordError::TooMuch);
    }
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(19),
        params: ParamsString::try_from(&params).map_err(|_| PasswordError::Parameters)?,
        salt: Some(salt),
        hash: Some(hash),
    };
    Ok((hash, cost))
}

/// What the check of a password costs. How long it takes depends on the machine as well:
/// `accounts.rs` measures that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Memory, in KiB: `m`.
    kib: u32,
    /// How often all of the memory is filled: `t`.
    passes: u32,
    /// Parts of the memory that could be filled at the same time: `p`. The crate
    /// fills one after the other, and many of them take longer than one.
    lanes: u32,
}

impl Cost {
    /// The cost of [`Password::hash`](crate::Password::hash).
    pub(super) const DEFAULT: Cost = Cost {
        kib: Params::DEFAULT_M_COST,
        passes: Params::DEFAULT_T_COST,
        lanes: Params::DEFAULT_P_COST,
    };

    /// Reads `m=…,t=…,p=…`, in any order, each once and nothing else.
    fn parse(text: &str) -> Result<Cost, PasswordError> {
        let (mut kib, mut passes, mut lanes) = (None, None, None);
        for parameter in text.split(',') {
            let (name, value) = parameter.split_once('=').ok_or(PasswordError::Parameters)?;
            let place = match name {
                "m" => &mut kib,
                "t" => &mut passes,
                "p" => &mut lanes,
                _ => return Err(PasswordError::Parameters),
            };
            let value = number(value).ok_or(PasswordError::Parameters)?;
            if place.replace(value).is_some() {
                return Err(PasswordError::Parameters);
            }
        }
        match (kib, passes, lanes) {
            (Some(kib), Some(passes), Some(lanes)) => Ok(Cost { kib, passes, lanes }),
            _ => Err(PasswordError::Parameters),
        }
    }

    /// A rough measure of the time that a check takes: the number of KiB that it fills.
    fn work(self) -> u64 {
        u64::from(self.kib) * u64::from(self.passes)
    }
}

/// As in a PHC string.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.kib, self.passes, self.lanes)
    }
}

/// A decimal number without sign and without leading zeros.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// Why a text is not the hash of a password. The error never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// It does not have the parts of an Argon2id PHC string.
    Form,
    /// The hash, or the salt and the hash, are missing at its end.
    Cut,
    /// It is Argon2i or Argon2d.
    Variant,
    /// It is not version 19, which is RFC 9106.
    Version,
    /// `m`, `t` or `p` is missing, is there twice, or is not a number; or there is
    /// another parameter.
    Parameters,
    /// Argon2 has no such cost (RFC 9106 §3.1).
    Range,
    /// The salt is not Base64 without `=`, or has fewer than 8 or more than 48 bytes.
    Salt,
    /// The hash is not Base64 without `=`, or has fewer than 10 or more than 64 bytes.
    Hash,
    /// It costs more than [`Limits::HASH_KIB`], [`Limits::HASH_WORK`] or
    /// [`Limits::HASH_LANES`].
    TooMuch,
}

impl PasswordError {
    /// The text of the error.
    pub(super) fn text(self) -> &'static str {
        match self {
            PasswordError::Form => {
                "the password is not an Argon2id PHC string: guardhouse --hash-password makes one"
            }
            PasswordError::Cut => {
                "the end of the password's hash is missing: after the cost stand the salt and the \
                 hash, each behind a $"
            }
            PasswordError::Variant => {
                "the password's hash is Argon2i or Argon2d, and only Argon2id is accepted: \
                 guardhouse --hash-password makes one"
            }
            PasswordError::Version => {
                "the password's hash does not say v=19, the version of Argon2 that is accepted"
            }
            PasswordError::Parameters => {
                "the cost of the password's hash is not m, t and p, each once and a number, as in \
                 m=19456,t=2,p=1"
            }
            PasswordError::Range => {
                "Argon2 has no such cost of a hash: t and p are 1 or more, and m is 8 times p or more"
            }
            PasswordError::Salt => {
                "the salt of the password's hash is not 8 to 48 bytes in Base64 without ="
            }
            PasswordError::Hash => "the password's hash is not 10 to 64 bytes in Base64 without =",
            PasswordError::TooMuch => {
                "the password's hash costs too much: m may be 262144 (256 MiB), m times t may be \
                 1048576, and p may be 16"
            }
        }
    }
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for PasswordError {}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "c29tZXNhbHQ";
    const HASH: &str = "QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";

    #[track_caller]
    fn assert_refused(text: &str, error: PasswordError) {
        assert_eq!(parse(text).err(), Some(error), "{text:?}");
    }

    #[track_caller]
    fn of_cost(cost: &str) -> Result<String, PasswordError> {
        parse(&format!("$argon2id$v=19${cost}${SALT}${HASH}")).map(|(_, cost)| cost.to_string())
    }

    #[test]
    fn only_whole_argon2id_strings_of_version_19_are_accepted() {
        for text in [
            "",
            "$",
            "argon2id",
            "$argon2id",
            "$argon2id$",
            "$Argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcX",
            " $argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcX",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcX$",
            "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        ] {
            assert_refused(text, PasswordError::Form);
        }
        for variant in ["argon2i", "argon2d"] {
            let text = format!("${variant}$v=19$m=8,t=1,p=1${SALT}${HASH}");
            assert_refused(&text, PasswordError::Variant);
        }
        for version in ["v=16", "v=18", "v=20", "v=019", "v=", "V=19", "19", ""] {
            let text = format!("$argon2id${version}$m=8,t=1,p=1${SALT}${HASH}");
            assert_refused(&text, PasswordError::Version);
        }
        assert_refused(&format!("$argon2id$m=8,t=1,p=1${SALT}${HASH}"), PasswordError::Version);
        assert_refused(&format!("$argon2id$v=16$m=8,t=1,p=1${SALT}"), PasswordError::Version);
    }

    #[test]
    fn the_part_that_is_missing_is_named() {
        let (begin, cost) = ("$argon2id$v=19", "$m=8,t=1,p=1");
        for text in [
            format!("{begin}{cost}"),
            format!("{begin}{cost}$"),
            format!("{begin}{cost}${SALT}"),
            format!("{begin}{cost}${SALT}$"),
            format!("{begin}{cost}${HASH}"),
        ] {
            assert_refused(&text, PasswordError::Cut);
        }
        assert_refused(&format!("{begin}${SALT}${HASH}"), PasswordError::Parameters);
        assert_refused(&format!("{begin}$${SALT}${HASH}"), PasswordError::Parameters);
    }

    #[test]
    fn a_cost_has_each_parameter_once_and_no_other() {
        assert_eq!(of_cost("m=8,t=1,p=1").as_deref(), Ok("m=8,t=1,p=1"));
        assert_eq!(of_cost("p=2,m=64,t=3").as_deref(), Ok("m=64,t=3,p=2"));
        for cost in [
            "",
            "m=8,t=1",
            "m=8,p=1",
            "t=1,p=1",
            "m=8,m=8,t=1,p=1",
            "m=8,t=1,t=2,p=1",
            "m=8,t=1,p=1,p=1",
            "m=8,t=1,p=1,",
            ",m=8,t=1,p=1",
            "m=8,,t=1,p=1",
            "m=8;t=1;p=1",
            "m=8, t=1, p=1",
            "M=8,t=1,p=1",
            "m=8,t=1,p=1,x=1",
            "m=8,t=1,p=1,keyid=AAAA",
            "m=8,t=1,p=1,data=AAAA",
            "m,t=1,p=1",
            "m=,t=1,p=1",
            "m=08,t=1,p=1",
            "m=8,t=01,p=1",
            "m=+8,t=1,p=1",
            "m=8,t=-1,p=1",
            "m=8,t=1.0,p=1",
            "m=0x8,t=1,p=1",
            "m=8,t=1,p=4294967297",
            "m=18446744073709551616,t=1,p=1",
        ] {
            assert_eq!(of_cost(cost), Err(PasswordError::Parameters), "{cost:?}");
        }
    }

    #[test]
    fn a_cost_is_in_the_range_of_argon2_and_within_the_limits() {
        for cost in ["m=7,t=1,p=1", "m=8,t=0,p=1", "m=8,t=1,p=0", "m=15,t=1,p=2", "m=0,t=0,p=0"] {
            assert_eq!(of_cost(cost), Err(PasswordError::Range), "{cost}");
        }
        // What the error says is what the limits are.
        for cost in ["m=262144,t=4,p=1", "m=65536,t=16,p=16", "m=8,t=131072,p=1"] {
            assert_eq!(of_cost(cost).as_deref(), Ok(cost));
        }
        for cost in [
            "m=262145,t=1,p=1",
            "m=262144,t=5,p=1",
            "m=65536,t=17,p=4",
            "m=8,t=131073,p=1",
            "m=2097152,t=1,p=4",
            "m=8192,t=1,p=17",
            "m=8192,t=1,p=1024",
            "m=4294967295,t=4294967295,p=1",
        ] {
            assert_eq!(of_cost(cost), Err(PasswordError::TooMuch), "{cost}");
        }
        let limits = (Limits::HASH_KIB, Limits::HASH_WORK, Limits::HASH_LANES);
        assert_eq!(limits, (262_144, 1_048_576, 16));
    }

    #[test]
    fn salt_and_hash_are_base64_of_a_size_that_can_match() {
        let with = |salt: &str, hash: &str| format!("$argon2id$v=19$m=8,t=1,p=1${salt}${hash}");
        for salt in
            ["", "c29t", "c29tZXNhbH", "c29tZXNhbHQ=", "c29tZXN!bHQ", "c29tZXNhb_Q", "c29tZXNhbHQ "]
        {
            assert_refused(&with(salt, HASH), PasswordError::Salt);
        }
        assert_refused(&with(&"A".repeat(66), HASH), PasswordError::Salt);
        let (padded, url) = (format!("{HASH}="), HASH.replace("XJ", "X-"));
        for hash in ["QQ", "QQCd8VPOryZ", &padded, &url, &HASH[..41], &"A".repeat(88)] {
            assert_refused(&with(SALT, hash), PasswordError::Hash);
        }
        assert!(parse(&with(SALT, HASH)).is_ok());
        assert!(parse(&with(&"A".repeat(64), &"A".repeat(86))).is_ok());
    }
}

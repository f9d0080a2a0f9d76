//! Signed tokens (JWT, RFC 7519, with HS256): what a token says is in the token itself, so
//! every server with the same keys accepts it, also after a restart.
//!
//! The crate `jwt-compact` does the cryptography. It checks the algorithm by its type: a
//! token cannot choose another one, or none (RFC 8725 §3.1).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use jwt_compact::alg::Hs256;
use jwt_compact::{AlgorithmExt, Claims, Header, UntrustedToken};

use crate::login::keys::TokenKeys;

/// What a token says, besides when it was issued and when it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// The name of the user: `sub`.
    pub(super) name: String,
    /// With spaces between them: `scope` (RFC 8693 §4.2).
    pub(super) scopes: String,
    /// A hash of the user's account: `account`. If the account is another one now, the token
    /// is not valid any more.
    pub(super) account: String,
}

/// A signed token that expires after `lifetime`; `None` if that is too far in the future.
pub(super) fn issue(keys: &TokenKeys, signed: Signed, lifetime: Duration) -> Option<String> {
    let Signed { name, scopes, account } = signed;
    let own = [("sub", name), ("scope", scopes), ("account", account)];
    let own: BTreeMap<String, String> =
        own.into_iter().map(|(claim, value)| (claim.to_owned(), value)).collect();
    let mut claims = Claims::new(own);
    claims.issued_at = Some(moment(Duration::ZERO)?);
    claims.expiration = Some(moment(lifetime)?);
    let keys = keys.keys();
    let header = Header::empty().with_token_type("JWT");
    Hs256.token(&header, &claims, keys.first()?).ok()
}

/// What a token says, if one of the keys has signed it and it has not expired.
pub(super) fn verify(keys: &TokenKeys, token: &str) -> Option<Signed> {
    let token = UntrustedToken::new(token).ok()?;
    let keys = keys.keys();
    let verified = |key| Hs256.validator::<BTreeMap<String, String>>(key).validate(&token).ok();
    let (_, claims) = keys.iter().find_map(verified)?.into_parts();
    if claims.expiration? <= moment(Duration::ZERO)? {
        return None;
    }
    let mut own = claims.custom;
    let mut claim = |name: &str| own.remove(name);
    Some(Signed { name: claim("sub")?, scopes: claim("scope")?, account: claim("account")? })
}

/// The moment so much later than now, in whole seconds.
fn moment(later: Duration) -> Option<DateTime<Utc>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_add(later)?;
    DateTime::from_timestamp(i64::try_from(since.as_secs()).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Keys of a file with these lines.
    fn keys(lines: &[&str]) -> TokenKeys {
        let name = TokenKeys::new_line().expect("a random name");
        let path = env::temp_dir().join(format!("guardhouse-{name}"));
        fs::write(&path, lines.join("\n")).expect("a file");
        let keys = TokenKeys::load(&path);
        fs::remove_file(&path).expect("the file");
        keys.expect("keys")
    }

    fn ann() -> Signed {
        Signed { name: "ann".into(), scopes: "read write".into(), account: "a1b2".into() }
    }

    const FIRST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const SECOND: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    #[test]
    fn a_token_is_accepted_with_each_of_the_keys_and_no_other() {
        let token = issue(&keys(&[FIRST]), ann(), HOUR).expect("a token");
        assert_eq!(token.split('.').count(), 3);
        for lines in [&[FIRST][..], &[SECOND, FIRST], &["# old", "", FIRST, SECOND]] {
            assert_eq!(verify(&keys(lines), &token), Some(ann()), "{lines:?}");
        }
        assert_eq!(verify(&keys(&[SECOND]), &token), None);
    }

    #[test]
    fn a_token_that_has_expired_or_was_changed_is_refused() {
        let keys = keys(&[FIRST]);
        assert_eq!(verify(&keys, &issue(&keys, ann(), Duration::ZERO).expect("a token")), None);
        let token = issue(&keys, ann(), HOUR).expect("a token");
        let parts: Vec<&str> = token.split('.').collect();
        let [head, claims, signature] = parts[..] else { panic!("three parts: {token}") };
        // {"alg":"none"}, {"alg":"HS384"} and {"alg":"hs256"}
        let other_heads = ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzM4NCJ9", "eyJhbGciOiJoczI1NiJ9"];
        for wrong in [
            format!("{head}.{claims}."),
            format!("{head}.{claims}"),
            format!("{head}.{claims}.{signature}.{signature}"),
            format!("{head}.{}.{signature}", claims.replacen('J', "K", 1)),
            format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
            format!("{}.{claims}.", other_heads[0]),
            format!("{}.{claims}.{signature}", other_heads[0]),
            format!("{}.{claims}.{signature}", other_heads[1]),
            format!("{}.{claims}.{signature}", other_heads[2]),
            String::new(),
            "..".to_owned(),
            FIRST.to_owned(),
        ] {
            assert_eq!(verify(&keys, &wrong), None, "{wrong}");
        }
        assert_eq!(verify(&keys, &token), Some(ann()));
    }

    #[test]
    fn a_file_without_a_good_key_is_refused_and_the_error_shows_no_key() {
        let path = env::temp_dir().join(format!("guardhouse-{}-keys", std::process::id()));
        for (text, says) in [
            ("", "no key"),
            ("# none\n\n", "no key"),
            (&FIRST[1..], "line 1"),
            (&format!("{FIRST}\n{SECOND} # old\n"), "line 2"),
            (&format!("{FIRST}\n\nhello\n"), "line 3"),
        ] {
            fs::write(&path, text).expect("a file");
            let error = TokenKeys::load(&path).expect_err(text).to_string();
            assert!(error.contains(says) && !error.contains(&FIRST[1..]), "{error}");
        }
        fs::remove_file(&path).expect("the file");
        assert!(TokenKeys::load(&path).expect_err("no file").to_string().contains("can't be read"));
    }
}

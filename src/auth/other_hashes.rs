//! Recognises the password hashes of other programs, so that a users file with
//! one is refused in words that help.
//!
//! No client sends a hash, so the owner of such a line could not sign in. And the
//! text of some hashes has the form of a token: a thief of the hash could sign in.

use crate::auth::credentials::base64;
use crate::limits::SHORTEST_TOKEN;

/// The first characters of a hash, and what it is. The first entry that fits is right.
const KINDS: [(&str, &str); 28] = [
    ("$2", "a bcrypt hash"),
    ("$1$", "an MD5 hash of crypt"),
    ("$apr1$", "an MD5 hash of htpasswd"),
    ("$5$", "a SHA-256 hash of crypt"),
    ("$6$", "a SHA-512 hash of crypt"),
    ("$y$", "a yescrypt hash"),
    ("$gy$", "a yescrypt hash"),
    ("$7$", "a scrypt hash"),
    ("$scrypt$", "a scrypt hash"),
    ("$pbkdf2", "a PBKDF2 hash"),
    ("$argon2", "an Argon2 hash with a word before it"),
    ("$P$", "a phpass hash"),
    ("$H$", "a phpass hash"),
    ("$S$", "a Drupal hash"),
    ("$", "a hash that begins with $"),
    ("{", "a hash of an LDAP server, which begins with its name in braces"),
    ("pbkdf2_", "a PBKDF2 hash of Django"),
    ("argon2$", "an Argon2 hash of Django"),
    ("bcrypt", "a bcrypt hash of Django"),
    ("scrypt$", "a scrypt hash of Django"),
    // These two have colons, so the name of the hash stands where the token does.
    ("pbkdf2:", "a PBKDF2 hash of Werkzeug"),
    ("scrypt:", "a scrypt hash of Werkzeug"),
    ("SCRAM-SHA-", "a SCRAM hash of PostgreSQL"),
    ("AQAAAA", "a hash of ASP.NET Identity"),
    ("S:", "a hash of Oracle"),
    ("0x0100", "a hash of SQL Server"),
    ("0x0200", "a hash of SQL Server"),
    ("*", "a hash of MySQL, or a password that is switched off"),
];

/// What hash this is, if it is one. `text` is what follows the name in a line.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    let (secret, rest) = text.split_once(':').unwrap_or((text, ""));
    let secret = secret.trim();
    let begins = |text: &str| KINDS.iter().find(|(begin, _)| text.starts_with(begin));
    let known = match rest.trim_start() {
        // A hash behind the word for its kind, as in `bcrypt:$2b$…`.
        hash if hash.starts_with(['$', '{']) && secret.len() < SHORTEST_TOKEN => begins(hash),
        _ => begins(text),
    };
    match known {
        // `bcrypt-of-nothing` and `S:` alone are no hashes.
        Some(("bcrypt" | "pbkdf2_", _)) if !text.contains('$') => None,
        Some(("S:", kind)) => (rest.len() >= 60).then_some(kind),
        Some(("0x0100" | "0x0200", kind)) => {
            is_hex(secret.trim_start_matches("0x"), 48).then_some(kind)
        }
        Some((_, kind)) => Some(kind),
        None if secret.contains('$') => Some("a hash with $ between its parts, as Django makes"),
        None if is_des(secret) => Some("a DES hash of crypt: 13 letters, digits, . and /"),
        None if is_extended_des(secret) => Some("a DES hash of BSD: _ and 19 characters"),
        None if is_postgresql_md5(secret) => Some("an MD5 hash of PostgreSQL"),
        None if is_old_asp_net(secret) => Some("a hash of ASP.NET"),
        None if is_encoded(secret) => Some(
            "Base64 of a hash that begins with $ or with a name in braces, as LDAP servers show it",
        ),
        None => None,
    }
}

/// Whether this is Base64 of the text of a hash. Base64 of JSON (`{"`) is none.
fn is_encoded(secret: &str) -> bool {
    // What has no whole group of four digits is left out.
    let digits = secret.trim_end_matches('=');
    let whole = digits.get(..digits.len() / 4 * 4).unwrap_or_default();
    let Some(bytes) = base64(whole.as_bytes()) else { return false };
    let is_text = bytes.iter().all(u8::is_ascii_graphic);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    is_text
        && match bytes.strip_prefix(b"{") {
            Some(rest) => {
                let name = rest.split(|byte| *byte == b'}').next().unwrap_or_default();
                name.len() < rest.len() && !name.is_empty() && name.iter().all(is_name)
            }
            None => bytes.contains(&b'$'),
        }
}

/// The form before ASP.NET Identity 3: Base64 of a zero byte, a salt of 16 bytes and a
/// hash of 32.
fn is_old_asp_net(secret: &str) -> bool {
    secret.len() == 68
        && base64(secret.as_bytes())
            .is_some_and(|bytes| bytes.len() == 49 && bytes.starts_with(&[0]))
}

fn is_hex(text: &str, shortest: usize) -> bool {
    text.len() >= shortest && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A salt of two characters, and 64 bits.
fn is_des(secret: &str) -> bool {
    secret.len() == 13 && secret.bytes().all(is_of_crypt)
}

/// `_`, a count of rounds and a salt of four characters each, and 64 bits.
fn is_extended_des(secret: &str) -> bool {
    let rest = secret.strip_prefix('_').unwrap_or_default();
    rest.len() == 19 && rest.bytes().all(is_of_crypt)
}

fn is_postgresql_md5(secret: &str) -> bool {
    let rest = secret.strip_prefix("md5").unwrap_or_default();
    rest.len() == 32 && is_hex(rest, 32)
}

/// The 64 digits of crypt(3).
fn is_of_crypt(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_of_other_programs_are_recognised() {
        for (text, word) in [
            // The salt is `ab`, and all passwords here are `secret` or made up.
            ("abNAOHYYmzXE6", "DES"),
            ("_J9..rasmBYk8r9AiWNc", "DES"),
            ("$1$abcdefgh$XzOxnkoWTcyyMZWaF7C9o1", "MD5"),
            ("$apr1$abcdefgh$Ovw7Cg8Q2F8PVF1mDqsGv/:read", "htpasswd"),
            ("$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", "bcrypt"),
            ("$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC", "bcrypt"),
            ("$5$rounds=5000$saltsalt$Ycjqi8M1EfI7hEDo5w4yFBSCtz", "SHA-256"),
            ("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2", "SHA-512"),
            ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC", "yescrypt"),
            ("$P$B55D6LjfHDkINU5wF.v2BuuzO0/XPk/", "phpass"),
            ("$unknown$x", "begins with $"),
            ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "LDAP"),
            ("{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", "LDAP"),
            ("{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG", "LDAP"),
            ("argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$aGFzaGhhc2g", "Django"),
            ("pbkdf2_sha256$870000$saltsalt$Zm9yIGFuIGV4YW1wbGU=", "Django"),
            ("md5$salt$0cc175b9c0f1b6a831c399e269772661", "Django"),
            ("pbkdf2:sha256:260000$saltsalt$0cc175b9c0f1b6a831c399e269772661", "Werkzeug"),
            ("scrypt:32768:8:1$saltsalt$0cc175b9c0f1b6a831c399e269772661", "Werkzeug"),
            ("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy", "SCRAM"),
            ("md50cc175b9c0f1b6a831c399e269772661", "PostgreSQL"),
            ("e1NTSEF9MGMwYmxGVFhYTnVBTUhFQ1M0dXhyajNaaWVNb1dJbXI=", "Base64"),
            ("e1NIQX01ZW42RzZNZXpSclQzWEtxa2RQT21ZL0JmUT0=", "Base64"),
            ("e3NzaGE1MTJ9NWVuNkc2TWV6UnJvVDNYS3FrZFBPbVkvQmZR:read", "Base64"),
            ("JDJiJDEyJEVpeFphWVZLMWZzYncxWmZiWDNPWGU=", "Base64"),
            ("cGJrZGYyX3NoYTI1NiQ4NzAwMDAkc2FsdHNhbHQkWm05eQ", "Base64"),
            (
                "AQAAAAEAACcQAAAAEJmqpY1Yc0bB2jU9rQYQXf0Tn4b3mF5m0nq8o1n1n1n1n1n1n1n1n1n1n1n1n1n1nA==",
                "ASP.NET",
            ),
            ("AQAAAAIAAYagAAAAEJmqpY1Yc0bB2jU9rQYQXf0Tn4b3mF5m0nq8o1n1n1n1", "ASP.NET"),
            ("AEUPG5GXOmAtJYhDpRyXCsJBHkdZyH3Rh0nPq2l8i6bsVeWnqwyg3u6m0J6lqRrMRw==", "ASP.NET"),
            ("0x01004086CEB6BF932BC4151A1AF1F13CD17301D70816A8886908", "SQL Server"),
            (
                "0x0100a607ba7c54a24d17b565c59f1743776a10250f581d482da8b6d6261460d3f53b",
                "SQL Server",
            ),
            (
                "0x02000102030434ea1b17802fd95ea6316bd61d2c94622ca3812793e8fb1672487b5c",
                "SQL Server",
            ),
            ("*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29", "MySQL"),
            ("S:8F2D65FB5547B71C8DA3760F10960428CD307B1C6271691FC55C1F56554A", "Oracle"),
            ("argon2:$argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "Argon2"),
            ("argon2id: $argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "Argon2"),
            ("bcrypt:$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", "bcrypt"),
            ("#jbcrypt:$2a$10$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", "bcrypt"),
            ("ldap:{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", "LDAP"),
            ("pbkdf2_sha256$870000$saltsalt$Zm9yIGFuIGV4YW1wbGU=", "PBKDF2"),
            ("bcrypt_sha256$$2b$12$EixZaYVK1fsbw1ZfbX3OXe", "bcrypt"),
            ("scrypt:16384:8:1$saltsalt$0cc175b9c0f1b6a831c399e269772661", "scrypt"),
        ] {
            let kind = kind(text).unwrap_or_else(|| panic!("{text} is a hash"));
            assert!(kind.contains(word), "{text}: {kind}");
        }
    }

    #[test]
    fn a_token_is_not_a_hash() {
        for text in [
            "",
            "ab",
            "s3cret-of-ann",
            "AzAz09-._~+/==",
            "1f0e8b6d6cbb4a1c9d52f3a7e8409b1c:reports:read",
            "c2VjcmV0LXRva2VuLW9mLWFubg==",
            "md5-of-nothing-at-all",
            "bcrypt-of-nothing-at-all",
            "0x0100-of-nothing-at-all",
            "S:read",
            // Base64 of JSON, of a text and of bytes.
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            "eyJjb3N0IjoiMSQifQ==",
            "YS1zZWNyZXQtdG9rZW4tb2YtYW5u",
            "ew3Jz0GzQe1uHnR8a0Vv5w==",
            "AHNlY3JldC10b2tlbi1vZi1hbm4tb2YtYm9i",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}

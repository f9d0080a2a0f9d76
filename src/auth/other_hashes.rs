//! Recognises the password hashes of other programs, so that a users file with
//! one is refused in words that help.
//!
//! No client sends a hash, so the owner of such a line could not sign in. And the
//! text of some hashes has the form of a token: a thief of the hash could sign in.

use crate::auth::credentials::base64;
use crate::limits::SHORTEST_TOKEN;

/// The first characters of a hash, and what it is. The first entry that fits is right.
const KINDS: [(&str, &str); 18] = [
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
    ("$P$", "a phpass hash"),
    ("$H$", "a phpass hash"),
    ("$S$", "a Drupal hash"),
    ("$", "a hash that begins with $"),
    ("{", "a hash of an LDAP server, which begins with its name in braces"),
    // These two have colons, so the name of the hash stands where the token does.
    ("pbkdf2:", "a PBKDF2 hash of Werkzeug"),
    ("scrypt:", "a scrypt hash of Werkzeug"),
    ("SCRAM-SHA-256$", "a SCRAM hash of PostgreSQL"),
];

/// What hash this is, if it is one. `text` is what follows the name in a line.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    let known = KINDS.iter().find(|(begin, _)| text.starts_with(begin));
    let (secret, _) = text.split_once(':').unwrap_or((text, ""));
    let secret = secret.trim();
    match known {
        Some((_, kind)) => Some(kind),
        None if has_label(text) => Some("a hash with the name of its kind before it"),
        None if secret.contains('$') => Some("a hash with $ between its parts, as Django makes"),
        None if is_des(secret) => Some("a DES hash of crypt: 13 letters, digits, . and /"),
        None if is_extended_des(secret) => Some("a DES hash of BSD: _ and 19 characters"),
        None if is_postgresql_md5(secret) => Some("an MD5 hash of PostgreSQL"),
        None if is_ldap_in_base64(secret) => Some("a hash of an LDAP server, in Base64"),
        None if is_sql_server(secret) => Some("a hash of SQL Server"),
        // Its version, and 13 bytes of numbers that are nearly all 0.
        None if secret.starts_with("AQAAAA") => Some("a hash of ASP.NET"),
        None => None,
    }
}

/// `bcrypt:$2b$…`: a hash behind a word that is too short to be a token.
fn has_label(text: &str) -> bool {
    let (label, rest) = text.split_once(':').unwrap_or_default();
    label.len() < SHORTEST_TOKEN && rest.trim_start().starts_with(['$', '{'])
}

/// The Base64 of `{SSHA}…` and the like, as LDIF writes it behind two colons.
fn is_ldap_in_base64(secret: &str) -> bool {
    let decoded = base64(secret.as_bytes()).unwrap_or_default();
    let name = decoded.strip_prefix(b"{").and_then(|rest| rest.split(|byte| *byte == b'}').next());
    name.is_some_and(|name| {
        let is_of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        decoded.len() > name.len() + 2 && !name.is_empty() && name.iter().all(is_of_a_name)
    })
}

/// `0x`, the version 1 or 2, a salt of four bytes, and one hash or two.
fn is_sql_server(secret: &str) -> bool {
    let rest = secret.strip_prefix("0x0100").or_else(|| secret.strip_prefix("0x0200"));
    rest.is_some_and(|rest| rest.len() >= 48 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
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
    rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
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
            ("e1NTSEF9MGMwYmxGVFhYTnVBTUhFQ1M0dXhyajNaaWVNb1dJbXI=", "LDAP"),
            ("e1NIQX01ZW42RzZNZXpScm9UM1hLcWtkUE9tWS9CZlE9:read", "LDAP"),
            ("e0NSWVBUfSQxJGFiY2RlZmdoJA==", "LDAP"),
            ("AQAAAAIAAYagAAAAEJ1vZm9vYmFyYmF6cXV4c2FsdHNhbHRoYXNoaGFzaGhhc2g=", "ASP.NET"),
            ("AQAAAAEAACcQAAAAEJ1vZm9vYmFyYmF6cXV4c2FsdHNhbHRoYXNoaGFzaGhhc2g=:read", "ASP.NET"),
            ("0x01004086CEB60C90646A8AB9889FE3ED8E5C150B5460ECE8425A", "SQL Server"),
            (
                "0x0200F733058A07892C5CACE899768F89965F6BD1DED7955FE89E1C9A10E27849B0B213B5",
                "SQL Server",
            ),
            ("argon2:$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", "name of its kind"),
            ("bcrypt:$2b$12$EixZaYVK1fsbw1ZfbX3OXe", "name of its kind"),
            ("ssha:{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr", "name of its kind"),
            ("ARGON2: $argon2i$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA:read", "name of its kind"),
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
            // Base64 of other things.
            "e30=",
            "e1NTSEEgd2l0aG91dCBhIGJyYWNl",
            "eyJhbGciOiJub25lIn0",
            "0x01004086CEB60C90646A8AB9",
            "AQAAB3NzaC1yc2EAAAADAQABAAAB",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}

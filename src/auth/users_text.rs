//! The text of a users file: its lines make a store of users, or an error that
//! says which line is wrong.
//!
//! `users_line.rs` says what one line may be.

use std::collections::HashMap;
use std::fmt;

use crate::auth::accounts::Accounts;
use crate::auth::hashed_tokens::{self, HashedTokens};
use crate::auth::users::Users;
use crate::auth::users_fault::Fault;
use crate::auth::users_line::{self, Secret};
use crate::limits::SHORTEST_TOKEN;

impl Users {
    /// Reads users from text. Each line is `name:token` or `name:token:scopes`, with
    /// spaces between the scopes. A token has 16 characters or more. Blank lines, and
    /// lines that begin with `#`, are skipped, and so is a byte order mark. The
    /// manual's chapter [users](crate::manual::users) has the whole grammar.
    ///
    /// A day as the last part, `name:token:scopes:2027-01-31`, is the last one on which the
    /// line is valid.
    ///
    /// With the feature `login`, a hash can take the token's place: `name:sha256:HEX:scopes`
    /// is a user with that token, and `name:$argon2id$…:scopes` one with a password, to log
    /// in with. If the hashes of passwords have different costs, this computes a hash of each
    /// cost, which can take seconds.
    ///
    /// ```
    /// use guardhouse::Users;
    ///
    /// let users = Users::parse("# the team\nann:s3cret-token-of-ann:read write\n")?;
    /// assert_eq!(users.by_token("s3cret-token-of-ann").unwrap().scopes(), ["read", "write"]);
    ///
    /// let error = Users::parse("ann:s3cret-token-of-ann\nbob\n").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2: no colon after the name: write name:token");
    /// # Ok::<(), guardhouse::users::LineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`LineError`] for the first line that has another form, has the same
    /// token as an earlier line, or has a password and the same name as an
    /// earlier line with a password.
    pub fn parse(text: &str) -> Result<Users, LineError> {
        parse(text, SHORTEST_TOKEN).map(Users::with_measured_accounts)
    }
}

/// The same; tokens with fewer characters than `shortest` are refused.
pub(super) fn parse(text: &str, shortest: usize) -> Result<Users, LineError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut users = Vec::new();
    // Each token, and each name with a password, with the number of its line.
    let (mut tokens, mut passwords) = (HashMap::new(), HashMap::new());
    let (mut hashed, mut accounts) = (HashedTokens::default(), Accounts::default());
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |reason| LineError { number, reason };
        let line = users_line::parse(line, shortest);
        let Some(line) = line.map_err(|fault| wrong(Reason::Line(fault)))? else { continue };
        match line.secret {
            Secret::Token(token) => {
                if let Some(first) = tokens.insert(hashed_tokens::key(token), number) {
                    return Err(wrong(Reason::SameToken(first)));
                }
                users.push((token, line.user));
            }
            Secret::HashedToken(hash) => {
                if let Some(first) = tokens.insert(hash.to_ascii_lowercase(), number) {
                    return Err(wrong(Reason::SameToken(first)));
                }
                hashed.add(line.user, hash).map_err(|text| wrong(Reason::Hash(text)))?;
            }
            Secret::Password(phc) => {
                if let Some(first) = passwords.insert(line.user.name().to_owned(), number) {
                    return Err(wrong(Reason::SamePassword(first)));
                }
                accounts.add(line.user, phc).map_err(|text| wrong(Reason::Hash(text)))?;
            }
        }
    }
    Ok(Users::new(users).with(hashed, accounts))
}

/// What is wrong with a line. The error never shows the line: it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    number: usize,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Line(Fault),
    /// What is wrong with the hash of a token or a password.
    Hash(&'static str),
    /// The number of the first line with the same token.
    SameToken(usize),
    /// The number of the first line with the same name and a password.
    SamePassword(usize),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.number)?;
        match &self.reason {
            Reason::Line(fault) => fault.fmt(f),
            Reason::Hash(text) => f.write_str(text),
            Reason::SameToken(first) => write!(f, "line {first} has the same token"),
            Reason::SamePassword(first) => {
                write!(f, "line {first} has the same name, and a password as well")
            }
        }
    }
}

impl std::error::Error for LineError {}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::http::day::Day;

    const ANN: &str = "ann:s3cret-token-of-ann";
    const BOB: &str = "bob:s3cret-token-of-bob:read";

    #[test]
    fn an_error_has_the_number_of_the_line_and_the_reason() {
        for (text, says) in [
            ("ann".to_owned(), "line 1: no colon after the name: write name:token"),
            ("\n# x\n:token".to_owned(), "line 3: no name before the colon: write name:token"),
            (format!("{ANN}\nbob:\n"), "line 2: no token after the colon: write name:token"),
            (format!("\n{ANN}\n# x\n{ANN}:read\n"), "line 4: line 2 has the same token"),
            (
                format!("{ANN}\rbob:x"),
                "line 1: a CR inside the line: end each line with LF, or with CR and LF",
            ),
        ] {
            assert_eq!(Users::parse(&text).expect_err(&text).to_string(), says);
        }
    }

    #[test]
    fn comments_blank_lines_and_crlf_are_allowed() {
        let users = Users::parse(&format!("\r\n# c\r\n  {ANN} : a  b \r\n\r\n{BOB}"));
        let users = users.expect("two users");
        assert_eq!(users.len(), 2);
        assert_eq!(users.by_token("s3cret-token-of-ann").expect("ann").scopes(), ["a", "b"]);
        assert_eq!(users.by_token("s3cret-token-of-bob").expect("bob").name(), "bob");
    }

    #[test]
    fn one_byte_order_mark_is_skipped_and_a_comment_after_it_is_a_comment() {
        let users = Users::parse(&format!("\u{feff}{ANN}\n{BOB}\n")).expect("two users");
        assert_eq!(users.by_token("s3cret-token-of-ann").expect("ann").name(), "ann");
        let users = Users::parse(&format!("\u{feff}#{ANN}\n{BOB}\n")).expect("one user");
        assert!(users.len() == 1 && users.by_token("s3cret-token-of-ann").is_none());
        for text in [
            format!("\u{feff}\u{feff}#{ANN}\n"),
            format!("{BOB}\n\u{feff}#{ANN}\n"),
            format!("{BOB}\n\u{feff}{ANN}\n"),
        ] {
            assert!(Users::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_token_has_as_many_characters_as_the_caller_asks_for() {
        assert!(Users::parse("ann:0123456789abcde").is_err());
        assert!(Users::parse("ann:0123456789abcdef").is_ok());
        let users = parse("ann:t", 1).expect("a short token");
        assert_eq!(users.by_token("t").expect("ann").name(), "ann");
    }

    #[test]
    fn a_password_that_can_not_be_read_is_an_error() {
        let error = Users::parse("ann:$argon2id$").expect_err("no whole hash").to_string();
        assert!(error.starts_with("line 1: "), "{error}");
        let advice = if cfg!(feature = "login") { "--hash-password" } else { "--features login" };
        assert!(error.contains(advice), "{error}");
    }

    #[test]
    fn after_its_last_day_a_line_is_valid_no_more() {
        let today = Day::today();
        let yesterday = Day::parse("2026-01-01").expect("a day in the past");
        for (day, is_valid) in [(today, true), (today.plus(1), true), (yesterday, false)] {
            let users = Users::parse(&format!("{ANN}:read:{day}\n{BOB}")).expect("two users");
            assert_eq!(users.by_token("s3cret-token-of-ann").is_some(), is_valid, "{day}");
            assert!(users.by_token("s3cret-token-of-bob").is_some());
        }
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_hashed_token_finds_its_user_and_expires_as_others_do() {
        let hash = hashed_tokens::key("s3cret-token-of-ann");
        let users = Users::parse(&format!("ann:sha256:{hash}:read\n{BOB}")).expect("two users");
        assert_eq!(users.by_token("s3cret-token-of-ann").expect("ann").scopes(), ["read"]);
        assert_eq!(users.count().to_string(), "2 users, 2 tokens");
        for no in [&*hash, &format!("sha256:{hash}"), "s3cret-token-of-an"] {
            assert_eq!(users.by_token(no), None, "{no}");
        }
        let past = Users::parse(&format!("ann:sha256:{hash}:read:2026-01-01")).expect("a user");
        assert_eq!(past.by_token("s3cret-token-of-ann"), None);
        for (lines, says) in [
            (format!("ann:sha256:{hash}\nbob:sha256:{hash}"), "line 2: line 1 has the same token"),
            (
                format!("ann:sha256:{}", &hash[1..]),
                "line 1: a sha256 hash has 64 hexadecimal digits",
            ),
        ] {
            assert_eq!(Users::parse(&lines).expect_err("a wrong line").to_string(), says);
        }
        for second in [format!("sha256:{}", hash.to_uppercase()), "s3cret-token-of-ann".to_owned()]
        {
            for lines in [
                format!("ann:sha256:{hash}\nbob:{second}"),
                format!("bob:{second}\nann:sha256:{hash}"),
            ] {
                let error = Users::parse(&lines).expect_err("the same token").to_string();
                assert_eq!(error, "line 2: line 1 has the same token");
            }
        }
    }

    #[cfg(not(feature = "login"))]
    #[test]
    fn a_hashed_token_needs_a_build_that_reads_it() {
        let hash = "0123456789abcdef".repeat(4);
        let error = Users::parse(&format!("ann:sha256:{hash}:read")).expect_err("no such build");
        assert!(error.to_string().contains("--features login"), "{error}");
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_password_expires_as_a_token_does() {
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let today = Day::today();
        let users = Users::parse(&format!("ann:{phc}:a:{today}\nbob:{phc}:a:2026-01-01"));
        let users = users.expect("two users");
        assert!(users.account("ann").check("secret").unwrap().is_some());
        assert!(users.account("bob").check("secret").unwrap().is_none());
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_name_can_have_tokens_and_one_password() {
        // m=8, t=1: quick, and too weak for anything but tests.
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let text = format!("{ANN}:a\nann:{phc}:a b\nbob:{phc}\ncyd:s3cret-token-of-cyd");
        let users = Users::parse(&text).expect("a file");
        assert_eq!(users.len(), 4);
        assert_eq!(users.by_token("s3cret-token-of-ann").expect("ann").scopes(), ["a"]);
        assert_eq!(
            users.account("ann").check("secret").unwrap().expect("ann").scopes(),
            ["a", "b"]
        );
        assert_eq!(users.account("bob").check("secret").unwrap().expect("bob").name(), "bob");
        assert_eq!(users.account("cyd").check("s3cret-token-of-cyd").unwrap(), None);
        assert_eq!(users.by_token(phc), None, "a hash is not a token");
        let twice = format!("ann:{phc}\n{BOB}\nann:{phc}");
        assert_eq!(
            Users::parse(&twice).expect_err("twice").to_string(),
            "line 3: line 1 has the same name, and a password as well"
        );
    }
}

//! How many users a store has, and how two stores differ: the log says both, so
//! that an operator sees whether a reload did anything.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::auth::user::User;
use crate::auth::users::Users;
use crate::http::day::Day;

/// How many users a store has. A user may have several tokens, and a password.
///
/// ```
/// use guardhouse::Users;
///
/// let users = Users::parse("ann:s3cret-token-of-ann\nann:another-token-of-ann\n")?;
/// assert_eq!(users.count().to_string(), "1 user, 2 tokens");
/// # Ok::<(), guardhouse::users::LineError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Different names.
    pub users: usize,
    /// Tokens of all users, also hashed ones (feature `login`).
    pub tokens: usize,
    /// Passwords of all users (feature `login`).
    pub passwords: usize,
}

impl Users {
    /// How many users, tokens and passwords there are.
    #[must_use]
    pub fn count(&self) -> Count {
        let names: HashSet<&str> = self.lines().map(|(user, _)| user.name()).collect();
        let tokens = self.tokens().count() + self.hashed_tokens().count();
        Count { users: names.len(), tokens, passwords: self.passwords().count() }
    }

    /// Each user of a line, and the line's secret, in no order.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&User, Cow<'_, str>)> {
        let tokens = self.tokens().map(|(user, token)| (user, Cow::Borrowed(token)));
        let hashes = self.hashed_tokens().chain(self.passwords());
        tokens.chain(hashes.map(|(user, hash)| (user, Cow::Owned(hash))))
    }
}

/// `2 users, 3 tokens, 1 password`; kinds of which there are none are left out.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.users, if self.users == 1 { "user" } else { "users" })?;
        for (count, word) in [(self.tokens, "token"), (self.passwords, "password")] {
            if count > 0 {
                write!(f, ", {count} {word}{}", if count == 1 { "" } else { "s" })?;
            }
        }
        Ok(())
    }
}

/// What a reload changed. A user is found again by the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Users whose names are new.
    pub added: usize,
    /// Users whose names are gone.
    pub removed: usize,
    /// Users with the same name and other tokens, passwords, scopes or last days.
    pub changed: usize,
}

impl Changes {
    /// What is different in `new`.
    pub(super) fn between(old: &Users, new: &Users) -> Changes {
        let (old, new) = (by_name(old), by_name(new));
        let added = new.keys().filter(|name| !old.contains_key(*name)).count();
        let removed = old.keys().filter(|name| !new.contains_key(*name)).count();
        let is_other = |(name, lines)| new.get(name).is_some_and(|other| other != lines);
        Changes { added, removed, changed: old.iter().filter(|line| is_other(*line)).count() }
    }
}

/// `1 added, 0 removed, 2 changed`, or `nothing changed`
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changes { added, removed, changed } = self;
        match (added, removed, changed) {
            (0, 0, 0) => f.write_str("nothing changed"),
            _ => write!(f, "{added} added, {removed} removed, {changed} changed"),
        }
    }
}

/// A token or a hash, the scopes that it gives, and its last day.
type Line<'u> = (Cow<'u, str>, &'u [String], Option<Day>);

/// The lines of each user, in an order that does not depend on that of the file.
fn by_name(users: &Users) -> HashMap<&str, Vec<Line<'_>>> {
    let mut by_name: HashMap<&str, Vec<Line>> = HashMap::new();
    for (user, secret) in users.lines() {
        let line = (secret, user.scopes(), user.last_day());
        by_name.entry(user.name()).or_default().push(line);
    }
    for lines in by_name.values_mut() {
        lines.sort();
    }
    by_name
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "ann:s3cret-token-of-ann:read\n";
    const BOB: &str = "bob:s3cret-token-of-bob\n";

    #[track_caller]
    fn users(lines: &[&str]) -> Users {
        Users::parse(&lines.concat()).expect("valid lines")
    }

    #[test]
    fn a_user_with_two_tokens_is_one_user() {
        let second = "ann:another-token-of-ann\n";
        for (lines, says) in [
            (&[][..], "0 users"),
            (&[ANN], "1 user, 1 token"),
            (&[ANN, second], "1 user, 2 tokens"),
            (&[ANN, second, BOB], "2 users, 3 tokens"),
        ] {
            assert_eq!(users(lines).count().to_string(), says);
        }
    }

    #[test]
    fn the_changes_say_how_many_users_are_new_gone_or_different() {
        let second = "ann:another-token-of-ann:read\n";
        let other_token = "ann:another-token-of-ann:read\n";
        let other_scope = "ann:s3cret-token-of-ann:write\n";
        let (day, other_day) = (
            "ann:s3cret-token-of-ann:read:2027-01-31\n",
            "ann:s3cret-token-of-ann:read:2027-02-01\n",
        );
        for (old, new, says) in [
            (&[ANN, BOB][..], &[BOB, ANN][..], "nothing changed"),
            (&[ANN], &["# a comment\n", ANN], "nothing changed"),
            (&[ANN], &[ANN, BOB], "1 added, 0 removed, 0 changed"),
            (&[ANN, BOB], &[BOB], "0 added, 1 removed, 0 changed"),
            (&[ANN], &[BOB], "1 added, 1 removed, 0 changed"),
            (&[ANN], &[other_token], "0 added, 0 removed, 1 changed"),
            (&[ANN], &[other_scope], "0 added, 0 removed, 1 changed"),
            (&[ANN], &[ANN, second], "0 added, 0 removed, 1 changed"),
            (&[second, ANN], &[ANN, second], "nothing changed"),
            (&[ANN], &[day], "0 added, 0 removed, 1 changed"),
            (&[day], &[other_day], "0 added, 0 removed, 1 changed"),
        ] {
            let changes = Changes::between(&users(old), &users(new));
            assert_eq!(changes.to_string(), says, "{old:?} {new:?}");
        }
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_password_is_a_line_like_any_other() {
        // m=8, t=1: quick, and too weak for anything but tests.
        let phc = "bob:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A\n";
        let (with, without) = (users(&[ANN, BOB, phc]), users(&[ANN, BOB]));
        assert_eq!(with.count().to_string(), "2 users, 2 tokens, 1 password");
        assert_eq!(users(&[phc]).count().to_string(), "1 user, 1 password");
        let one_changed = Changes { added: 0, removed: 0, changed: 1 };
        assert_eq!(Changes::between(&with, &without), one_changed);
        assert_eq!(Changes::between(&without, &with), one_changed);
    }
}

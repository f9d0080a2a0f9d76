//! A store of users: finds a user by a token.
//!
//! The time that a lookup takes must not help a client to guess a token. So a
//! lookup does not compare a token with its neighbours in a sorted list: it
//! finds the entry by a hash of the token, with a key that is new in each
//! process, and then compares in constant time. A lookup among 100,000 users
//! takes about as long as one among three.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use crate::auth::accounts::Accounts;
use crate::auth::hashed_tokens::HashedTokens;
use crate::auth::secret::is_same;
use crate::auth::user::User;

/// A store of users.
///
/// ```
/// use guardhouse::{User, Users, guard};
///
/// let users = Users::new([("s3cret-of-ann", User::new("Ann", []))]);
/// assert_eq!(users.by_token("s3cret-of-ann").unwrap().name(), "Ann");
/// assert_eq!(users.by_token("s3cret-of-amy"), None);
///
/// let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
/// ```
pub struct Users {
    key: RandomState,
    /// In the order of their hashes.
    entries: Vec<Entry>,
    hashed: HashedTokens,
    accounts: Accounts,
}

struct Entry {
    hash: u64,
    token: String,
    user: User,
}

impl Users {
    /// A store of tokens and their users. If two users have the same token,
    /// lookups find the later one.
    #[must_use]
    pub fn new<'t>(users: impl IntoIterator<Item = (&'t str, User)>) -> Users {
        let key = RandomState::new();
        let entry = |(token, user): (&str, User)| Entry {
            hash: key.hash_one(token),
            token: token.to_owned(),
            user,
        };
        let mut entries: Vec<Entry> = users.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.hash);
        Users { key, entries, hashed: HashedTokens::default(), accounts: Accounts::default() }
    }

    /// The same store with hashed tokens, and with accounts for logins.
    pub(super) fn with(self, hashed: HashedTokens, accounts: Accounts) -> Users {
        Users { hashed, accounts, ..self }
    }

    /// The same store; it now knows which account's password takes longest to check.
    pub(super) fn with_measured_accounts(mut self) -> Users {
        self.accounts.measure();
        self
    }

    /// The user with this token, unless the last day of the user's line is over.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<User> {
        let hash = self.key.hash_one(token);
        let first = self.entries.partition_point(|entry| entry.hash < hash);
        let same_hash = self.entries.iter().skip(first).take_while(|entry| entry.hash == hash);
        // `last` looks at every entry with this hash, whichever is the right one.
        let found = same_hash.filter(|entry| is_same(entry.token.as_bytes(), token.as_bytes()));
        let found = found.last().map(|entry| &entry.user).or_else(|| self.hashed.by_token(token));
        found.filter(|user| !user.has_expired()).cloned()
    }

    /// Each user with a token, and the token, in no order.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (&User, &str)> {
        self.entries.iter().map(|entry| (&entry.user, &*entry.token))
    }

    /// Each user with a hashed token, and the hash, in no order.
    pub(super) fn hashed_tokens(&self) -> impl Iterator<Item = (&User, String)> {
        self.hashed.lines()
    }

    /// Each user with a password, and the PHC string of the password, in no order.
    pub(super) fn passwords(&self) -> impl Iterator<Item = (&User, String)> {
        self.accounts.lines()
    }

    /// The accounts for logins.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The account with this name. For an unknown name, an account for which no
    /// password is right; checking one does the work of the known name whose hash
    /// takes longest.
    ///
    /// ```
    /// use guardhouse::{Password, Users};
    ///
    /// let users = Users::parse(&format!("ann:{}:read", Password::hash("correct-horse")?))?;
    /// assert_eq!(users.account("ann").check("correct-horse")?.unwrap().scopes(), ["read"]);
    /// assert_eq!(users.account("eve").check("correct-horse")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // The type `Account` is public, and exists with the feature only.
    #[cfg(feature = "login")]
    #[must_use]
    pub fn account(&self, name: &str) -> crate::auth::accounts::Account {
        self.accounts.by_name(name)
    }

    /// The number of tokens and accounts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() + self.hashed.len() + self.accounts.len()
    }

    /// Whether there are no tokens and no accounts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Shows no token.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_finds_its_user_and_other_tokens_find_nobody() {
        let names: Vec<String> = (0..1000).map(|number| format!("user{number}")).collect();
        let users = Users::new(names.iter().map(|name| (name.as_str(), User::new(name, []))));
        assert_eq!(users.len(), 1000);
        for name in &names {
            assert_eq!(users.by_token(name).expect("a user").name(), name);
        }
        for no in ["", "user", "user1000", "USER1", "user1 "] {
            assert_eq!(users.by_token(no), None, "{no:?}");
        }
    }

    #[test]
    fn of_two_users_with_the_same_token_the_later_one_is_found() {
        let users = Users::new([("t", User::new("Ann", [])), ("t", User::new("Bob", []))]);
        assert_eq!(users.by_token("t").expect("a user").name(), "Bob");
    }

    #[test]
    fn debug_output_shows_no_token() {
        let users = Users::new([("s3cret", User::new("Ann", []))]);
        assert_eq!(format!("{users:?}"), "Users(1)");
    }
}

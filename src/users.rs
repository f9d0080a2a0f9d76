//! Who exists: names, the tokens that they show, and what they may do.
//!
//! A lookup tells nothing but its result. A keyed hash picks the entry, with a
//! key that is new in each process, so where in the store a guess ends up says
//! nothing about the tokens around it; and what is found there is compared in
//! constant time. That costs the same for three users as for 100,000.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::guard::{Scoped, is_same};

/// Somebody with a name and scopes (RFC 6749 §3.3). Clones share both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(Arc<Profile>);

#[derive(Debug, PartialEq, Eq)]
struct Profile {
    name: String,
    scopes: Vec<String>,
}

impl User {
    /// A user of that name, with those scopes.
    ///
    /// ```
    /// use guardhouse::guard::Scoped;
    ///
    /// let ann = guardhouse::User::new("Ann", ["read", "write"]);
    /// assert!(ann.has_scope("write") && !ann.has_scope("admin"));
    /// ```
    #[must_use]
    pub fn new<'s>(name: &str, scopes: impl IntoIterator<Item = &'s str>) -> User {
        let scopes = scopes.into_iter().map(str::to_owned).collect();
        User(Arc::new(Profile { name: name.to_owned(), scopes }))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The scopes, in the order given.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }
}

/// Scopes are case-sensitive (RFC 6749 §3.3).
impl Scoped for User {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes().iter().any(|own| own == scope)
    }
}

/// A store of users, each found by a token.
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
    /// By tag, so that one can be found without a look at the tokens.
    entries: Vec<Entry>,
    key: RandomState,
}

struct Entry {
    tag: u64,
    token: String,
    user: User,
}

impl Users {
    /// A store of these tokens and their users. Of two with the same token the
    /// later one is found.
    #[must_use]
    pub fn new<'t>(users: impl IntoIterator<Item = (&'t str, User)>) -> Users {
        let key = RandomState::new();
        let entry = |(token, user): (&str, User)| Entry {
            tag: key.hash_one(token),
            token: token.into(),
            user,
        };
        let mut entries: Vec<Entry> = users.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.tag);
        Users { entries, key }
    }

    /// The user whose token this is.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<User> {
        let tag = self.key.hash_one(token);
        let first = self.entries.partition_point(|entry| entry.tag < tag);
        let same_tag = self.entries.iter().skip(first).take_while(|entry| entry.tag == tag);
        // No way out of the loop but its end.
        same_tag
            .fold(None, |found, entry| {
                if is_same(entry.token.as_bytes(), token.as_bytes()) {
                    Some(&entry.user)
                } else {
                    found
                }
            })
            .cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Shows no token.
impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_finds_its_user_and_no_other_token_any() {
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
    fn what_is_shown_for_debugging_has_no_token() {
        let users = Users::new([("s3cret", User::new("Ann", []))]);
        assert_eq!(format!("{users:?}"), "Users(1)");
    }
}

//! Somebody: a name, and what it may do. What a guard lets through.

use std::sync::Arc;

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

/// An identity that has scopes (RFC 6749 §3.3).
pub trait Scoped {
    /// Whether this scope is among them.
    fn has_scope(&self, scope: &str) -> bool;
}

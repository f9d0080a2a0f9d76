//! A user: what most guards return, and most handlers get.

use std::sync::Arc;

use crate::http::day::Day;

/// A user: a name and scopes (RFC 6749 §3.3). A clone shares both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(Arc<Profile>);

#[derive(Debug, PartialEq, Eq)]
struct Profile {
    name: String,
    scopes: Vec<String>,
    last_day: Option<Day>,
}

impl User {
    /// A user with this name and these scopes.
    ///
    /// ```
    /// use guardhouse::guard::Scoped;
    ///
    /// let ann = guardhouse::User::new("Ann", ["read", "write"]);
    /// assert!(ann.has_scope("write") && !ann.has_scope("admin"));
    /// ```
    #[must_use]
    pub fn new<'s>(name: &str, scopes: impl IntoIterator<Item = &'s str>) -> User {
        User::until(None, name, scopes)
    }

    /// The same, with the last day on which the user's line in a users file is valid.
    pub(super) fn until<'s>(
        last_day: Option<Day>,
        name: &str,
        scopes: impl IntoIterator<Item = &'s str>,
    ) -> User {
        let scopes = scopes.into_iter().map(str::to_owned).collect();
        User(Arc::new(Profile { name: name.to_owned(), scopes, last_day }))
    }

    /// The last day on which the user's line is valid; `None` if there is none.
    pub(crate) fn last_day(&self) -> Option<Day> {
        self.0.last_day
    }

    /// Whether that day is over.
    pub(super) fn has_expired(&self) -> bool {
        self.0.last_day.is_some_and(|last_day| last_day < Day::today())
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

/// An identity with scopes: [`Guard::scope`](crate::Guard::scope) asks for them.
pub trait Scoped {
    /// Whether it has this scope.
    fn has_scope(&self, scope: &str) -> bool;
}

/// Scopes are case-sensitive (RFC 6749 §3.3).
impl Scoped for User {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes().iter().any(|own| own == scope)
    }
}

#[cfg(test)]
impl User {
    /// Lets a test see when the last clone of this user is freed.
    pub(super) fn downgrade(&self) -> std::sync::Weak<dyn std::fmt::Debug> {
        Arc::downgrade(&self.0) as _
    }
}

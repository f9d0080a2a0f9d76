//! What a guard says about itself: the route table prints it, and the OpenAPI
//! document is made from it. It decides nothing.

use std::fmt;

use crate::auth::challenge::Challenge;

/// What a guard says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    pub(super) name: Option<&'static str>,
    pub(super) schemes: Vec<Scheme>,
    pub(super) scopes: Vec<&'static str>,
    pub(super) conditions: Vec<&'static str>,
    pub(super) optional: bool,
}

impl Description {
    /// The auth schemes. A client may use any one of them.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// The scopes. A user needs all of them; but after [`Guard::or`](crate::Guard::or), the
    /// scopes of both guards are here, and a user needs those of one guard.
    #[must_use]
    pub fn scopes(&self) -> &[&'static str] {
        &self.scopes
    }

    /// The names of the conditions on request and user: those of
    /// [`Guard::allow_if`](crate::Guard::allow_if) and
    /// [`Guard::hide_unless`](crate::Guard::hide_unless).
    #[must_use]
    pub fn conditions(&self) -> &[&'static str] {
        &self.conditions
    }

    /// Whether requests without credentials pass the guard.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.optional
    }
}

/// `Bearer from /token or Basic (reports:read), owner, optional`
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<String> = self.schemes.iter().map(Scheme::to_string).collect();
        match self.name {
            Some(name) => f.write_str(name)?,
            None if schemes.is_empty() => f.write_str("guarded")?,
            None => f.write_str(&schemes.join(" or "))?,
        }
        if !self.scopes.is_empty() {
            write!(f, " ({})", self.scopes.join(" "))?;
        }
        for condition in &self.conditions {
            write!(f, ", {condition}")?;
        }
        f.write_str(if self.optional { ", optional" } else { "" })
    }
}

/// How a client sends credentials, and the challenge that asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer TOKEN`, and the path from which clients get tokens,
    /// if the guard names one.
    Bearer(Challenge, Option<&'static str>),
    /// `Authorization: Basic CREDENTIALS`
    Basic(Challenge),
    /// A key in the header of this name.
    ApiKey(&'static str, Challenge),
}

impl Scheme {
    /// The challenge for a request without credentials.
    #[must_use]
    pub fn challenge(&self) -> &Challenge {
        match self {
            Scheme::Bearer(challenge, _)
            | Scheme::Basic(challenge)
            | Scheme::ApiKey(_, challenge) => challenge,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scheme::Bearer(_, Some(path)) => write!(f, "Bearer from {path}"),
            Scheme::Bearer(_, None) => f.write_str("Bearer"),
            Scheme::Basic(_) => f.write_str("Basic"),
            Scheme::ApiKey(header, _) => f.write_str(header),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_schemes_scopes_and_whether_it_is_optional() {
        let nothing = Description::default();
        assert_eq!(nothing.to_string(), "guarded");
        let challenge = || Challenge::new("X", "r");
        let schemes = vec![
            Scheme::Bearer(challenge(), Some("/token")),
            Scheme::Basic(challenge()),
            Scheme::ApiKey("X-Key", challenge()),
        ];
        let (scopes, conditions) = (vec!["a", "b"], Vec::new());
        let all = Description { name: None, schemes, scopes, conditions, optional: true };
        assert_eq!(all.to_string(), "Bearer from /token or Basic or X-Key (a b), optional");
        let named = Description { name: Some("office hours"), ..all };
        assert_eq!(named.to_string(), "office hours (a b), optional");
    }
}

//! What a guard says of itself.

use std::fmt;

use crate::auth::challenge::Challenge;

/// What a guard says of itself in the route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    pub(crate) name: Option<&'static str>,
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) optional: bool,
}

impl Description {
    /// The schemes that it takes, any one of them.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// The scopes that it wants, all of them.
    #[must_use]
    pub fn scopes(&self) -> &[&'static str] {
        &self.scopes
    }

    /// Whether it lets everyone pass who brings no credentials.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    pub(crate) fn or(mut self, other: &Description) -> Description {
        self.schemes.extend(other.schemes.iter().cloned());
        self.scopes.extend(&other.scopes);
        self.optional |= other.optional;
        self
    }
}

/// `Bearer from /token or Basic (reports:read), optional`
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
        f.write_str(if self.optional { ", optional" } else { "" })
    }
}

/// How credentials are sent, and the challenge that asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer TOKEN`, and the path where tokens are had, if it
    /// is known.
    Bearer(Challenge, Option<&'static str>),
    /// `Authorization: Basic CREDENTIALS`
    Basic(Challenge),
    /// A key in the field of that name.
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

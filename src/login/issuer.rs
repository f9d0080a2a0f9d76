//! Where the tokens of logins are: in memory (`tokens.rs`), or nowhere, because what they say
//! is signed (`signed.rs`).
//!
//! A token is valid until it expires, and while the account that it was issued for stays the
//! same.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::auth::accounts::Account;
use crate::auth::user::User;
use crate::login::keys::TokenKeys;
use crate::login::signed::{self, Signed};
use crate::login::tokens::Tokens;

/// Makes tokens, and finds out what they were issued for.
pub(super) enum Issuer {
    /// Until the process ends.
    Memory(Box<Tokens<Arc<Issued>>>),
    /// As long as their keys are there.
    Signed { keys: TokenKeys, lifetime: Duration },
}

/// What a token was issued for.
pub(super) struct Issued {
    pub(super) account: Account,
    /// The account's user, with the scopes of this token.
    pub(super) user: User,
}

impl Issuer {
    /// A new token.
    ///
    /// # Errors
    ///
    /// The system has no random source, or its clock shows a time that no token can have.
    pub(super) fn issue(&self, issued: Issued) -> io::Result<String> {
        let (keys, lifetime) = match self {
            Issuer::Memory(tokens) => return tokens.issue(Arc::new(issued), Instant::now()),
            Issuer::Signed { keys, lifetime } => (keys, *lifetime),
        };
        let Issued { account, user } = issued;
        let signed = Signed {
            name: user.name().to_owned(),
            scopes: user.scopes().join(" "),
            account: account.fingerprint().unwrap_or_default(),
        };
        signed::issue(keys, signed, lifetime).ok_or_else(|| io::Error::other("it can't be signed"))
    }

    /// The user that a token was issued for, with the scopes of the token. `accounts` finds
    /// the account of a name as it is now.
    pub(super) fn user_of(&self, token: &str, accounts: impl Fn(&str) -> Account) -> Option<User> {
        match self {
            Issuer::Memory(tokens) => {
                let issued = tokens.find(token, Instant::now())?;
                (accounts(issued.user.name()) == issued.account).then(|| issued.user.clone())
            }
            Issuer::Signed { keys, .. } => {
                let Signed { name, scopes, account } = signed::verify(keys, token)?;
                (accounts(&name).fingerprint()? == account)
                    .then(|| User::new(&name, scopes.split_whitespace()))
            }
        }
    }
}

//! Accounts: users that log in with a name and a password (feature `login`;
//! `no_accounts.rs` stands in for this file without it).
//!
//! The time that a login takes must not tell a client which names exist. So a
//! lookup returns an account for every name, and each account hashes the
//! password that it checks.

use std::collections::HashMap;

use crate::auth::password::Password;
use crate::auth::user::User;

/// A user and the password of this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    user: Option<User>,
    password: Option<Password>,
}

impl Account {
    /// The account of a user.
    ///
    /// ```
    /// use guardhouse::{Account, Password, User};
    ///
    /// let account = Account::new(User::new("ann", []), Password::hash("correct-horse")?);
    /// assert_eq!(account.check("correct-horse").unwrap().name(), "ann");
    /// assert_eq!(account.check("wrong-horse"), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn new(user: User, password: Password) -> Account {
        Account { user: Some(user), password: Some(password) }
    }

    /// The account for an unknown name. No password is right, and checking one
    /// takes as long as with a password of [`Password::hash`].
    #[must_use]
    pub fn nobody() -> Account {
        Account { user: None, password: None }
    }

    /// The user, if this is their password.
    #[must_use]
    pub fn check(&self, password: &str) -> Option<&User> {
        // The password is hashed first, whether or not there is a user.
        let is_right = match &self.password {
            Some(own) => own.matches(password),
            None => Password::matches_nothing(password),
        };
        self.user.as_ref().filter(|_| is_right)
    }
}

/// Accounts by their names.
#[derive(Default)]
pub(super) struct Accounts {
    by_name: HashMap<String, Account>,
    /// The account for unknown names. It has the first account's password, so
    /// that a check costs the same, and no user.
    unknown: Option<Account>,
}

impl Accounts {
    /// Adds an account, its password as a PHC string. The error says what is
    /// wrong.
    pub(super) fn add(&mut self, user: User, phc: &str) -> Result<(), &'static str> {
        let password = Password::parse(phc).ok_or(
            "the password is not an Argon2id PHC string: guardhouse --hash-password makes one",
        )?;
        self.unknown
            .get_or_insert_with(|| Account { user: None, password: Some(password.clone()) });
        let name = user.name().to_owned();
        match self.by_name.insert(name, Account::new(user, password)) {
            None => Ok(()),
            Some(_) => Err("another line has the same name and a password"),
        }
    }

    /// The account with this name, or the one for unknown names.
    pub(super) fn by_name(&self, name: &str) -> Account {
        let account = self.by_name.get(name).or(self.unknown.as_ref());
        account.cloned().unwrap_or_else(Account::nobody)
    }

    /// Each user, and the PHC string of this user's password.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&User, String)> {
        let accounts = self.by_name.values();
        accounts.filter_map(|own| Some((own.user.as_ref()?, own.password.as_ref()?.to_string())))
    }

    /// The number of accounts.
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_costs_as_much_as_a_known_one_and_is_refused() {
        // m=8, t=1: quick, and too weak for anything but tests.
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let mut accounts = Accounts::default();
        assert_eq!(accounts.by_name("ann"), Account::nobody());
        assert_eq!(accounts.add(User::new("ann", []), phc), Ok(()));
        assert_eq!(accounts.by_name("ann").check("secret").map(User::name), Some("ann"));
        assert_eq!(accounts.by_name("ann").check("secrex"), None);
        for name in ["Ann", "eve", ""] {
            let unknown = accounts.by_name(name);
            assert_eq!(unknown.password, Password::parse(phc));
            assert_eq!(unknown.check("secret"), None);
        }
        assert_eq!(Account::nobody().check("secret"), None);
    }

    #[test]
    fn a_second_account_with_the_same_name_is_an_error() {
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let mut accounts = Accounts::default();
        assert_eq!(accounts.add(User::new("ann", []), phc), Ok(()));
        assert!(accounts.add(User::new("ann", ["a"]), phc).is_err());
    }
}

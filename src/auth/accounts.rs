//! Accounts: users that log in with a name and a password (feature `login`;
//! `no_accounts.rs` stands in for this file without it).
//!
//! The time that a login takes must not tell a client which names exist. So a
//! lookup returns an account for every name, and each account hashes the
//! password that it checks.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use crate::auth::password::Password;
use crate::auth::phc::PasswordError;
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
    /// assert_eq!(account.check("correct-horse")?.unwrap().name(), "ann");
    /// assert_eq!(account.check("wrong-horse")?, None);
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
    ///
    /// # Errors
    ///
    /// `OutOfMemory`: there is no memory to check the password. A client must not be
    /// told that it is wrong.
    pub fn check(&self, password: &str) -> io::Result<Option<&User>> {
        // The password is hashed first, whether or not there is a user.
        let is_right = match &self.password {
            Some(own) => own.matches(password)?,
            None => Password::match_nothing(password).map(|()| false)?,
        };
        Ok(self.user.as_ref().filter(|_| is_right))
    }
}

/// Accounts by their names.
#[derive(Default)]
pub(super) struct Accounts {
    by_name: HashMap<String, Account>,
    /// The password whose check costs most, by an estimate. An unknown name is checked with
    /// it, so that its answer does not come sooner than that for a known name.
    most_expensive: Option<Password>,
}

impl Accounts {
    /// Adds an account, its password as a PHC string. The error says what is
    /// wrong.
    pub(super) fn add(&mut self, user: User, phc: &str) -> Result<(), &'static str> {
        let password = Password::parse(phc).map_err(PasswordError::text)?;
        let most = self.most_expensive.as_ref().map(Password::cost);
        if most.is_none_or(|most| password.cost().is_above(most)) {
            self.most_expensive = Some(password.clone());
        }
        let name = user.name().to_owned();
        match self.by_name.insert(name, Account::new(user, password)) {
            None => Ok(()),
            Some(_) => Err("another line has the same name and a password"),
        }
    }

    /// Logs a warning if some passwords of a file cost less than others. Their answers
    /// come sooner than that for an unknown name, so a client can see that their names
    /// exist.
    pub(super) fn warn_of_costs(&self, path: &Path) {
        let Some(most) = self.most_expensive.as_ref().map(Password::cost) else { return };
        let costs = self.by_name.values().filter_map(|account| account.password.as_ref());
        let cheaper = costs.filter(|password| most.is_above(password.cost())).count();
        if cheaper > 0 {
            log::warn!(
                "{}: some password hashes cost less than others ({cheaper} less than {most}), so \
                 the time of an answer shows that their names exist: give all the same cost",
                path.display()
            );
        }
    }

    /// The account with this name, or the one for unknown names.
    pub(super) fn by_name(&self, name: &str) -> Account {
        let unknown = || Account { user: None, password: self.most_expensive.clone() };
        let known = self.by_name.get(name);
        let has_expired = |account: &&Account| account.user.as_ref().is_some_and(User::has_expired);
        known.filter(|account| !has_expired(account)).cloned().unwrap_or_else(unknown)
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

    /// The password `secret`, at costs that are quick, and too weak for anything but
    /// tests.
    const CHEAP: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                         QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";

    /// A hash with another cost; no password is right for it.
    fn of_cost(cost: &str) -> String {
        CHEAP.replace("m=8,t=1,p=1", cost)
    }

    fn accounts<'t>(hashes: impl IntoIterator<Item = &'t str>) -> Accounts {
        let mut accounts = Accounts::default();
        for (name, hash) in ["ann", "bob", "cyd", "dan"].iter().zip(hashes) {
            assert_eq!(accounts.add(User::new(name, []), hash), Ok(()));
        }
        accounts
    }

    #[test]
    fn an_unknown_name_is_checked_like_a_known_one_and_refused() {
        let accounts = accounts([CHEAP]);
        let name = |account: &Account, password| {
            account.check(password).expect("memory").map(|user| user.name().to_owned())
        };
        assert_eq!(name(&accounts.by_name("ann"), "secret").as_deref(), Some("ann"));
        assert_eq!(name(&accounts.by_name("ann"), "secrex"), None);
        for other in ["Ann", "eve", ""] {
            let unknown = accounts.by_name(other);
            assert_eq!(unknown.password, Password::parse(CHEAP).ok());
            assert_eq!(name(&unknown, "secret"), None);
        }
        assert_eq!(Accounts::default().by_name("ann"), Account::nobody());
        assert_eq!(name(&Account::nobody(), "secret"), None);
    }

    #[test]
    fn an_unknown_name_costs_what_the_most_expensive_account_costs() {
        let [long, large, both] = ["m=8,t=9,p=1", "m=72,t=1,p=1", "m=64,t=2,p=2"].map(of_cost);
        for (hashes, most) in [
            ([CHEAP, &long, &large, &both], "m=64,t=2,p=2"),
            ([&both, &large, &long, CHEAP], "m=64,t=2,p=2"),
            ([&large, &both, CHEAP, &long], "m=64,t=2,p=2"),
            // With the same work, more memory takes longer.
            ([CHEAP, &large, &long, CHEAP], "m=72,t=1,p=1"),
            ([&long, CHEAP, CHEAP, &large], "m=72,t=1,p=1"),
            ([CHEAP, CHEAP, CHEAP, &long], "m=8,t=9,p=1"),
        ] {
            let unknown = accounts(hashes).by_name("eve");
            assert_eq!(unknown.password.expect("a password").cost().to_string(), most);
        }
    }

    #[test]
    fn a_second_account_with_the_same_name_is_an_error() {
        let mut accounts = accounts([CHEAP]);
        assert!(accounts.add(User::new("ann", ["a"]), CHEAP).is_err());
    }

    #[test]
    fn a_hash_that_can_never_match_is_an_error_that_says_why() {
        let mut accounts = Accounts::default();
        for (cost, says) in [
            ("m=8,t=1", "each once"),
            ("m=8,t=1,p=1,p=1", "each once"),
            ("m=8,t=0,p=1", "no such cost"),
            ("m=262145,t=1,p=1", "costs too much"),
        ] {
            let reason = accounts.add(User::new("ann", []), &of_cost(cost)).expect_err(cost);
            assert!(reason.contains(says), "{reason}");
        }
        assert_eq!(accounts.len(), 0);
    }
}

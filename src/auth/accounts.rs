//! Who may log in: names, and the passwords that prove them. An unknown name has
//! an account as well, so that a login does the same work for each.

use std::collections::HashMap;

use crate::auth::password::Password;
use crate::auth::user::User;

/// Who a name is, and the password that proves it: what a login is to find.
///
/// For an unknown name that is [`nobody`](Account::nobody)'s: its password is
/// checked like any other, so that the time it takes does not tell who exists.
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

    /// The account of an unknown name. No password opens it, and to try one
    /// costs what it costs with those of [`Password::hash`].
    #[must_use]
    pub fn nobody() -> Account {
        Account { user: None, password: None }
    }

    /// Nobody's account, that costs what this one does: whose password it has
    /// does not matter where there is no user.
    fn for_nobody(&self) -> Account {
        Account { user: None, password: self.password.clone() }
    }

    /// The user, if there is one and this is the password.
    #[must_use]
    pub fn check(&self, password: &str) -> Option<&User> {
        // The password comes first, whoever it is.
        let is_right = match &self.password {
            Some(own) => own.matches(password),
            None => Password::matches_nobody(password),
        };
        self.user.as_ref().filter(|_| is_right)
    }
}

/// Accounts by their names.
#[derive(Default)]
pub(crate) struct Accounts {
    by_name: HashMap<String, Account>,
    /// What it costs to try one, as the first of them has it.
    nobody: Option<Account>,
}

impl Accounts {
    /// Adds an account; `false` if there is one of that name.
    pub(crate) fn add(&mut self, user: User, password: Password) -> bool {
        let name = user.name().to_owned();
        let account = Account::new(user, password);
        self.nobody.get_or_insert_with(|| account.for_nobody());
        self.by_name.insert(name, account).is_none()
    }

    /// The account of that name, or nobody's.
    pub(crate) fn by_name(&self, name: &str) -> Account {
        let account = self.by_name.get(name).or(self.nobody.as_ref());
        account.cloned().unwrap_or_else(Account::nobody)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_costs_what_the_others_do_and_is_not_let_in() {
        // m=8, t=1: quick, and of no other use.
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let secret = Password::parse(phc).expect("a PHC string");
        let mut accounts = Accounts::default();
        assert_eq!(accounts.by_name("ann"), Account::nobody());
        assert!(accounts.add(User::new("ann", []), secret.clone()));
        assert!(!accounts.add(User::new("ann", ["a"]), secret.clone()));
        assert_eq!(accounts.by_name("ann").check("secret").map(User::name), Some("ann"));
        assert_eq!(accounts.by_name("ann").check("secrex"), None);
        for name in ["Ann", "eve", ""] {
            let nobody = accounts.by_name(name);
            assert_eq!(nobody.password, Some(secret.clone()));
            assert_eq!(nobody.check("secret"), None);
        }
        assert_eq!(Account::nobody().check("secret"), None);
    }
}

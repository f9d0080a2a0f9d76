//! Accounts: users that log in with a name and a password (feature `login`;
//! `no_accounts.rs` stands in for this file without it).
//!
//! The time that a login takes must not tell a client which names exist. So a
//! lookup returns an account for every name, and each account hashes the
//! password that it checks.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use blake2::{Blake2s256, Digest};

use crate::auth::password::Password;
use crate::auth::phc::PasswordError;
use crate::auth::user::User;
use crate::limits::Limits;

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

/// What a signed token knows of an account.
impl Account {
    /// A hash of the name, the scopes, the last day and the password's hash; `None` for an
    /// unknown name.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let (user, password) = (self.user.as_ref()?, self.password.as_ref()?);
        let last_day = user.last_day().map(|day| day.to_string()).unwrap_or_default();
        let (name, scopes) = (user.name(), user.scopes().join(" "));
        let hash = Blake2s256::digest(format!("{name}\n{scopes}\n{last_day}\n{password}"));
        // 128 bits are enough: a client can't choose an account's hash.
        Some(hash.iter().take(16).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
    }
}

/// Users and their passwords, by name.
#[derive(Default)]
pub(super) struct Accounts {
    by_name: HashMap<String, (User, Password)>,
    /// A password of each cost. An unknown name is checked with the first one, which
    /// takes longest, so that its answer does not come sooner than that for a known name.
    costs: Vec<Password>,
}

impl Accounts {
    /// Adds an account, its password as a PHC string. No account has its name yet:
    /// `users_text.rs` has checked that. The error says what is wrong. After the last account,
    /// call [`measure`](Accounts::measure).
    pub(super) fn add(&mut self, user: User, phc: &str) -> Result<(), &'static str> {
        let password = Password::parse(phc).map_err(PasswordError::text)?;
        if !self.costs.iter().any(|other| other.cost() == password.cost()) {
            if self.costs.len() == Limits::HASH_COSTS {
                return Err("the cost of this password's hash is the ninth different one in the \
                            file, and at most 8 are accepted: give all the same m, t and p");
            }
            self.costs.push(password.clone());
        }
        self.by_name.insert(user.name().to_owned(), (user, password));
        Ok(())
    }

    /// Finds the cost that takes longest. If there are several, this computes a hash of
    /// each, one after the other, because the numbers do not tell: one with more memory
    /// can take longer than one with more work.
    pub(super) fn measure(&mut self) {
        self.sort_costs(|password| {
            // Without memory for a check, its account is answered 503, and so is an
            // unknown name.
            password.measure().unwrap_or(Duration::MAX)
        });
    }

    fn sort_costs(&mut self, time: impl FnMut(&Password) -> Duration) {
        if self.costs.len() > 1 {
            self.costs.sort_by_cached_key(time);
            self.costs.reverse();
        }
    }

    /// Logs a warning if the passwords of a file have different costs. The time of an
    /// answer then shows which names exist.
    pub(super) fn warn_of_costs(&self, path: &Path) {
        let [most, _, ..] = &self.costs[..] else { return };
        let own = self.by_name.values();
        let others = own.filter(|(_, password)| password.cost() != most.cost()).count();
        let costs: Vec<String> = self.costs.iter().map(|own| own.cost().to_string()).collect();
        log::warn!(
            "{}: the password hashes have {} different costs ({}). The first takes longest, and \
             an unknown name takes as long. So a client can tell from the time of an answer \
             which names have another cost, here {others}: give all hashes the same cost",
            path.display(),
            costs.len(),
            costs.join("; "),
        );
    }

    /// The account with this name, or the one for unknown names.
    pub(super) fn by_name(&self, name: &str) -> Account {
        match self.by_name.get(name) {
            Some((user, password)) if !user.has_expired() => {
                Account::new(user.clone(), password.clone())
            }
            _ => Account { user: None, password: self.costs.first().cloned() },
        }
    }

    /// Each user, and the PHC string of this user's password.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&User, String)> {
        self.by_name.values().map(|(user, password)| (user, password.to_string()))
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

    #[track_caller]
    fn assert_unknown_costs(accounts: &Accounts, cost: &str) {
        let unknown = accounts.by_name("eve");
        assert_eq!(unknown.password.expect("a password").cost().to_string(), cost);
    }

    #[test]
    fn an_unknown_name_costs_what_the_account_costs_that_takes_longest() {
        let costs = ["m=8,t=9,p=1", "m=72,t=1,p=1", "m=64,t=2,p=2", "m=128,t=1,p=16"];
        let hashes = costs.map(of_cost);
        for longest in costs {
            for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
                let mut accounts = accounts(order.map(|number| &hashes[number][..]));
                accounts.sort_costs(|password| {
                    Duration::from_millis((password.cost().to_string() == longest).into())
                });
                assert_unknown_costs(&accounts, longest);
            }
        }
    }

    #[test]
    fn costs_are_measured_and_not_estimated() {
        // The times differ so much that no other program's work can change their order.
        let [much, little] = ["m=8,t=2000,p=1", "m=1024,t=1,p=1"].map(of_cost);
        for hashes in [[CHEAP, &much, &little], [&much, &little, CHEAP], [&little, CHEAP, &much]] {
            let mut accounts = accounts(hashes);
            accounts.measure();
            assert_unknown_costs(&accounts, "m=8,t=2000,p=1");
        }
        // With one cost, nothing is measured.
        let mut accounts = accounts([CHEAP, CHEAP]);
        accounts.sort_costs(|_| panic!("measured"));
        assert_unknown_costs(&accounts, "m=8,t=1,p=1");
    }

    #[test]
    fn a_file_has_at_most_eight_different_costs() {
        let mut accounts = Accounts::default();
        for passes in 1..=8 {
            for half in ["a", "b"] {
                let (name, cost) = (format!("{half}{passes}"), format!("m=8,t={passes},p=1"));
                assert_eq!(accounts.add(User::new(&name, []), &of_cost(&cost)), Ok(()));
            }
        }
        let reason = accounts.add(User::new("ann", []), &of_cost("m=8,t=9,p=1"));
        assert!(reason.expect_err("a ninth cost").contains("ninth"));
        assert_eq!(Limits::HASH_COSTS, 8);
    }

    #[test]
    fn a_hash_that_can_never_match_is_an_error_that_says_why() {
        let mut accounts = Accounts::default();
        for (cost, says) in [
            ("m=8,t=1", "each once"),
            ("m=8,t=1,p=1,p=1", "each once"),
            ("m=8,t=0,p=1", "no such cost"),
            ("m=262145,t=1,p=1", "costs too much"),
            ("m=8192,t=1,p=17", "costs too much"),
        ] {
            let reason = accounts.add(User::new("ann", []), &of_cost(cost)).expect_err(cost);
            assert!(reason.contains(says), "{reason}");
        }
        assert_eq!(accounts.len(), 0);
    }
}

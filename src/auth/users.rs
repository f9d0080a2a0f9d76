//! Who exists: names, the tokens that they show or the passwords that they log
//! in with, and what they may do; from a file, a line each.
//!
//! A lookup tells nothing but its result. A keyed hash picks the entry, with a
//! key that is new in each process, so where in the store a guess ends up says
//! nothing about the tokens around it; and what is found there is compared in
//! constant time. That costs the same for three users as for 100,000.

#[cfg(feature = "login")]
use crate::auth::accounts::{Account, Accounts};
use crate::auth::secret::is_same;
use crate::auth::user::User;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

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
    pub(crate) entries: Vec<Entry>,
    pub(crate) key: RandomState,
    #[cfg(feature = "login")]
    pub(crate) accounts: Accounts,
}

pub(crate) struct Entry {
    tag: u64,
    pub(crate) token: String,
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
        Users {
            entries,
            key,
            #[cfg(feature = "login")]
            accounts: Accounts::default(),
        }
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

    /// The account of that name, [`nobody`](Account::nobody)'s if none has it.
    /// To try that one costs what the first of the others does.
    ///
    /// ```
    /// use guardhouse::{Password, Users};
    ///
    /// let users = Users::parse(&format!("ann:{}:read", Password::hash("correct-horse")?))?;
    /// assert_eq!(users.account("ann").check("correct-horse").unwrap().scopes(), ["read"]);
    /// assert_eq!(users.account("eve").check("correct-horse"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "login")]
    #[must_use]
    pub fn account(&self, name: &str) -> Account {
        self.accounts.by_name(name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = self.entries.len();
        #[cfg(feature = "login")]
        let count = count + self.accounts.len();
        count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Shows no token.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::users_file::new_line;

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

    #[test]
    fn each_bad_line_is_named_with_its_reason() {
        for (text, says) in [
            ("ann", "line 1: no colon behind the name"),
            ("\n# x\n:token\n", "line 3: no name before the colon"),
            ("a\u{1}:token", "line 1: no name before the colon"),
            (
                "ann:",
                "line 1: the token is not made of letters, digits, - . _ ~ + / and = at its end",
            ),
            (
                "ann:tok en",
                "line 1: the token is not made of letters, digits, - . _ ~ + / and = at its end",
            ),
            ("ann:a:read \"x\"", "line 1: a scope has a character that no scope may have"),
            ("ann:a\r\nbob:a\r\n", "line 2: another line has the same token"),
            #[cfg(not(feature = "login"))]
            (
                "ann:$argon2id$",
                "line 1: passwords are read by builds with logins: cargo build --release --features login",
            ),
            #[cfg(feature = "login")]
            (
                "ann:$argon2id$",
                "line 1: the password is not an Argon2id PHC string: guardhouse --hash-password makes one",
            ),
        ] {
            assert_eq!(Users::parse(text).expect_err(text).to_string(), says);
        }
    }

    #[test]
    fn comments_blank_lines_and_crlf_are_tolerated() {
        let users =
            Users::parse("\r\n# c\r\n  ann : t1 : a  b \r\n\r\nbob:t2:\nann:t3").expect("a file");
        assert_eq!(users.len(), 3);
        assert_eq!(users.by_token("t1").expect("ann").scopes(), ["a", "b"]);
        assert_eq!(users.by_token("t2").expect("bob").scopes(), [""; 0]);
        assert_eq!(users.by_token("t3").expect("ann").name(), "ann");
        assert_eq!(users.short_tokens(), 3);
    }

    #[test]
    fn a_new_line_is_a_line_and_never_the_same() {
        let line = || new_line("ann", &["read".to_owned()]).expect("a line");
        let (first, second) = (line(), line());
        assert_ne!(first, second);
        let users = Users::parse(&format!("{first}\n{second}")).expect("two lines");
        assert_eq!((users.len(), users.short_tokens()), (2, 0));
        for (name, scope) in
            [("", "a"), ("a:b", "a"), ("#a", "a"), ("a", "a b"), ("a", "\""), (" a", "b")]
        {
            assert!(new_line(name, &[scope.to_owned()]).is_err(), "{name:?} {scope:?}");
        }
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_name_has_tokens_and_a_password_or_either() {
        // m=8, t=1: quick, and of no other use.
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let text = format!("ann:t1:a\nann:{phc}:a b\nbob:{phc}\ncyd:t2");
        let users = Users::parse(&text).expect("a file");
        assert_eq!(users.len(), 4);
        assert_eq!(users.by_token("t1").expect("ann").scopes(), ["a"]);
        assert_eq!(users.account("ann").check("secret").expect("ann").scopes(), ["a", "b"]);
        assert_eq!(users.account("bob").check("secret").expect("bob").name(), "bob");
        assert_eq!(users.account("cyd").check("t2"), None, "a token is no password");
        assert_eq!(users.by_token(phc), None, "and a hash is no token");
        let twice = format!("ann:{phc}\nann:{phc}");
        assert_eq!(
            Users::parse(&twice).expect_err("twice").to_string(),
            "line 2: another line has the same name, and a password"
        );
    }
}

//! The users file: its lines, its errors, and how it is loaded again while
//! guards look users up.
//!
//! A new store replaces the old one as a whole. A lookup keeps nothing in its
//! thread. So when a line is deleted, its user is gone from memory after a reload.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::auth::accounts::Accounts;
use crate::auth::credentials::b64token;
use crate::auth::secret::{new_token, warn_of_readers};
use crate::auth::user::User;
use crate::auth::users::Users;

/// Shorter tokens can be guessed: 22 characters of Base64 hold 132 bits.
const SHORT_TOKEN: usize = 22;

/// The users of a file. The file can be loaded again while guards look users up.
#[derive(Debug)]
pub struct UsersFile {
    path: PathBuf,
    users: RwLock<Users>,
}

impl UsersFile {
    /// Loads a users file; [`Users::parse`] describes its lines. Logs a warning
    /// if other users of the machine can read the file, or if tokens in it are
    /// so short that they can be guessed.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] if the file can't be read or a line is wrong.
    pub fn load(path: impl Into<PathBuf>) -> Result<UsersFile, LoadError> {
        let path = path.into();
        let users = RwLock::new(load(&path)?);
        Ok(UsersFile { path, users })
    }

    /// Loads the file again. After that, lookups find the new users and none of
    /// the old ones.
    ///
    /// # Errors
    ///
    /// The same as [`UsersFile::load`]. Lookups then still find the old users.
    pub fn reload(&self) -> Result<(), LoadError> {
        let new = load(&self.path)?;
        let old =
            mem::replace(&mut *self.users.write().unwrap_or_else(PoisonError::into_inner), new);
        // To free a large store takes some time. Here the lock is free again, so
        // no lookup waits for it.
        drop(old);
        Ok(())
    }

    /// The user with this token.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<User> {
        self.users().by_token(token)
    }

    /// The account with this name; see [`Users::account`].
    // The type `Account` is public, and exists with the feature only.
    #[cfg(feature = "login")]
    #[must_use]
    pub fn account(&self, name: &str) -> crate::auth::accounts::Account {
        self.users().account(name)
    }

    /// The number of tokens and accounts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users().len()
    }

    /// Whether there are no tokens and no accounts. Then guards refuse everyone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn users(&self) -> RwLockReadGuard<'_, Users> {
        self.users.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(path: &Path) -> Result<Users, LoadError> {
    let failed = |cause| LoadError { path: path.to_owned(), cause };
    let text = fs::read_to_string(path).map_err(|error| failed(LoadCause::Read(error)))?;
    let users = Users::parse(&text).map_err(|error| failed(LoadCause::Line(error)))?;
    warn_of_readers(path, "the tokens");
    let short = users.tokens().filter(|token| token.len() < SHORT_TOKEN).count();
    if short > 0 {
        log::warn!(
            "{}: tokens shorter than {SHORT_TOKEN} characters can be guessed, and this file \
             has {short}: guardhouse --new-token makes longer ones",
            path.display()
        );
    }
    users.accounts().warn_of_costs(path);
    Ok(users)
}

impl Users {
    /// Reads users from text. Each line is `name:token` or `name:token:scopes`,
    /// with spaces between the scopes. Blank lines, and lines that begin with
    /// `#`, are skipped.
    ///
    /// With the feature `login`, a PHC string can take the token's place:
    /// `name:$argon2id$…:scopes` is a user with a password, to log in with.
    ///
    /// ```
    /// use guardhouse::Users;
    ///
    /// let users = Users::parse("# the team\nann:s3cret-of-ann:read write\n")?;
    /// assert_eq!(users.by_token("s3cret-of-ann").unwrap().scopes(), ["read", "write"]);
    ///
    /// let error = Users::parse("ann:s3cret\nbob\n").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2: no colon after the name: write name:token");
    /// # Ok::<(), guardhouse::users::LineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`LineError`] for the first line that has another form, has the same
    /// token as an earlier line, or has a password and the same name as an
    /// earlier line with a password.
    pub fn parse(text: &str) -> Result<Users, LineError> {
        let mut users = Vec::new();
        let mut tokens = HashSet::new();
        let mut accounts = Accounts::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason| LineError { number, reason };
            let (user, secret) = parse_line(line).map_err(wrong)?;
            // Every PHC string begins with `$`, and no token has one.
            if secret.starts_with('$') {
                accounts.add(user, secret).map_err(wrong)?;
                continue;
            }
            // No client can send a token of another form.
            if b64token(secret.as_bytes()).is_none() {
                return Err(wrong("a token has letters, digits, - . _ ~ + / and, at its end, ="));
            }
            if !tokens.insert(secret) {
                return Err(wrong("another line has the same token"));
            }
            users.push((secret, user));
        }
        Ok(Users::new(users).with_accounts(accounts))
    }
}

/// The user of a line, and the secret of the line: a token or a PHC string.
/// The error says what is wrong.
fn parse_line(line: &str) -> Result<(User, &str), &'static str> {
    let (name, rest) = line.split_once(':').ok_or("no colon after the name: write name:token")?;
    let (secret, scopes) = rest.split_once(':').unwrap_or((rest, ""));
    let name = name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("the name is empty or has a control character");
    }
    // scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3)
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !scopes.split_whitespace().all(|scope| scope.bytes().all(is_allowed)) {
        return Err("a scope has ASCII letters, digits and signs, but no \" and no \\");
    }
    Ok((User::new(name, scopes.split_whitespace()), secret.trim()))
}

/// A line for a users file, with a new token: 256 random bits in hexadecimal.
///
/// # Errors
///
/// The system has no random source, or a users file can't hold this name or one
/// of these scopes.
pub fn new_line(name: &str, scopes: &[String]) -> io::Result<String> {
    let line = format!("{name}:{}:{}", new_token()?, scopes.join(" "));
    let is_same = |user: User| user.name() == name && user.scopes() == scopes;
    let is_read_back = parse_line(&line).is_ok_and(|(user, _)| is_same(user));
    if is_read_back && !name.starts_with('#') {
        Ok(line)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// What is wrong with a line. The error never shows the line: it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    number: usize,
    reason: &'static str,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.reason)
    }
}

impl std::error::Error for LineError {}

/// Why a users file could not be loaded.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    cause: LoadCause,
}

#[derive(Debug)]
enum LoadCause {
    Read(io::Error),
    Line(LineError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.cause {
            LoadCause::Read(error) => write!(f, "{path} can't be read: {error}"),
            LoadCause::Line(error) => write!(f, "{path}, {error}"),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_line_has_an_error_with_its_number_and_reason() {
        let token = "a token has letters, digits, - . _ ~ + / and, at its end, =";
        for (text, number, reason) in [
            ("ann", 1, "no colon after the name: write name:token"),
            ("\n# x\n:token\n", 3, "the name is empty or has a control character"),
            ("a\u{1}:token", 1, "the name is empty or has a control character"),
            ("ann:", 1, token),
            ("ann:tok en", 1, token),
            (
                "ann:a:read \"x\"",
                1,
                "a scope has ASCII letters, digits and signs, but no \" and no \\",
            ),
            ("ann:a\r\nbob:a\r\n", 2, "another line has the same token"),
        ] {
            assert_eq!(Users::parse(text).expect_err(text), LineError { number, reason });
        }
    }

    #[test]
    fn a_password_that_can_not_be_read_is_an_error() {
        let error = Users::parse("ann:$argon2id$").expect_err("no whole hash").to_string();
        let expected = if cfg!(feature = "login") {
            "line 1: the password is not an Argon2id PHC string: guardhouse --hash-password makes one"
        } else {
            "line 1: a password needs a build with the feature login: cargo build --release --features login"
        };
        assert_eq!(error, expected);
    }

    #[test]
    fn comments_blank_lines_and_crlf_are_allowed() {
        let users =
            Users::parse("\r\n# c\r\n  ann : t1 : a  b \r\n\r\nbob:t2:\nann:t3").expect("a file");
        assert_eq!(users.len(), 3);
        assert_eq!(users.by_token("t1").expect("ann").scopes(), ["a", "b"]);
        assert_eq!(users.by_token("t2").expect("bob").scopes(), [""; 0]);
        assert_eq!(users.by_token("t3").expect("ann").name(), "ann");
    }

    #[test]
    fn a_new_line_can_be_read_and_two_are_never_the_same() {
        let line = || new_line("ann", &["read".to_owned()]).expect("a line");
        let (first, second) = (line(), line());
        assert_ne!(first, second);
        let users = Users::parse(&format!("{first}\n{second}")).expect("two lines");
        assert_eq!(users.len(), 2);
        assert!(users.tokens().all(|token| token.len() >= SHORT_TOKEN));
        for (name, scope) in
            [("", "a"), ("a:b", "a"), ("#a", "a"), ("a", "a b"), ("a", "\""), (" a", "b")]
        {
            assert!(new_line(name, &[scope.to_owned()]).is_err(), "{name:?} {scope:?}");
        }
    }

    #[test]
    fn a_reload_frees_the_users_whose_lines_are_gone() {
        let path =
            std::env::temp_dir().join(format!("guardhouse-{}", new_token().expect("a token")));
        fs::write(&path, "ann:t1\n").expect("a file");
        let file = UsersFile::load(&path).expect("a users file");
        let ann = file.by_token("t1").expect("ann");
        let in_memory = ann.downgrade();
        drop(ann);
        assert!(in_memory.upgrade().is_some(), "the store has her");
        fs::write(&path, "bob:t2\n").expect("a file");
        file.reload().expect("a users file");
        // This thread looked her up, and kept nothing.
        assert!(in_memory.upgrade().is_none(), "nothing has her");
        fs::remove_file(&path).expect("the file is there");
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_name_can_have_tokens_and_one_password() {
        // m=8, t=1: quick, and too weak for anything but tests.
        let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
        let text = format!("ann:t1:a\nann:{phc}:a b\nbob:{phc}\ncyd:t2");
        let users = Users::parse(&text).expect("a file");
        assert_eq!(users.len(), 4);
        assert_eq!(users.by_token("t1").expect("ann").scopes(), ["a"]);
        assert_eq!(
            users.account("ann").check("secret").unwrap().expect("ann").scopes(),
            ["a", "b"]
        );
        assert_eq!(users.account("bob").check("secret").unwrap().expect("bob").name(), "bob");
        assert_eq!(users.account("cyd").check("t2").unwrap(), None, "a token is not a password");
        assert_eq!(users.by_token(phc), None, "a hash is not a token");
        let twice = format!("ann:{phc}\nann:{phc}");
        assert_eq!(
            Users::parse(&twice).expect_err("twice").to_string(),
            "line 2: another line has the same name and a password"
        );
    }
}

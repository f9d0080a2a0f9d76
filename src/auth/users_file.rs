//! The users file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "login")]
use crate::auth::accounts::{Account, Accounts};
use crate::auth::credentials::b64token;
#[cfg(feature = "login")]
use crate::auth::password::Password;
use crate::auth::secret::{self, warn_of_readers};
use crate::auth::user::User;
use crate::auth::users::Users;

/// Shorter tokens can be guessed: 22 characters of Base64 are 132 bits.
const SHORT_TOKEN: usize = 22;

impl Users {
    /// Reads users from text: a line each, `name:token` or `name:token:scopes`,
    /// with spaces between scopes. Blank lines, and lines that begin with `#`,
    /// are skipped.
    ///
    /// With the feature `login` a PHC string may stand for the token:
    /// `name:$argon2id$…:scopes` is a user who logs in, with a password.
    ///
    /// ```
    /// use guardhouse::Users;
    ///
    /// let users = Users::parse("# who may come in\nann:s3cret-of-ann:read write\n")?;
    /// assert_eq!(users.by_token("s3cret-of-ann").unwrap().scopes(), ["read", "write"]);
    ///
    /// let error = Users::parse("ann:s3cret\nbob\n").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2: no colon behind the name");
    /// # Ok::<(), guardhouse::users::LineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first line that is none of these, or has another line's token, or
    /// another one's name and a password as well.
    pub fn parse(text: &str) -> Result<Users, LineError> {
        let mut users = Vec::new();
        #[cfg(feature = "login")]
        let mut accounts = Accounts::default();
        let mut tokens = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason| LineError { number, reason };
            let (secret, user) = parse_line(line).map_err(wrong)?;
            match secret {
                Secret::Token(token) => {
                    if tokens.insert(token, number).is_some() {
                        return Err(wrong("another line has the same token"));
                    }
                    users.push((token, user));
                }
                #[cfg(feature = "login")]
                Secret::Password(password) => {
                    if !accounts.add(user, password) {
                        return Err(wrong("another line has the same name, and a password"));
                    }
                }
            }
        }
        Ok(Users {
            #[cfg(feature = "login")]
            accounts,
            ..Users::new(users)
        })
    }

    /// How many tokens are so short that they can be guessed.
    #[must_use]
    pub fn short_tokens(&self) -> usize {
        self.entries.iter().filter(|entry| entry.token.len() < SHORT_TOKEN).count()
    }
}

/// What a user shows: the second part of a line.
enum Secret<'l> {
    Token(&'l str),
    #[cfg(feature = "login")]
    Password(Password),
}

impl<'l> Secret<'l> {
    fn parse(text: &'l str) -> Result<Secret<'l>, &'static str> {
        // No token has a `$`.
        if text.starts_with('$') {
            return Secret::parse_password(text);
        }
        // What no client can send would never be found.
        b64token(text.as_bytes())
            .map(Secret::Token)
            .ok_or("the token is not made of letters, digits, - . _ ~ + / and = at its end")
    }

    #[cfg(feature = "login")]
    fn parse_password(phc: &str) -> Result<Secret<'l>, &'static str> {
        Password::parse(phc).map(Secret::Password).ok_or(
            "the password is not an Argon2id PHC string: guardhouse --hash-password makes one",
        )
    }

    #[cfg(not(feature = "login"))]
    fn parse_password(_: &str) -> Result<Secret<'l>, &'static str> {
        Err("passwords are read by builds with logins: cargo build --release --features login")
    }
}

fn parse_line(line: &str) -> Result<(Secret<'_>, User), &'static str> {
    let (name, rest) = line.split_once(':').ok_or("no colon behind the name")?;
    let (secret, scopes) = rest.split_once(':').unwrap_or((rest, ""));
    let (name, secret) = (name.trim(), secret.trim());
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("no name before the colon");
    }
    let secret = Secret::parse(secret)?;
    // scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3)
    let is_scope = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !scopes.split_whitespace().all(|scope| scope.bytes().all(is_scope)) {
        return Err("a scope has a character that no scope may have");
    }
    Ok((secret, User::new(name, scopes.split_whitespace())))
}

/// A line ready for a users file, with a new token: 256 random bits from the
/// system, in hexadecimal.
///
/// # Errors
///
/// The system has no random source, or the name or a scope can't be in a file.
pub fn new_line(name: &str, scopes: &[String]) -> io::Result<String> {
    let line = format!("{name}:{}:{}", secret::token()?, scopes.join(" "));
    let is_good = parse_line(&line)
        .is_ok_and(|(_, user)| user.name() == name && user.scopes() == scopes)
        && !name.starts_with('#');
    if is_good { Ok(line) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// What is wrong with a line. Its text never has the line's own.
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

/// The users of a file, which can be loaded again while they are looked up.
///
/// A lookup takes no lock: each thread keeps the store that it saw last, and
/// asks one atomic number whether it is still the one. Only the first lookup
/// after a load takes the lock, to fetch the new store.
#[derive(Debug)]
pub struct UsersFile {
    path: PathBuf,
    current: Mutex<Arc<Users>>,
    /// Unique among all versions of all files.
    version: AtomicU64,
}

/// The number of the last version that was loaded.
static VERSIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The version that this thread looked at last.
    static SEEN: RefCell<Option<(u64, Arc<Users>)>> = const { RefCell::new(None) };
}

impl UsersFile {
    /// Loads a users file; [`Users::parse`] has its form. What makes it less
    /// safe than it could be (others can read it, tokens are short) is logged.
    ///
    /// # Errors
    ///
    /// The file can't be read, or a line in it can't. Nothing is half-loaded.
    pub fn load(path: impl Into<PathBuf>) -> Result<UsersFile, LoadError> {
        let path = path.into();
        let current = Mutex::new(Arc::new(load(&path)?));
        Ok(UsersFile { path, current, version: AtomicU64::new(next_version()) })
    }

    /// Loads the file again. From then on lookups see the new users, all of
    /// them and none of the old ones.
    ///
    /// # Errors
    ///
    /// As [`UsersFile::load`]; then the users stay who they were.
    pub fn reload(&self) -> Result<(), LoadError> {
        let users = Arc::new(load(&self.path)?);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = users;
        self.version.store(next_version(), SeqCst);
        Ok(())
    }

    /// The user whose token this is.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<User> {
        self.look_up(|users| users.by_token(token))
    }

    /// The account of that name, [`nobody`](Account::nobody)'s if none has it.
    #[cfg(feature = "login")]
    #[must_use]
    pub fn account(&self, name: &str) -> Account {
        self.look_up(|users| users.account(name))
    }

    fn look_up<T>(&self, find: impl FnOnce(&Users) -> T) -> T {
        let version = self.version.load(SeqCst);
        SEEN.with_borrow_mut(|seen| {
            let (_, users) = match seen {
                Some(last) if last.0 == version => last,
                _ => {
                    let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                    // Under the lock the two belong together.
                    seen.insert((self.version.load(SeqCst), Arc::clone(&current)))
                }
            };
            find(users)
        })
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none: then nobody can come in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn next_version() -> u64 {
    VERSIONS.fetch_add(1, SeqCst) + 1
}

fn load(path: &Path) -> Result<Users, LoadError> {
    let failed = |cause| LoadError { path: path.to_owned(), cause };
    let text = fs::read_to_string(path).map_err(|error| failed(LoadCause::Read(error)))?;
    let users = Users::parse(&text).map_err(|error| failed(LoadCause::Line(error)))?;
    warn_of_readers(path, "the tokens");
    let short = users.short_tokens();
    if short > 0 {
        log::warn!("{}: {short} tokens are short enough to be guessed", path.display());
    }
    Ok(users)
}

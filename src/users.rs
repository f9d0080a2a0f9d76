//! Who exists: names, the tokens that they show, and what they may do; from a
//! file, a line each.
//!
//! A lookup tells nothing but its result. A keyed hash picks the entry, with a
//! key that is new in each process, so where in the store a guess ends up says
//! nothing about the tokens around it; and what is found there is compared in
//! constant time. That costs the same for three users as for 100,000.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use crate::authorization::b64token;
use crate::guard::{Scoped, is_same};

/// Somebody with a name and scopes (RFC 6749 §3.3). Clones share both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(Arc<Profile>);

#[derive(Debug, PartialEq, Eq)]
struct Profile {
    name: String,
    scopes: Vec<String>,
}

impl User {
    /// A user of that name, with those scopes.
    ///
    /// ```
    /// use guardhouse::guard::Scoped;
    ///
    /// let ann = guardhouse::User::new("Ann", ["read", "write"]);
    /// assert!(ann.has_scope("write") && !ann.has_scope("admin"));
    /// ```
    #[must_use]
    pub fn new<'s>(name: &str, scopes: impl IntoIterator<Item = &'s str>) -> User {
        let scopes = scopes.into_iter().map(str::to_owned).collect();
        User(Arc::new(Profile { name: name.to_owned(), scopes }))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The scopes, in the order given.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }
}

/// Scopes are case-sensitive (RFC 6749 §3.3).
impl Scoped for User {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes().iter().any(|own| own == scope)
    }
}

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
    entries: Vec<Entry>,
    key: RandomState,
}

struct Entry {
    tag: u64,
    token: String,
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
        Users { entries, key }
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

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Shows no token.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({})", self.entries.len())
    }
}

/// Shorter tokens can be guessed: 22 characters of Base64 are 132 bits.
const SHORT_TOKEN: usize = 22;

impl Users {
    /// Reads users from text: a line each, `name:token` or `name:token:scopes`,
    /// with spaces between scopes. Blank lines, and lines that begin with `#`,
    /// are skipped.
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
    /// The first line that is none of these, or has another line's token.
    pub fn parse(text: &str) -> Result<Users, LineError> {
        let mut users = Vec::new();
        let mut tokens = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (token, user) = parse_line(line).map_err(|reason| LineError { number, reason })?;
            if tokens.insert(token, number).is_some() {
                return Err(LineError { number, reason: "another line has the same token" });
            }
            users.push((token, user));
        }
        Ok(Users::new(users))
    }

    /// How many tokens are so short that they can be guessed.
    #[must_use]
    pub fn short_tokens(&self) -> usize {
        self.entries.iter().filter(|entry| entry.token.len() < SHORT_TOKEN).count()
    }
}

fn parse_line(line: &str) -> Result<(&str, User), &'static str> {
    let (name, rest) = line.split_once(':').ok_or("no colon behind the name")?;
    let (token, scopes) = rest.split_once(':').unwrap_or((rest, ""));
    let (name, token) = (name.trim(), token.trim());
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("no name before the colon");
    }
    // What no client can send would never be found.
    if b64token(token.as_bytes()).is_none() {
        return Err("the token is not made of letters, digits, - . _ ~ + / and = at its end");
    }
    // scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3)
    let is_scope = |octet: u8| octet.is_ascii_graphic() && octet != b'"' && octet != b'\\';
    if !scopes.split_whitespace().all(|scope| scope.bytes().all(is_scope)) {
        return Err("a scope has a character that no scope may have");
    }
    Ok((token, User::new(name, scopes.split_whitespace())))
}

/// A line ready for a users file, with a new token: 256 bits from the system's
/// random source, in hexadecimal.
///
/// # Errors
///
/// The system has no random source, or the name or a scope can't be in a file.
pub fn new_line(name: &str, scopes: &[String]) -> io::Result<String> {
    let mut source = File::open("/dev/urandom")?;
    let mut random = || {
        let mut octets = [0; 16];
        source.read_exact(&mut octets).map(|()| u128::from_ne_bytes(octets))
    };
    let (first, second) = (random()?, random()?);
    let line = format!("{name}:{first:032x}{second:032x}:{}", scopes.join(" "));
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
    pub fn open(path: impl Into<PathBuf>) -> Result<UsersFile, LoadError> {
        let path = path.into();
        let current = Mutex::new(Arc::new(load(&path)?));
        Ok(UsersFile { path, current, version: AtomicU64::new(next_version()) })
    }

    /// Loads the file again. From then on lookups see the new users, all of
    /// them and none of the old ones.
    ///
    /// # Errors
    ///
    /// As [`UsersFile::open`]; then the users stay who they were.
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
        let version = self.version.load(SeqCst);
        SEEN.with_borrow_mut(|seen| {
            if seen.as_ref().is_none_or(|(own, _)| *own != version) {
                let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                // Under the lock the two belong together.
                *seen = Some((self.version.load(SeqCst), Arc::clone(&current)));
            }
            seen.as_ref().and_then(|(_, users)| users.by_token(token))
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

/// Warns where others can read a file with something secret in it.
#[cfg(unix)]
pub(crate) fn warn_of_readers(path: &Path, secret: &str) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        log::warn!("{0}: others can read {secret}: chmod 600 {0}", path.display());
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_of_readers(_: &Path, _: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

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
}

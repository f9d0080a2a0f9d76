//! The users file on the disk: which files are read, what a whole file is, and how
//! it is loaded again while guards look users up.
//!
//! - Only a regular file is read: a device never ends, and a named pipe makes its
//!   reader wait. At the start, a pipe is read as well, and so is `/dev/stdin`.
//! - The file is UTF-8. It is not empty, and its last line ends with a new line:
//!   otherwise it may be cut off, because another program is writing it.
//! - A new store replaces the old one as a whole. A lookup keeps nothing in its
//!   thread. So when a line is deleted, its user is gone from memory after a reload.
//!
//! `users_text.rs` reads the text, `users_line.rs` a line of it.

use std::fmt;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::auth::secret::warn_of_readers;
use crate::auth::user::User;
use crate::auth::users::Users;
use crate::auth::users_changes::{Changes, Count};
use crate::auth::users_text::{self, LineError};
use crate::http::day::Day;
use crate::limits::{SHORTEST_TOKEN, STRONG_TOKEN};

/// The users of a file. The file can be loaded again while guards look users up.
#[derive(Debug)]
pub struct UsersFile {
    path: PathBuf,
    shortest_token: usize,
    users: RwLock<Users>,
}

impl UsersFile {
    /// Loads a users file; [`Users::parse`] describes its lines. The last line, too,
    /// ends with a new line.
    ///
    /// Logs a warning if others can read the file, if it has no users, or if tokens
    /// in it have fewer than 22 characters and so can be guessed.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] if the file can't be read, is not a regular file, a pipe or
    /// `/dev/stdin`, is not UTF-8, is empty, or may be cut off; or if a line is wrong.
    pub fn load(path: impl Into<PathBuf>) -> Result<UsersFile, LoadError> {
        UsersFile::load_with(path.into(), SHORTEST_TOKEN)
    }

    /// The same, for tests: tokens may have fewer than 16 characters. Such tokens can
    /// be guessed.
    ///
    /// # Errors
    ///
    /// As [`load`](UsersFile::load), except for short tokens.
    pub fn load_allowing_short_tokens(path: impl Into<PathBuf>) -> Result<UsersFile, LoadError> {
        UsersFile::load_with(path.into(), 1)
    }

    fn load_with(path: PathBuf, shortest_token: usize) -> Result<UsersFile, LoadError> {
        let users = load(&path, shortest_token, Occasion::Start)?;
        if users.is_empty() {
            log::warn!("{}: no users, so every guard refuses every request", path.display());
        }
        Ok(UsersFile { path, shortest_token, users: RwLock::new(users) })
    }

    /// Loads the file again. After that, lookups find the new users and none of
    /// the old ones. Returns what is different now.
    ///
    /// # Errors
    ///
    /// The same as [`UsersFile::load`]; and a [`LoadError`] if the file has no users
    /// any more, or is a pipe or `/dev/stdin`, which are read at the start only.
    /// Lookups then still find the old users.
    pub fn reload(&self) -> Result<Changes, LoadError> {
        let new = load(&self.path, self.shortest_token, Occasion::Reload)?;
        // A program that writes the file may have written only the comments at its head.
        if new.is_empty() && !self.is_empty() {
            return Err(LoadError { path: self.path.clone(), cause: LoadCause::NoUsers });
        }
        let changes = Changes::between(&self.users(), &new);
        let old =
            mem::replace(&mut *self.users.write().unwrap_or_else(PoisonError::into_inner), new);
        // To free a large store takes some time. Here the lock is free again, so
        // no lookup waits for it.
        drop(old);
        Ok(changes)
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

    /// How many users, tokens and passwords there are.
    #[must_use]
    pub fn count(&self) -> Count {
        self.users().count()
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

/// When a file is loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Start,
    Reload,
}

fn load(path: &Path, shortest_token: usize, occasion: Occasion) -> Result<Users, LoadError> {
    let failed = |cause| LoadError { path: path.to_owned(), cause };
    let text = read(path, occasion).map_err(failed)?;
    check_end(&text).map_err(failed)?;
    let users = users_text::parse(&text, shortest_token);
    let users = users.map_err(|error| failed(LoadCause::Line(error)))?.with_measured_accounts();
    warn_of_readers(path, "the tokens");
    let short = users.tokens().filter(|(_, token)| token.len() < STRONG_TOKEN).count();
    if short > 0 {
        log::warn!(
            "{}: tokens shorter than {STRONG_TOKEN} characters can be guessed, and this file \
             has {short}: guardhouse --new-token makes longer ones",
            path.display()
        );
    }
    users.accounts().warn_of_costs(path);
    warn_of_last_days(path, &users);
    Ok(users)
}

/// Logs a warning if lines have expired, or will within a week.
fn warn_of_last_days(path: &Path, users: &Users) {
    let soon = Day::today().plus(7);
    let ending = users.lines().filter_map(|(user, _)| Some((user.last_day()?, user.name())));
    let mut ending: Vec<_> = ending.filter(|(last_day, _)| *last_day <= soon).collect();
    ending.sort_unstable();
    if let Some((last_day, name)) = ending.first() {
        log::warn!(
            "{}: lines that have expired or will within a week: {}; the first is one of {name:?}, \
             with the last day {last_day}",
            path.display(),
            ending.len()
        );
    }
}

/// The text of a file.
pub(super) fn read(path: &Path, occasion: Occasion) -> Result<String, LoadCause> {
    // Before it is opened: to open a named pipe waits for a writer.
    let file_type = fs::metadata(path).map_err(LoadCause::Read)?.file_type();
    check_type(path, file_type, occasion)?;
    let mut file = File::open(path).map_err(LoadCause::Read)?;
    // Another file may have this name by now.
    let file_type = file.metadata().map_err(LoadCause::Read)?.file_type();
    check_type(path, file_type, occasion)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(LoadCause::Read)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        LoadCause::NotUtf8 { line: 1 + valid.filter(|byte| **byte == b'\n').count() }
    })
}

fn check_type(path: &Path, file_type: FileType, occasion: Occasion) -> Result<(), LoadCause> {
    let is_read_once = path == Path::new("/dev/stdin") || is_pipe(file_type);
    match occasion {
        Occasion::Start if is_read_once => Ok(()),
        Occasion::Reload if is_read_once => Err(LoadCause::ReadOnce),
        _ if file_type.is_file() => Ok(()),
        _ => Err(LoadCause::NoFile),
    }
}

#[cfg(unix)]
fn is_pipe(file_type: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&file_type)
}

/// Other systems have no pipes among their files.
#[cfg(not(unix))]
fn is_pipe(_: FileType) -> bool {
    false
}

/// A program that is writing the file has perhaps not written all of it.
fn check_end(text: &str) -> Result<(), LoadCause> {
    match text {
        "" | "\u{feff}" => Err(LoadCause::Empty),
        // UTF-16 has a NUL before or after the new line, and old programs write a CR in its
        // place; the line with it is refused.
        _ if text.ends_with('\n') || text.contains('\0') || has_only_cr(text) => Ok(()),
        _ => Err(LoadCause::NoEnd { line: text.lines().count() }),
    }
}

/// Whether several lines end with a CR, and none with LF.
fn has_only_cr(text: &str) -> bool {
    !text.contains('\n') && text.trim_end_matches('\r').contains('\r')
}

/// Why a users file could not be loaded, or why no line could be added to it.
#[derive(Debug)]
pub struct LoadError {
    pub(super) path: PathBuf,
    pub(super) cause: LoadCause,
}

#[derive(Debug)]
pub(super) enum LoadCause {
    Read(io::Error),
    Write(io::Error),
    /// A folder, a device or a socket; to add a line, also a pipe.
    NoFile,
    /// A pipe or `/dev/stdin`, at a reload.
    ReadOnce,
    NotUtf8 {
        line: usize,
    },
    Empty,
    /// The last line does not end with a new line.
    NoEnd {
        line: usize,
    },
    /// At a reload, where there were users before.
    NoUsers,
    Line(LineError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.cause {
            LoadCause::Read(error) => write!(f, "{path} can't be read: {error}"),
            LoadCause::Write(error) => write!(f, "{path} can't be written: {error}"),
            LoadCause::NoFile => write!(f, "{path} is not a regular file"),
            LoadCause::ReadOnce => {
                write!(f, "{path} is a pipe or /dev/stdin, which is read at the start only")
            }
            LoadCause::NotUtf8 { line } => {
                write!(f, "{path}, line {line}: not UTF-8: save it as UTF-8")
            }
            LoadCause::Empty => write!(f, "{path} is empty, so it may be cut off"),
            LoadCause::NoEnd { line } => write!(
                f,
                "{path}, line {line}: the last line has no end, so the file may be cut off: \
                 end it with a new line"
            ),
            LoadCause::NoUsers => write!(
                f,
                "{path} has no users any more, so it may be cut off: to refuse everyone, \
                 start the server again"
            ),
            LoadCause::Line(error) => write!(f, "{path}, {error}"),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::secret::new_token;

    #[test]
    fn a_reload_frees_the_users_whose_lines_are_gone() {
        let path =
            std::env::temp_dir().join(format!("guardhouse-{}", new_token().expect("a token")));
        fs::write(&path, "ann:s3cret-token-of-ann\n").expect("a file");
        let file = UsersFile::load(&path).expect("a users file");
        let ann = file.by_token("s3cret-token-of-ann").expect("ann");
        let in_memory = ann.downgrade();
        drop(ann);
        assert!(in_memory.upgrade().is_some(), "the store has her");
        fs::write(&path, "bob:s3cret-token-of-bob\n").expect("a file");
        let changes = file.reload().expect("a users file");
        assert_eq!(changes, Changes { added: 1, removed: 1, changed: 0 });
        // This thread looked her up, and kept nothing.
        assert!(in_memory.upgrade().is_none(), "nothing has her");
        fs::remove_file(&path).expect("the file is there");
    }
}

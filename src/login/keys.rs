//! The keys that sign tokens: a file with a key on each line. The first key signs, and each
//! of them is accepted. So keys can be exchanged one after the other.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jwt_compact::alg::Hs256Key;

use crate::auth::secret::{new_token, warn_of_readers};

/// The keys of a file. The file can be loaded again while tokens are checked.
///
/// A line of the file is a key of 64 hexadecimal digits. Blank lines, and lines that begin
/// with `#`, are skipped. All replicas of a server have the same file.
pub struct TokenKeys {
    path: PathBuf,
    keys: RwLock<Vec<Hs256Key>>,
}

impl TokenKeys {
    /// Loads a file. Logs a warning if others can read it.
    ///
    /// ```
    /// use guardhouse::TokenKeys;
    ///
    /// # let path = std::env::temp_dir().join(format!("guardhouse-{}.keys", std::process::id()));
    /// std::fs::write(&path, TokenKeys::new_line()? + "\n")?;
    /// let keys = TokenKeys::load(&path)?;
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`KeyError`] if the file can't be read, is not a regular file, has no key, or a line
    /// is not a key or has no end.
    pub fn load(path: impl Into<PathBuf>) -> Result<TokenKeys, KeyError> {
        let path = path.into();
        let keys = load(&path).map_err(|cause| KeyError { path: path.clone(), cause })?;
        Ok(TokenKeys { path, keys: RwLock::new(keys) })
    }

    /// Loads the file again. Returns how many keys there are now.
    ///
    /// # Errors
    ///
    /// As [`load`](TokenKeys::load). The old keys then stay.
    pub fn reload(&self) -> Result<usize, KeyError> {
        let keys = load(&self.path);
        let keys = keys.map_err(|cause| KeyError { path: self.path.clone(), cause })?;
        let count = keys.len();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(count)
    }

    /// A line for such a file, with a new key of 256 random bits.
    ///
    /// # Errors
    ///
    /// The system has no random source.
    pub fn new_line() -> io::Result<String> {
        new_token()
    }

    /// The keys. The first one signs.
    pub(super) fn keys(&self) -> RwLockReadGuard<'_, Vec<Hs256Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Digits of a key: RFC 7518 §3.2 asks for a key "of the same size as the hash output …
/// or larger", 256 bits. Not more, so that two keys on one line are not taken for one.
const DIGITS: usize = 64;

fn load(path: &Path) -> Result<Vec<Hs256Key>, Cause> {
    // A pipe would make its reader wait, and a device never ends.
    if !fs::metadata(path).map_err(Cause::Read)?.is_file() {
        return Err(Cause::NoFile);
    }
    let text = fs::read_to_string(path).map_err(Cause::Read)?;
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The text of the line is the key, so all its bits are in it.
        if line.len() != DIGITS || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Cause::Line(number));
        }
        keys.push(Hs256Key::new(line));
    }
    if keys.is_empty() {
        return Err(Cause::Empty);
    }
    if !text.ends_with('\n') {
        // The next key would become a part of the last one.
        return Err(Cause::Line(text.lines().count()));
    }
    warn_of_readers(path, "the keys that sign tokens");
    Ok(keys)
}

/// Why the file of the keys can't be loaded. It shows no part of a key.
#[derive(Debug)]
pub struct KeyError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Read(io::Error),
    /// It is not a regular file.
    NoFile,
    Empty,
    /// The number of a line that is not a key, or has no end.
    Line(usize),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.cause {
            Cause::Read(error) => write!(f, "{path} can't be read: {error}"),
            Cause::NoFile => write!(f, "{path} is not a regular file"),
            Cause::Empty => write!(f, "{path} has no key: guardhouse --new-key makes one"),
            Cause::Line(number) => write!(
                f,
                "{path}, line {number}: not a key of {DIGITS} hexadecimal digits with a new line \
                 after it: guardhouse --new-key makes one"
            ),
        }
    }
}

impl std::error::Error for KeyError {}

/// Shows no key.
impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({})", self.path.display())
    }
}

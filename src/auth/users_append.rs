//! Adds a line to a users file. The shell's `>>` would glue the line to a last line
//! that has no end, and would let everyone read a new file.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::auth::users_file::{LoadCause, LoadError, Occasion, read};
use crate::auth::users_text;

/// Adds a line, such as one of [`line`](crate::users::line), to a users file, in one
/// write. A file that does not exist is made, and only its owner can read it. A last line
/// without an end is ended first.
///
/// ```
/// use guardhouse::{UsersFile, users};
///
/// # let path = std::env::temp_dir().join(format!("guardhouse-{}.users", std::process::id()));
/// users::append(&path, &users::line("ann", &users::new_token()?, &[], None)?)?;
/// users::append(&path, &users::line("ann", &users::new_token()?, &[], Some("2999-12-31"))?)?;
/// assert!(users::append(&path, "bob:0123456789abcdef\neve:fedcba9876543210").is_err());
/// assert_eq!(UsersFile::load(&path)?.count().to_string(), "1 user, 2 tokens");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// A [`LoadError`] if the file can't be read or written, is not a regular file or is
/// not UTF-8; if `line` has a line end in it; or if a line of the file is wrong once this
/// one is added. Then the file stays as it is.
pub fn append(path: impl AsRef<Path>, line: &str) -> Result<(), LoadError> {
    let path = path.as_ref();
    add(path, line).map_err(|cause| LoadError { path: path.to_owned(), cause })
}

fn add(path: &Path, line: &str) -> Result<(), LoadCause> {
    if line.contains('\n') {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "more than one line");
        return Err(LoadCause::Write(error));
    }
    let mut text = String::new();
    if path.try_exists().map_err(LoadCause::Read)? {
        // As at a reload: a pipe or `/dev/stdin` has no end to write to.
        text = read(path, Occasion::Reload).map_err(|cause| match cause {
            LoadCause::ReadOnce => LoadCause::NoFile,
            cause => cause,
        })?;
    }
    let is_ended = text.is_empty() || text.ends_with('\n');
    let added = format!("{}{line}\n", if is_ended { "" } else { "\n" });
    text.push_str(&added);
    // Of the other lines only the form matters here, not how short their tokens are.
    users_text::parse(&text, 1).map_err(LoadCause::Line)?;
    write(path, added.as_bytes()).map_err(LoadCause::Write)
}

/// In one write, so that a server that loads the file sees the whole line or none
/// of it.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if file.write(bytes)? < bytes.len() {
        return Err(io::Error::new(io::ErrorKind::WriteZero, "a part of the line is missing"));
    }
    file.sync_all()
}

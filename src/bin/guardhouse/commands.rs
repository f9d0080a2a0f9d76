//! The small commands: they print something, or ask a server something, and end.

use std::io::{self, Write};
use std::path::Path;

use guardhouse::users;

use crate::failure::Failure;
use crate::pinned::Pinned;
use crate::{health_check, logins};

/// Prints a text to stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    write(text).map_err(|error| Failure::CouldNotRun(format!("can't write to stdout: {error}")))
}

/// Writes a text to stdout, and returns when it is written.
pub fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// `--new-token`: prints a line for the users file, and adds it to `file` first if
/// there is one.
pub fn new_token(name: &str, scopes: &[String], file: Option<&Path>) -> Result<(), Failure> {
    let line = users::new_line(name, scopes).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::WrongUsage(error.to_string()),
        _ => Failure::CouldNotRun(format!("can't make a token: {error}")),
    })?;
    if let Some(file) = file {
        users::append(file, &line).map_err(Failure::could_not_run)?;
    }
    print(&format!("{line}\n"))
}

/// `--hash-password`: reads a password, prints its hash for the users file.
pub fn hash_password() -> Result<(), Failure> {
    let hash = logins::hash_password()
        .map_err(|error| Failure::CouldNotRun(format!("can't hash the password: {error}")))?;
    print(&format!("{hash}\n"))
}

/// `--healthcheck`: succeeds if a running server answers 2xx. `certificate` is the file
/// of the server's certificate, for HTTPS.
pub fn health_check(url: &str, certificate: Option<&Path>) -> Result<(), Failure> {
    let certificate = certificate.map(Pinned::load).transpose().map_err(Failure::could_not_run)?;
    match health_check::ask(url, certificate.as_ref()) {
        Ok(200..=299) => Ok(()),
        Ok(code) => Err(Failure::CouldNotRun(format!("{url} answers {code}"))),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(Failure::WrongUsage(format!("--healthcheck can't ask {url}: {error}")))
        }
        Err(error) => Err(Failure::CouldNotRun(format!("{url} does not answer: {error}"))),
    }
}

//! The small commands: they print something, or ask a server something, and end.

use std::io::{self, Write};
use std::path::Path;

use guardhouse::users;

use crate::cli::UserLine;
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

/// `--new-token`: prints a line for the users file; in builds that read hashed tokens, the
/// token and then the line with its hash.
pub fn new_token(line: &UserLine) -> Result<(), Failure> {
    let token = users::new_token()
        .map_err(|error| Failure::CouldNotRun(format!("can't make a token: {error}")))?;
    let secret = logins::secret_for(&token);
    let text = add_line(line, &secret)?;
    print(&if secret == token { text } else { format!("{token}\n{text}") })
}

/// `--new-password`: reads a password, prints a line for the users file with its hash.
pub fn new_password(line: &UserLine) -> Result<(), Failure> {
    print(&add_line(line, &read_hash()?)?)
}

/// `--hash-password`: reads a password, prints its hash.
pub fn hash_password() -> Result<(), Failure> {
    print(&format!("{}\n", read_hash()?))
}

/// `--new-key`: prints a line for the file of keys.
pub fn new_key() -> Result<(), Failure> {
    let line = logins::new_key()
        .map_err(|error| Failure::CouldNotRun(format!("can't make a key: {error}")))?;
    print(&format!("{line}\n"))
}

fn read_hash() -> Result<String, Failure> {
    logins::hash_password()
        .map_err(|error| Failure::CouldNotRun(format!("can't hash the password: {error}")))
}

/// The line with this secret. It is added to the file, if one is named.
fn add_line(line: &UserLine, secret: &str) -> Result<String, Failure> {
    let UserLine { name, scopes, last_day, file } = line;
    let line = users::line(name, secret, scopes, last_day.as_deref())
        .map_err(|error| Failure::WrongUsage(error.to_string()))?;
    if let Some(file) = file {
        users::append(file, &line).map_err(Failure::could_not_run)?;
    }
    Ok(format!("{line}\n"))
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

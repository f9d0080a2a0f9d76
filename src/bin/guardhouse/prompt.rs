//! Reads a password from the terminal or from a pipe, for `--hash-password`
//! and `--new-password`.
//!
//! Never from the command line: other users of the machine can read that.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{self, Command, Stdio};
use std::thread;

use crate::signals::Signals;

/// Reads a password. On a terminal, asks for it twice and does not show what is
/// typed. From a pipe, takes the first line.
///
/// # Errors
///
/// The password is empty, the two passwords differ, stdin can't be read, or the
/// terminal can't hide what is typed.
pub fn password() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return read_line();
    }
    let hidden = HiddenInput::begin()?;
    let first = ask("Password: ")?;
    let second = ask("Again: ")?;
    drop(hidden);
    if first == second { Ok(first) } else { Err(invalid("the two passwords are not the same")) }
}

fn ask(question: &str) -> io::Result<String> {
    // Not to stdout: the user may append stdout to the users file.
    write!(io::stderr(), "{question}")?;
    let answer = read_line();
    // The terminal did not show the Enter key either.
    writeln!(io::stderr())?;
    answer
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    // The end of the line is not part of the password. A space is.
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() { Err(invalid("it is empty")) } else { Ok(password.to_owned()) }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// While this value lives, the terminal does not show what is typed.
struct HiddenInput;

impl HiddenInput {
    fn begin() -> io::Result<HiddenInput> {
        // After Ctrl-C, too, the terminal must show what is typed.
        let mut signals = Signals::catch()?;
        thread::Builder::new().spawn(move || {
            signals.next();
            drop(HiddenInput);
            process::exit(1)
        })?;
        set_terminal("-echo").map(|()| HiddenInput)
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        let _ = set_terminal("echo");
    }
}

/// Changes a setting of the terminal that stdin is, with POSIX `stty`.
fn set_terminal(setting: &str) -> io::Result<()> {
    let status = Command::new("stty").arg(setting).stdin(Stdio::inherit()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("stty can't hide what is typed")) }
}

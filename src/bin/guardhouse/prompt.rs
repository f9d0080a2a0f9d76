//! A password, from whoever sits at the terminal, or from a pipe. Never from the
//! command line: others on the machine can read that.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{self, Command, Stdio};
use std::thread;

use crate::signals::Signals;

/// Asks for a password twice, without showing it; from a pipe, takes its first
/// line.
pub fn password() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let dark = Dark::begin()?;
    let first = ask("Password: ")?;
    let second = ask("Again: ")?;
    drop(dark);
    if first == second { Ok(first) } else { Err(invalid("the two are not the same")) }
}

fn ask(question: &str) -> io::Result<String> {
    // Not to stdout, which may be going to the users file.
    write!(io::stderr(), "{question}")?;
    let answer = line();
    // The end of the line was not shown either.
    writeln!(io::stderr())?;
    answer
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    // What ends the line is none of the password; a space is.
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() { Err(invalid("there is none")) } else { Ok(password.to_owned()) }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// The terminal, for as long as it does not show what is typed.
struct Dark;

impl Dark {
    fn begin() -> io::Result<Dark> {
        // Who gives up with Ctrl-C is not to be left in the dark.
        let mut signals = Signals::catch()?;
        thread::Builder::new().spawn(move || {
            signals.next();
            drop(Dark);
            process::exit(1)
        })?;
        echo("-echo").map(|()| Dark)
    }
}

impl Drop for Dark {
    fn drop(&mut self) {
        let _ = echo("echo");
    }
}

/// `stty` of POSIX, on the terminal that stdin is.
fn echo(setting: &str) -> io::Result<()> {
    let status = Command::new("stty").arg(setting).stdin(Stdio::inherit()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("stty can't hide what is typed")) }
}

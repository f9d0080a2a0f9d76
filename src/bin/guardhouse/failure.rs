//! Why the program ends without having done what the command line asked for, and
//! the exit code for it.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code of a program that could not run.
pub const COULD_NOT_RUN: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Each text says what is wrong, and where possible what to do instead.
#[derive(Debug)]
pub enum Failure {
    /// The system, a file or a peer is the cause.
    CouldNotRun(String),
    /// The command line is wrong.
    WrongUsage(String),
}

impl Failure {
    pub fn could_not_run(error: impl Display) -> Failure {
        Failure::CouldNotRun(error.to_string())
    }

    /// Writes the text to stderr. Returns the exit code.
    pub fn report(self) -> ExitCode {
        let (code, text) = match self {
            Failure::CouldNotRun(reason) => (COULD_NOT_RUN, reason),
            Failure::WrongUsage(reason) => {
                (WRONG_USAGE, format!("{reason}\nTry: guardhouse --help"))
            }
        };
        // If stderr is closed, only the exit code says it.
        let _ = writeln!(io::stderr(), "guardhouse: {text}");
        ExitCode::from(code)
    }
}

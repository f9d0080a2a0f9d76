//! The command line: options, help, and what is wrong with either.

use std::ffi::OsString;
use std::fmt;

use log::LevelFilter;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve, with these options.
    Serve(Options),
    /// Print the route table.
    Routes,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// How to serve.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub listen: String,
    pub log_level: LevelFilter,
}

impl Default for Options {
    fn default() -> Self {
        Options { listen: "127.0.0.1:8000".to_owned(), log_level: LevelFilter::Info }
    }
}

/// What `--help` prints.
pub const HELP: &str = "\
A minimal HTTP/1.1 server whose routes stand behind guards.

Usage: guardhouse [OPTIONS]

Options:
  --listen HOST:PORT   where to listen [default: 127.0.0.1:8000]; port 0 is any free one
  --log-level LEVEL    off, error, warn, info, debug or trace [default: info]
  --routes             print the route table and exit
  --help               print this help and exit
  --version            print the version and exit

Ready, it prints one line to stdout: listening on http://HOST:PORT
Logs go to stderr. Exit codes: 0 stopped, 1 could not run, 2 wrong usage.
";

/// Why a command line can't be followed. Its text says what to do instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nTry: guardhouse --help", self.0)
    }
}

/// Reads the arguments behind the program's name. An option's value is the next
/// argument, or stands behind a `=`; of two the later one counts.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Usage> {
    let mut options = Options::default();
    let mut arguments = arguments.into_iter().map(|argument| {
        argument.into_string().map_err(|_| Usage("an argument is not UTF-8".to_owned()))
    });
    while let Some(argument) = arguments.next() {
        let argument = argument?;
        let (name, given) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let mut value = || match given.clone() {
            Some(value) => Ok(value),
            None => arguments
                .next()
                .unwrap_or_else(|| Err(Usage(format!("{name} needs a value behind it")))),
        };
        let command = match name {
            "--listen" => {
                options.listen = value()?;
                continue;
            }
            "--log-level" => {
                let level = value()?;
                options.log_level = level.parse().map_err(|_| {
                    Usage(format!(
                        "{level:?} is no log level: off, error, warn, info, debug or trace"
                    ))
                })?;
                continue;
            }
            "--routes" => Command::Routes,
            "--help" | "-h" => Command::Help,
            "--version" | "-V" => Command::Version,
            _ if name.starts_with('-') => return Err(Usage(format!("unknown option {name:?}"))),
            _ => return Err(Usage(format!("unexpected argument {name:?}"))),
        };
        return match given {
            None => Ok(command),
            Some(_) => Err(Usage(format!("{name} takes no value"))),
        };
    }
    Ok(Command::Serve(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(OsString::from)).map_err(|usage| usage.0)
    }

    #[test]
    fn a_value_stands_behind_its_option_or_behind_an_equals_sign() {
        let expected = Options { listen: "[::1]:0".to_owned(), log_level: LevelFilter::Off };
        let apart = parsed(&["--listen", "[::1]:0", "--log-level", "off"]);
        assert_eq!(apart, Ok(Command::Serve(expected)));
        let expected = Options { listen: "[::1]:0".to_owned(), ..Options::default() };
        assert_eq!(parsed(&["--listen=[::1]:0"]), Ok(Command::Serve(expected)));
        assert_eq!(parsed(&[]), Ok(Command::Serve(Options::default())));
        assert_eq!(parsed(&["--routes"]), Ok(Command::Routes));
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["-V"]), Ok(Command::Version));
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        for (arguments, says) in [
            (&["--nope"][..], "unknown option \"--nope\""),
            (&["8000"], "unexpected argument \"8000\""),
            (&["--listen"], "--listen needs a value behind it"),
            (&["--help=yes"], "--help takes no value"),
            (
                &["--log-level", "loud"],
                "\"loud\" is no log level: off, error, warn, info, debug or trace",
            ),
        ] {
            assert_eq!(parsed(arguments), Err(says.to_owned()));
        }
    }
}

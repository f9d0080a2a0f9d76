//! The command line: options, help, and what is wrong with either.

use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use guardhouse::Limits;
#[cfg(feature = "login")]
use guardhouse::LoginLimits;
use log::LevelFilter;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // A process has one.
pub enum Command {
    /// Serve, with these options.
    Serve(Options),
    /// Print the route table.
    Routes,
    /// Print a line for the users file: a name, a new token, these scopes.
    NewToken { name: String, scopes: Vec<String> },
    /// Read a password, print what a users file holds of it.
    #[cfg(feature = "login")]
    HashPassword,
    /// Ask a running server whether it is well.
    HealthCheck { url: String },
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// How to serve.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub listen: String,
    pub users: Option<PathBuf>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub log_level: LevelFilter,
    /// Between the first signal and the end of listening.
    pub drain_delay: Duration,
    pub limits: Limits,
    #[cfg(feature = "login")]
    pub login_limits: LoginLimits,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: "127.0.0.1:8000".to_owned(),
            users: None,
            tls: None,
            log_level: LevelFilter::Info,
            drain_delay: Duration::ZERO,
            limits: Limits::default(),
            #[cfg(feature = "login")]
            login_limits: LoginLimits::default(),
        }
    }
}

/// What `--help` prints.
pub const HELP: &str = "\
A minimal HTTP/1.1 server whose routes stand behind guards.

Usage: guardhouse [OPTIONS]

Options:
  --listen HOST:PORT      where to listen [default: 127.0.0.1:8000]; port 0 is any free one
  --users FILE            who may come in, a line each: name:token:scopes
                          [default: the lesson's published tokens]
  --token-lifetime SECS   how long a token of POST /token is good [default: 3600] (login)
  --tls-cert FILE         speak HTTPS, with this certificate and the chain behind it (PEM)
  --tls-key FILE          its private key (PEM); both want a build with --features tls
  --max-connections N     connections open at once [default: 16384]
  --idle-timeout SECS     how long a connection may rest between requests [default: 75]
  --drain-delay SECS      from SIGTERM, how long to go on while /readyz says 503 [default: 0]
  --grace SECS            then, how long requests under way may take [default: 10]
  --log-level LEVEL       off, error, warn, info, debug or trace [default: info]

Instead of serving:
  --routes                print the route table: method, path, guard, summary
  --new-token NAME [SCOPE ...]
                          print a line for the users file, with a new token
  --hash-password         read a password from the terminal or stdin, print it
                          hashed, as a users file may have it for a token (login)
  --healthcheck URL       GET it, and exit 0 if the answer is 2xx;
                          'default' is http://127.0.0.1:8000/healthz
  --help, --version

(login): in builds with logins, cargo build --release --features login

Ready, it prints one line to stdout: listening on http://HOST:PORT (or https://)
A browser sees the routes there, and tries them, at /docs.
Logs go to stderr. SIGHUP loads users and certificate again, SIGTERM and
SIGINT stop.
Exit codes: 0 stopped, 1 could not run, 2 wrong usage.
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
    let (mut certificate, mut key) = (None, None);
    let mut arguments = arguments.into_iter().map(|argument| {
        argument.into_string().map_err(|_| Usage("an argument is not UTF-8".to_owned()))
    });
    while let Some(argument) = arguments.next() {
        let argument = argument?;
        let (name, given) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        #[cfg(not(feature = "login"))]
        if let "--hash-password" | "--token-lifetime" = name {
            return Err(left_out(name, "logins", "login"));
        }
        #[cfg(feature = "login")]
        if name == "--hash-password" {
            // A password there would be in the shell's history, and in `ps`.
            return if given.is_none() && arguments.next().is_none() {
                Ok(Command::HashPassword)
            } else {
                Err(Usage("--hash-password takes the password from stdin".to_owned()))
            };
        }
        if let "--routes" | "--help" | "-h" | "--version" | "-V" = name {
            if given.is_some() {
                return Err(Usage(format!("{name} takes no value")));
            }
            return Ok(match name {
                "--routes" => Command::Routes,
                "--version" | "-V" => Command::Version,
                _ => Command::Help,
            });
        }
        let value = || match given {
            Some(value) => Ok(value),
            None => arguments
                .next()
                .unwrap_or_else(|| Err(Usage(format!("{name} needs a value behind it")))),
        };
        match name {
            "--listen" => options.listen = value()?,
            "--users" => options.users = Some(value()?.into()),
            "--tls-cert" => certificate = Some(value()?.into()),
            "--tls-key" => key = Some(value()?.into()),
            "--max-connections" => {
                options.limits.connections = number(name, &value()?, 1..=1_000_000)?;
            }
            "--idle-timeout" => {
                options.limits.idle_timeout = seconds(name, &value()?, 1..=86_400)?;
            }
            "--drain-delay" => options.drain_delay = seconds(name, &value()?, 0..=3_600)?,
            "--grace" => options.limits.grace = seconds(name, &value()?, 0..=3_600)?,
            #[cfg(feature = "login")]
            "--token-lifetime" => {
                options.login_limits.token_lifetime = seconds(name, &value()?, 1..=31_536_000)?;
            }
            "--log-level" => options.log_level = log_level(&value()?)?,
            "--new-token" => {
                let name = value()?;
                return Ok(Command::NewToken {
                    name,
                    scopes: arguments.collect::<Result<_, _>>()?,
                });
            }
            "--healthcheck" => {
                let url = value()?;
                let is_default = url == "default";
                let url = if is_default { "http://127.0.0.1:8000/healthz".to_owned() } else { url };
                return Ok(Command::HealthCheck { url });
            }
            _ if name.starts_with('-') => return Err(Usage(format!("unknown option {name:?}"))),
            _ => return Err(Usage(format!("unexpected argument {name:?}"))),
        }
    }
    options.tls = tls_files(certificate, key)?;
    Ok(Command::Serve(options))
}

/// What to say of an option whose feature is not built in.
#[cfg(not(feature = "login"))]
fn left_out(name: &str, what: &str, feature: &str) -> Usage {
    Usage(format!("{name} is for builds with {what}: cargo build --release --features {feature}"))
}

fn tls_files(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, Usage> {
    let missing = match (certificate, key) {
        (None, None) => return Ok(None),
        _ if !cfg!(feature = "tls") => {
            "this build has no TLS; one that has it: cargo build --release --features tls"
        }
        (Some(certificate), Some(key)) => return Ok(Some((certificate, key))),
        (Some(_), None) => "--tls-cert needs --tls-key beside it",
        (None, Some(_)) => "--tls-key needs --tls-cert beside it",
    };
    Err(Usage(missing.to_owned()))
}

fn log_level(value: &str) -> Result<LevelFilter, Usage> {
    value.parse().map_err(|_| {
        Usage(format!("{value:?} is no log level: off, error, warn, info, debug or trace"))
    })
}

fn number(name: &str, value: &str, range: RangeInclusive<usize>) -> Result<usize, Usage> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| is_digits && range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        Usage(format!("{name} wants a whole number from {least} to {most}, not {value:?}"))
    })
}

fn seconds(name: &str, value: &str, range: RangeInclusive<usize>) -> Result<Duration, Usage> {
    number(name, value, range).map(|seconds| Duration::from_secs(seconds as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(OsString::from)).map_err(|usage| usage.0)
    }

    #[track_caller]
    fn options(arguments: &[&str]) -> Options {
        match parsed(arguments) {
            Ok(Command::Serve(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_value_stands_behind_its_option_or_behind_an_equals_sign() {
        for arguments in [
            &["--listen", "[::1]:0", "--log-level", "off"][..],
            &["--listen=[::1]:0", "--log-level=OFF"],
        ] {
            let options = options(arguments);
            assert_eq!((options.listen.as_str(), options.log_level), ("[::1]:0", LevelFilter::Off));
        }
        assert_eq!(options(&[]), Options::default());
        let operated =
            options(&["--max-connections=9", "--idle-timeout=8", "--grace=0", "--drain-delay=7"]);
        assert_eq!(operated.limits.connections, 9);
        assert_eq!(operated.limits.idle_timeout.as_secs(), 8);
        assert_eq!(operated.limits.grace.as_secs(), 0);
        assert_eq!(operated.drain_delay.as_secs(), 7);
        assert_eq!(options(&["--users", "a=b"]).users, Some("a=b".into()));
    }

    #[test]
    fn there_are_commands_that_do_not_serve() {
        assert_eq!(parsed(&["--routes"]), Ok(Command::Routes));
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["-V"]), Ok(Command::Version));
        let new_token =
            Command::NewToken { name: "ann".into(), scopes: vec!["a".into(), "b".into()] };
        assert_eq!(parsed(&["--new-token", "ann", "a", "b"]), Ok(new_token));
        let check = Command::HealthCheck { url: "http://127.0.0.1:8000/healthz".into() };
        assert_eq!(parsed(&["--healthcheck", "default"]), Ok(check));
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_build_with_logins_has_options_for_them() {
        assert_eq!(parsed(&["--hash-password"]), Ok(Command::HashPassword));
        let options = options(&["--token-lifetime", "60"]);
        assert_eq!(options.login_limits.token_lifetime.as_secs(), 60);
        // Never from the command line: others on the machine can read that.
        for arguments in [&["--hash-password=secret"][..], &["--hash-password", "secret"]] {
            let usage = parsed(arguments).expect_err("a password on the command line");
            assert!(!usage.contains("secret"), "{usage}");
        }
    }

    #[cfg(not(feature = "login"))]
    #[test]
    fn a_build_without_logins_says_which_one_has_them() {
        for option in ["--hash-password", "--token-lifetime"] {
            let says = "is for builds with logins: cargo build --release --features login";
            assert_eq!(parsed(&[option]), Err(format!("{option} {says}")));
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_certificate_and_its_key_go_together() {
        let both = options(&["--tls-cert", "cert.pem", "--tls-key=key.pem"]);
        assert_eq!(both.tls, Some(("cert.pem".into(), "key.pem".into())));
        let one = |argument| parsed(&[argument]).unwrap_err();
        assert_eq!(one("--tls-cert=c"), "--tls-cert needs --tls-key beside it");
        assert_eq!(one("--tls-key=k"), "--tls-key needs --tls-cert beside it");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn a_build_without_tls_says_which_one_has_it() {
        let both = parsed(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).unwrap_err();
        assert!(both.ends_with("cargo build --release --features tls"), "{both}");
        assert_eq!(parsed(&["--tls-key=k"]).unwrap_err(), both);
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        for (arguments, says) in [
            (&["--nope"][..], "unknown option \"--nope\""),
            (&["8000"], "unexpected argument \"8000\""),
            (&["a=b"], "unexpected argument \"a=b\""),
            (&["--listen"], "--listen needs a value behind it"),
            (&["--help=yes"], "--help takes no value"),
            (
                &["--log-level", "loud"],
                "\"loud\" is no log level: off, error, warn, info, debug or trace",
            ),
            (
                &["--max-connections", "0"],
                "--max-connections wants a whole number from 1 to 1000000, not \"0\"",
            ),
            (&["--grace", "-1"], "--grace wants a whole number from 0 to 3600, not \"-1\""),
            (&["--grace", "+1"], "--grace wants a whole number from 0 to 3600, not \"+1\""),
            (&["--grace", ""], "--grace wants a whole number from 0 to 3600, not \"\""),
            (
                &["--idle-timeout", "99999999999999999999"],
                "--idle-timeout wants a whole number from 1 to 86400, not \"99999999999999999999\"",
            ),
        ] {
            assert_eq!(parsed(arguments), Err(says.to_owned()));
        }
    }
}

//! The command line: the commands, the options, and what is wrong with a command line
//! that can't be followed. `help.rs` has the text of `--help`.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use guardhouse::Limits;
use log::LevelFilter;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // There is one value in the whole process.
pub enum Command {
    /// Serve with these options.
    Serve(Options),
    /// Print the route table.
    Routes,
    /// Print a new token, and its line for the users file.
    NewToken(UserLine),
    /// Read a password, and print a line for the users file with its hash.
    NewPassword(UserLine),
    /// Read a password, and print its hash.
    HashPassword,
    /// Print a line for the file of the keys that sign tokens.
    NewKey,
    /// Ask a running server whether it is well. An `https://` URL needs the file of the
    /// server's certificate.
    HealthCheck { url: String, certificate: Option<PathBuf> },
    /// Print [`HELP`](crate::help::HELP).
    Help,
    /// Print the version.
    Version,
}

/// A line for the users file, except its secret. It is added to the file, if one is named.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UserLine {
    pub name: String,
    pub scopes: Vec<String>,
    /// A day such as `2027-01-31`.
    pub last_day: Option<String>,
    pub file: Option<PathBuf>,
}

/// The options of the server.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// `HOST:PORT`
    pub listen: String,
    pub users: Option<PathBuf>,
    pub allow_short_tokens: bool,
    /// Something in front of the server encrypts, so plain HTTP needs no warning.
    pub tls_in_front: bool,
    /// The files of the certificate and of its private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// `None` for the library's default.
    pub token_lifetime: Option<Duration>,
    /// The keys that sign tokens; without them, tokens are in memory.
    pub token_key: Option<PathBuf>,
    /// How soon a changed file is loaded; zero for never.
    pub reload_every: Duration,
    pub log_level: LevelFilter,
    /// The time from the first signal to the end of listening.
    pub drain_delay: Duration,
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: "127.0.0.1:8000".to_owned(),
            users: None,
            allow_short_tokens: false,
            tls_in_front: false,
            tls: None,
            token_lifetime: None,
            token_key: None,
            reload_every: Duration::from_secs(5),
            log_level: LevelFilter::Info,
            drain_delay: Duration::ZERO,
            limits: Limits::default(),
        }
    }
}

/// Options and commands without a value. (`--hash-password` is not here: its own error says
/// where the password is read from.)
const HAVE_NO_VALUE: [&str; 6] =
    ["--allow-short-tokens", "--tls-in-front", "--routes", "--new-key", "--help", "--version"];

/// Reads the arguments after the program's name.
///
/// The value of an option is the next argument, or follows a `=`. If an option
/// is given twice, the last value is used.
///
/// # Errors
///
/// The text says what is wrong with the command line.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let arguments: Result<Vec<String>, _> =
        arguments.into_iter().map(OsString::into_string).collect();
    let mut arguments = arguments.map_err(|_| "an argument is not UTF-8")?.into_iter();
    let mut options = Options::default();
    let (mut certificate, mut key) = (None, None);
    let mut given = Vec::new();
    while let Some(argument) = arguments.next() {
        let (name, value) = split(&argument);
        require_feature(name)?;
        if HAVE_NO_VALUE.contains(&name) && value.is_some() {
            return Err(format!("{name} takes no value"));
        }
        let value =
            || value.or_else(|| arguments.next()).ok_or_else(|| format!("{name} needs a value"));
        let command = match name {
            "-h" | "--help" => return Ok(Command::Help),
            "-V" | "--version" => return Ok(Command::Version),
            "--routes" => alone(name, value().ok()).map(|()| Command::Routes),
            "--new-token" => user_line(value()?, arguments).map(Command::NewToken),
            "--new-password" => user_line(value()?, arguments).map(Command::NewPassword),
            "--hash-password" => hash_password(value().is_ok()),
            "--new-key" => alone(name, value().ok()).map(|()| Command::NewKey),
            "--healthcheck" => health_check(value()?, arguments, certificate),
            _ => {
                match name {
                    "--tls-cert" => certificate = Some(value()?.into()),
                    "--tls-key" => key = Some(value()?.into()),
                    _ => options.set(name, value)?,
                }
                given.push(name.to_owned());
                continue;
            }
        };
        check_given(&given, name)?;
        return command;
    }
    options.tls = certificate_and_key(certificate, key)?;
    Ok(Command::Serve(options))
}

/// An option, and the value behind its `=`.
fn split(argument: &str) -> (&str, Option<String>) {
    match argument.split_once('=') {
        Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
        _ => (argument, None),
    }
}

/// An option before a command that does not use it is a mistake: `--users FILE --new-token
/// NAME` must not seem to write to that file.
fn check_given(options: &[String], command: &str) -> Result<(), String> {
    let is_used = |option: &str| command == "--healthcheck" && option == "--tls-cert";
    let unused = options.iter().find(|option| !is_used(option));
    unused.map_or(Ok(()), |option| Err(format!("{option} has no effect on {command}")))
}

/// A command that takes nothing after it: `--new-key --append FILE` must not seem to succeed.
fn alone(name: &str, next: Option<String>) -> Result<(), String> {
    next.map_or(Ok(()), |next| Err(format!("unexpected argument {next:?} after {name}")))
}

/// A password on the command line is in the shell's history, and other users of the
/// machine can see it with `ps`.
fn hash_password(has_value: bool) -> Result<Command, String> {
    let error = "--hash-password reads the password from stdin, not from the command line";
    if has_value { Err(error.to_owned()) } else { Ok(Command::HashPassword) }
}

/// The arguments after a name are scopes, except `--until DAY` and `--append FILE`.
fn user_line(
    name: String,
    mut arguments: impl Iterator<Item = String>,
) -> Result<UserLine, String> {
    let mut line = UserLine { name, ..UserLine::default() };
    if line.name.starts_with('-') {
        return Err(format!("unexpected option {:?} where a name is needed", line.name));
    }
    while let Some(argument) = arguments.next() {
        let (option, value) = split(&argument);
        let value =
            || value.or_else(|| arguments.next()).ok_or_else(|| format!("{option} needs a value"));
        match option {
            "--append" => line.file = Some(value()?.into()),
            "--until" => line.last_day = Some(value()?),
            _ if option.starts_with('-') => {
                return Err(format!("unexpected option {option:?} after a name"));
            }
            _ => line.scopes.push(argument),
        }
    }
    Ok(line)
}

/// Refuses an option whose feature is not in this build, and says which build has
/// it.
fn require_feature(name: &str) -> Result<(), String> {
    let (feature, is_built_in) = match name {
        "--token-lifetime" | "--token-key" | "--new-key" | "--new-password" | "--hash-password" => {
            // The answer differs between builds, and nothing else here does.
            ("login", cfg!(feature = "login"))
        }
        // This answer, too, differs between builds.
        "--tls-cert" | "--tls-key" => ("tls", cfg!(feature = "tls")),
        _ => return Ok(()),
    };
    if is_built_in {
        return Ok(());
    }
    Err(format!(
        "{name} needs a build with the feature {feature}: \
         cargo build --release --features {feature}"
    ))
}

/// `--healthcheck`: after its URL there may be `--tls-cert FILE`.
fn health_check(
    url: String,
    mut arguments: impl Iterator<Item = String>,
    mut certificate: Option<PathBuf>,
) -> Result<Command, String> {
    while let Some(argument) = arguments.next() {
        let (option, value) = split(&argument);
        if option != "--tls-cert" {
            return Err(format!("unexpected argument {argument:?} after --healthcheck"));
        }
        require_feature(option)?;
        let value = value.or_else(|| arguments.next()).ok_or("--tls-cert needs a value")?;
        certificate = Some(value.into());
    }
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let url = if url == "default" { format!("{scheme}://127.0.0.1:8000/healthz") } else { url };
    Ok(Command::HealthCheck { url, certificate })
}

impl Options {
    /// Sets an option. `value` takes its value from the command line.
    fn set(
        &mut self,
        name: &str,
        value: impl FnOnce() -> Result<String, String>,
    ) -> Result<(), String> {
        match name {
            "--allow-short-tokens" => self.allow_short_tokens = true,
            "--tls-in-front" => self.tls_in_front = true,
            "--listen" => self.listen = value()?,
            "--users" => self.users = Some(value()?.into()),
            "--token-key" => self.token_key = Some(value()?.into()),
            "--token-lifetime" => {
                self.token_lifetime = Some(seconds(name, &value()?, 1..=31_536_000)?);
            }
            "--max-connections" => {
                self.limits.connections = number(name, &value()?, 1..=1_000_000)?;
            }
            "--idle-timeout" => self.limits.idle_timeout = seconds(name, &value()?, 1..=86_400)?,
            "--drain-delay" => self.drain_delay = seconds(name, &value()?, 0..=3_600)?,
            "--grace" => self.limits.grace = seconds(name, &value()?, 0..=3_600)?,
            "--reload-every" => self.reload_every = seconds(name, &value()?, 0..=86_400)?,
            "--log-level" => self.log_level = log_level(&value()?)?,
            "--append" | "--until" => return Err(format!("{name} goes after --new-token NAME")),
            _ if name.starts_with('-') => return Err(format!("unknown option {name:?}")),
            _ => return Err(format!("unexpected argument {name:?}")),
        }
        Ok(())
    }
}

fn certificate_and_key(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, String> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (Some(_), None) => Err("--tls-cert needs --tls-key as well".to_owned()),
        (None, Some(_)) => Err("--tls-key needs --tls-cert as well".to_owned()),
    }
}

fn log_level(value: &str) -> Result<LevelFilter, String> {
    value.parse().map_err(|_| {
        format!("{value:?} is not a log level: use off, error, warn, info, debug or trace")
    })
}

fn seconds(name: &str, value: &str, range: RangeInclusive<usize>) -> Result<Duration, String> {
    number(name, value, range).map(|seconds| Duration::from_secs(seconds as u64))
}

/// A whole number of this range, in digits alone: `parse` would allow a `+`.
fn number(name: &str, value: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| is_digits && range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        format!("{name} needs a whole number from {least} to {most}, not {value:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::HELP;

    #[track_caller]
    fn parsed(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[track_caller]
    fn options(arguments: &[&str]) -> Options {
        match parsed(arguments) {
            Ok(Command::Serve(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_value_is_the_next_argument_or_follows_an_equals_sign() {
        for arguments in [
            &["--listen", "[::1]:0", "--log-level", "off"][..],
            &["--listen=[::1]:0", "--log-level=OFF"],
        ] {
            let options = options(arguments);
            assert_eq!((options.listen.as_str(), options.log_level), ("[::1]:0", LevelFilter::Off));
        }
        assert_eq!(options(&[]), Options::default());
        let numbers =
            options(&["--max-connections=9", "--idle-timeout=8", "--grace=0", "--drain-delay=7"]);
        assert_eq!(numbers.limits.connections, 9);
        assert_eq!(numbers.limits.idle_timeout.as_secs(), 8);
        assert_eq!(numbers.limits.grace.as_secs(), 0);
        assert_eq!(numbers.drain_delay.as_secs(), 7);
        assert_eq!(options(&["--users", "a=b"]).users, Some("a=b".into()));
    }

    #[test]
    fn other_commands_do_not_serve() {
        assert_eq!(parsed(&["--routes"]), Ok(Command::Routes));
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["-V"]), Ok(Command::Version));
        let scopes = vec!["a".into(), "b".into()];
        let line = UserLine { name: "ann".into(), scopes, ..UserLine::default() };
        assert_eq!(parsed(&["--new-token", "ann", "a", "b"]), Ok(Command::NewToken(line)));
        let url = "http://127.0.0.1:8000/healthz".to_owned();
        let check = Command::HealthCheck { url, certificate: None };
        assert_eq!(parsed(&["--healthcheck", "default"]), Ok(check));
        let unexpected = Err("unexpected argument \"--nope\" after --healthcheck".to_owned());
        assert_eq!(parsed(&["--healthcheck", "default", "--nope"]), unexpected);
        let unexpected = Err("unexpected argument \"--nope\" after --routes".to_owned());
        assert_eq!(parsed(&["--routes", "--nope"]), unexpected);
        let no_effect = Err("--users has no effect on --new-token".to_owned());
        assert_eq!(parsed(&["--users", "users.txt", "--new-token", "ann"]), no_effect);
    }

    #[test]
    fn a_new_line_can_have_a_last_day_and_a_file_before_or_after_the_scopes() {
        let line = UserLine {
            name: "ann".into(),
            scopes: vec!["a".into(), "b".into()],
            last_day: Some("2027-01-31".into()),
            file: Some("u.txt".into()),
        };
        let command = Ok(Command::NewToken(line));
        for arguments in [
            &["--new-token", "ann", "a", "b", "--until", "2027-01-31", "--append", "u.txt"][..],
            &["--new-token", "ann", "--append", "u.txt", "a", "--until", "2027-01-31", "b"],
            &["--new-token=ann", "--append=u.txt", "--until=2027-01-31", "a", "b"],
        ] {
            assert_eq!(parsed(arguments), command, "{arguments:?}");
        }
        for (arguments, says) in [
            (&["--new-token", "ann", "--append"][..], "--append needs a value"),
            (&["--new-token", "ann", "--until"], "--until needs a value"),
            (
                &["--new-token", "ann", "--listen", "a"],
                "unexpected option \"--listen\" after a name",
            ),
            (
                &["--new-token", "--append", "u.txt"],
                "unexpected option \"--append\" where a name is needed",
            ),
            (&["--append", "u.txt"], "--append goes after --new-token NAME"),
            (&["--until", "2027-01-31"], "--until goes after --new-token NAME"),
        ] {
            assert_eq!(parsed(arguments), Err(says.to_owned()));
        }
    }

    #[test]
    fn short_tokens_are_allowed_only_if_the_command_line_says_so() {
        assert!(!options(&["--users", "u.txt"]).allow_short_tokens);
        let allowed = options(&["--allow-short-tokens", "--users", "u.txt"]);
        assert!(allowed.allow_short_tokens && allowed.users == Some("u.txt".into()));
        for option in ["--allow-short-tokens", "--tls-in-front"] {
            let usage = parsed(&[&format!("{option}=yes")]);
            assert_eq!(usage, Err(format!("{option} takes no value")));
        }
        assert!(options(&["--tls-in-front", "--listen", "[::]:0"]).tls_in_front);
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_build_with_logins_has_their_options() {
        assert_eq!(parsed(&["--hash-password"]), Ok(Command::HashPassword));
        assert_eq!(parsed(&["--new-key"]), Ok(Command::NewKey));
        let unexpected = Err("unexpected argument \"--append\" after --new-key".to_owned());
        assert_eq!(parsed(&["--new-key", "--append", "key.txt"]), unexpected);
        let line = UserLine { name: "ann".into(), ..UserLine::default() };
        assert_eq!(parsed(&["--new-password", "ann"]), Ok(Command::NewPassword(line)));
        let options = options(&["--token-lifetime", "60"]);
        assert_eq!(options.token_lifetime, Some(Duration::from_secs(60)));
        // Never from the command line: other users of the machine can read that.
        for arguments in [&["--hash-password=secret"][..], &["--hash-password", "secret"]] {
            let usage = parsed(arguments).expect_err("a password on the command line");
            assert!(!usage.contains("secret"), "{usage}");
        }
    }

    #[cfg(not(feature = "login"))]
    #[test]
    fn a_build_without_logins_says_which_one_has_them() {
        for option in
            ["--hash-password", "--new-password", "--token-lifetime", "--token-key", "--new-key"]
        {
            let says = "needs a build with the feature login: \
                        cargo build --release --features login";
            assert_eq!(parsed(&[option]), Err(format!("{option} {says}")));
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_certificate_needs_its_key() {
        let both = options(&["--tls-cert", "cert.pem", "--tls-key=key.pem"]);
        assert_eq!(both.tls, Some(("cert.pem".into(), "key.pem".into())));
        let one = |argument| parsed(&[argument]).unwrap_err();
        assert_eq!(one("--tls-cert=c"), "--tls-cert needs --tls-key as well");
        assert_eq!(one("--tls-key=k"), "--tls-key needs --tls-cert as well");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_health_check_takes_the_certificate_of_the_server() {
        let check = |url: &str| {
            Ok(Command::HealthCheck { url: url.to_owned(), certificate: Some("c.pem".into()) })
        };
        for arguments in [
            &["--healthcheck", "default", "--tls-cert", "c.pem"][..],
            &["--healthcheck=default", "--tls-cert=c.pem"],
            &["--tls-cert", "c.pem", "--healthcheck", "default"],
        ] {
            assert_eq!(parsed(arguments), check("https://127.0.0.1:8000/healthz"));
        }
        let other = parsed(&["--healthcheck", "https://a/b", "--tls-cert=c.pem"]);
        assert_eq!(other, check("https://a/b"));
        let missing = Err("--tls-cert needs a value".to_owned());
        assert_eq!(parsed(&["--healthcheck", "default", "--tls-cert"]), missing);
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn a_build_without_tls_says_which_one_has_it() {
        for option in ["--tls-cert", "--tls-key"] {
            let says = "needs a build with the feature tls: \
                        cargo build --release --features tls";
            assert_eq!(parsed(&[option, "file.pem"]), Err(format!("{option} {says}")));
        }
        let check = parsed(&["--healthcheck", "default", "--tls-cert", "file.pem"]);
        assert!(check.is_err_and(|usage| usage.contains("the feature tls")));
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        for (arguments, says) in [
            (&["--nope"][..], "unknown option \"--nope\""),
            (&["8000"], "unexpected argument \"8000\""),
            (&["a=b"], "unexpected argument \"a=b\""),
            (&["--listen"], "--listen needs a value"),
            (&["--help=yes"], "--help takes no value"),
            (
                &["--log-level", "loud"],
                "\"loud\" is not a log level: use off, error, warn, info, debug or trace",
            ),
            (
                &["--max-connections", "0"],
                "--max-connections needs a whole number from 1 to 1000000, not \"0\"",
            ),
            (&["--grace", "-1"], "--grace needs a whole number from 0 to 3600, not \"-1\""),
            (&["--grace", "+1"], "--grace needs a whole number from 0 to 3600, not \"+1\""),
            (&["--grace", ""], "--grace needs a whole number from 0 to 3600, not \"\""),
            (
                &["--idle-timeout", "99999999999999999999"],
                "--idle-timeout needs a whole number from 1 to 86400, not \"99999999999999999999\"",
            ),
        ] {
            assert_eq!(parsed(arguments), Err(says.to_owned()));
        }
    }

    #[test]
    fn help_has_80_columns_and_only_options_that_exist() {
        for line in HELP.lines() {
            assert!(line.len() <= 80, "{line}");
            let words = line.split([' ', ',']).filter(|word| word.starts_with("--"));
            for option in words.filter(|_| !line.contains("cargo build")) {
                assert_ne!(parsed(&[option]), Err(format!("unknown option {option:?}")));
            }
        }
    }
}

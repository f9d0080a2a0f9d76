//! The binary: a program on the public API of the library, like yours.
//!
//! `lesson.rs` is the table of routes; read it first. This file reads the options
//! and starts the server: options → log → users → routes → serve.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod allocator;
mod backlog;
mod cli;
mod commands;
mod control;
mod failure;
mod health_check;
mod help;
#[cfg(feature = "tls")]
mod https;
#[cfg(not(feature = "tls"))]
#[path = "no_https.rs"]
mod https;
mod lesson;
mod listen;
mod logger;
#[cfg(feature = "login")]
mod logins;
#[cfg(not(feature = "login"))]
#[path = "no_logins.rs"]
mod logins;
mod operations;
#[cfg(feature = "tls")]
mod pinned;
#[cfg(not(feature = "tls"))]
#[path = "no_pinned.rs"]
mod pinned;
#[cfg(feature = "login")]
mod prompt;
mod reload;
mod signals;
mod watched;

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use cli::{Command, Options};
use control::{Control, Parts};
use failure::Failure;
use guardhouse::{Routes, UsersFile};
use https::Https;
use lesson::Guards;
use logins::Logins;
use operations::Readiness;
use reload::Reload;
use watched::{Load, Watched};

fn main() -> ExitCode {
    let command = cli::parse(env::args_os().skip(1)).map_err(Failure::WrongUsage);
    match command.and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(options) => {
            let result = serve(options);
            log::logger().flush();
            result
        }
        Command::Help => commands::print(help::HELP),
        Command::Version => {
            commands::print(concat!("guardhouse ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Command::Routes => {
            let logins = Logins::new(None, None, None).map_err(Failure::CouldNotRun)?;
            let routes = routes(Guards::published(), logins, Readiness::new());
            commands::print(&routes.to_string())
        }
        Command::NewToken(line) => commands::new_token(&line),
        Command::NewPassword(line) => commands::new_password(&line),
        Command::HashPassword => commands::hash_password(),
        Command::NewKey => commands::new_key(),
        Command::HealthCheck { url, certificate } => {
            commands::health_check(&url, certificate.as_deref())
        }
    }
}

/// Serves until a signal stops the server.
fn serve(options: Options) -> Result<(), Failure> {
    logger::init(options.log_level);
    allocator::restart_if_limited();
    // Before a file is loaded: else a signal in that time would end the program.
    let control = Control::start();
    let users_file = Watched::new(options.users.clone());
    let users = load_users(options.users, options.allow_short_tokens)?;
    let certificate = options.tls.clone().map(|(certificate, key)| [certificate, key]);
    let certificate = Watched::new(certificate.into_iter().flatten());
    let https = Https::load(options.tls).map_err(Failure::could_not_run)?;
    let server = https.apply(listen::listen(&options.listen)?).with_limits(options.limits);
    let (scheme, address) = (https.scheme(), server.local_addr());
    if scheme == "http" && !options.tls_in_front {
        warn_of_plain_http(address);
    }
    let keys = Watched::new(options.token_key.clone());
    let logins = Logins::new(users.clone(), options.token_lifetime, options.token_key)
        .map_err(Failure::CouldNotRun)?;
    let guards = guards(users.clone(), logins.clone());
    let readiness = Readiness::new();
    let for_keys = logins.clone();
    let files = vec![
        (users_file, Box::new(move || reload::load(users.as_deref())) as Load),
        (certificate, Box::new(move || https.reload())),
        (keys, Box::new(move || for_keys.reload_keys())),
    ];
    let reload = Reload::start(files, options.reload_every)
        .map_err(|error| Failure::CouldNotRun(format!("can't start a thread: {error}")))?;
    control.serve(Parts {
        stop: server.stop(),
        readiness: readiness.clone(),
        reload,
        drain_delay: options.drain_delay,
    });
    log::info!("the routes are at {scheme}://{}/docs", listen::for_browser(address));
    // Write all of this before the line that says that the server listens.
    log::logger().flush();
    // If no program reads stdout, the server runs all the same.
    let _ = commands::write(&format!("listening on {scheme}://{address}\n"));
    server.run(routes(guards, logins, readiness)).map_err(Failure::could_not_run)
}

fn load_users(
    file: Option<PathBuf>,
    allow_short_tokens: bool,
) -> Result<Option<Arc<UsersFile>>, Failure> {
    let load =
        if allow_short_tokens { UsersFile::load_allowing_short_tokens } else { UsersFile::load };
    Ok(file.map(load).transpose().map_err(Failure::could_not_run)?.map(Arc::new))
}

fn warn_of_plain_http(address: SocketAddr) {
    if !address.ip().to_canonical().is_loopback() {
        log::warn!(
            "clients send their tokens to {address} without encryption: give --tls-cert and \
             --tls-key, or listen on 127.0.0.1 and let a proxy in front do TLS; or give \
             --tls-in-front if something does that already"
        );
    }
}

/// The guards for the users of the file, or those of the lesson.
fn guards(users: Option<Arc<UsersFile>>, logins: Logins) -> Guards {
    let Some(users) = users else {
        log::warn!(
            "no --users file, so the tokens are those of the lesson, which everyone can read"
        );
        return Guards::published();
    };
    log::info!("users loaded: {}", users.count());
    let by_token = move |token: &str| users.by_token(token).or_else(|| logins.by_token(token));
    Guards::for_users(by_token)
}

/// The whole table: the routes of the lesson, of logins and for operators, and
/// the routes that document the table.
fn routes(guards: Guards, logins: Logins, readiness: Readiness) -> Routes {
    let (by_token, by_name) = (guards.by_token.clone(), guards.by_name.clone());
    let operations = operations::routes(readiness, by_token, by_name);
    let lesson = lesson::routes(guards).into_iter();
    let routes: Routes = lesson.chain(logins.route()).chain(operations).collect();
    routes.documented("guardhouse", env!("CARGO_PKG_VERSION"))
}

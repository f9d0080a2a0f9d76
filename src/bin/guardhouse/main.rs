//! The binary: options → log → users → routes → serve. What the server says to
//! whom is in `lesson.rs`; what is here only sets it up.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backlog;
mod cli;
mod lesson;
mod logger;
mod logins;
mod operations;
#[cfg(feature = "login")]
mod prompt;
mod signals;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cli::{Command, Options};
#[cfg(feature = "login")]
use guardhouse::Password;
#[cfg(feature = "tls")]
use guardhouse::Tls;
use guardhouse::{Routes, Server, Stop, UsersFile, users};
use lesson::Guards;
use logins::Logins;
use operations::Readiness;
use signals::{Signal, Signals};

const COULD_NOT_RUN: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(options)) => {
            let code = serve(options);
            log::logger().flush();
            code
        }
        Ok(Command::Help) => print(cli::HELP),
        Ok(Command::Version) => print(concat!("guardhouse ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Routes) => {
            let logins = Logins::new(&Options::default(), None);
            print(&routes(Guards::published(), logins, Readiness::new()).to_string())
        }
        Ok(Command::NewToken { name, scopes }) => new_token(&name, &scopes),
        #[cfg(feature = "login")]
        Ok(Command::HashPassword) => hash_password(),
        Ok(Command::HealthCheck { url }) => health_check(&url),
        Err(usage) => fail(WRONG_USAGE, &usage),
    }
}

fn routes(guards: Guards, logins: Logins, readiness: Readiness) -> Routes {
    let guards = guards.each(Logins::announced);
    let operations = operations::routes(readiness, guards.any.clone());
    let table: Routes =
        lesson::routes(guards).into_iter().chain(logins.routes()).chain(operations).collect();
    table.documented("guardhouse", env!("CARGO_PKG_VERSION"))
}

fn serve(options: Options) -> ExitCode {
    logger::init(options.log_level);
    let users = match options.users.as_ref().map(UsersFile::load).transpose() {
        Ok(users) => users.map(Arc::new),
        Err(error) => return fail(COULD_NOT_RUN, &error),
    };
    let logins = Logins::new(&options, users.clone());
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    #[cfg(feature = "tls")]
    let tls = match options.tls.map(|(certificate, key)| Tls::load(certificate, key)).transpose() {
        Ok(tls) => tls,
        Err(error) => return fail(COULD_NOT_RUN, &error),
    };
    let server = match listen(&options.listen) {
        Ok(server) => server.with_limits(options.limits),
        Err(error) => return fail(COULD_NOT_RUN, &cannot_listen(&options.listen, &error)),
    };
    #[cfg(feature = "tls")]
    let server = match &tls {
        Some(tls) => server.with_tls(tls.clone()),
        None => server,
    };
    let address = server.local_addr();
    if scheme == "http" && !address.ip().to_canonical().is_loopback() {
        log::warn!(
            "tokens travel in the clear to {address}: give --tls-cert and --tls-key, \
             or listen on 127.0.0.1 behind a proxy that ends TLS"
        );
    }
    let guards = if let Some(users) = users.clone() {
        log::info!("{} users may come in", users.len());
        let logins = logins.clone();
        Guards::for_users(move |token| users.by_token(token).or_else(|| logins.by_token(token)))
    } else {
        log::warn!("no --users file: the tokens are the lesson's, which everyone can read");
        Guards::published()
    };
    let readiness = Readiness::new();
    match Signals::catch() {
        Ok(signals) => {
            let house = House {
                stop: server.stop(),
                readiness: readiness.clone(),
                users,
                #[cfg(feature = "tls")]
                tls,
            };
            house.obey(signals, options.drain_delay);
        }
        Err(error) => log::warn!("signals are not caught, a stop cuts requests off: {error}"),
    }
    // Who has read that it listens can read what there is to be warned of.
    log::logger().flush();
    // Whoever started us may not care to read it.
    let _ = write_out(&format!("listening on {scheme}://{address}\n"));
    match server.run(routes(guards, logins, readiness)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COULD_NOT_RUN, &error),
    }
}

fn listen(address: &str) -> io::Result<Server> {
    let listener = TcpListener::bind(address)?;
    if let Err(error) = backlog::lengthen(&listener) {
        log::warn!("a crowd of more than 128 may have to wait at the door: {error}");
    }
    Server::from_listener(listener)
}

/// What signals act on.
struct House {
    stop: Stop,
    readiness: Readiness,
    users: Option<Arc<UsersFile>>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl House {
    /// Obeys signals on a thread of its own. The first to stop is obeyed in good
    /// order, the second at once.
    fn obey(self, signals: Signals, drain_delay: Duration) {
        let obeying = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut is_stopping = false;
            for signal in signals {
                match signal {
                    Signal::Reload => self.reload(),
                    Signal::Stop if is_stopping => {
                        log::warn!("stopping at once");
                        process::exit(COULD_NOT_RUN.into());
                    }
                    Signal::Stop => {
                        is_stopping = true;
                        self.stop_after(drain_delay);
                    }
                }
            }
        });
        if let Err(error) = obeying {
            log::warn!("no thread for signals, none is obeyed: {error}");
        }
    }

    fn reload(&self) {
        match self.users.as_ref().map(|users| users.reload().map(|()| users.len())) {
            None => log::info!("no users file to load again"),
            Some(Ok(count)) => log::info!("{count} users may come in from now on"),
            Some(Err(error)) => log::error!("the users stay who they were: {error}"),
        }
        #[cfg(feature = "tls")]
        match self.tls.as_ref().map(Tls::reload) {
            None => {}
            Some(Ok(())) => log::info!("the certificate is loaded again, for new connections"),
            Some(Err(error)) => log::error!("the certificate stays what it was: {error}"),
        }
    }

    /// Stops after a delay in which load balancers learn of it, on a thread of
    /// its own: a second signal need not wait for it.
    fn stop_after(&self, delay: Duration) {
        log::info!("stopping: requests under way are answered");
        self.readiness.end();
        let stop = self.stop.clone();
        let stopping = thread::Builder::new().name("stop".to_owned()).spawn(move || {
            // Nothing to wait for but time: probes come when they come.
            thread::sleep(delay);
            stop.stop();
        });
        if stopping.is_err() {
            self.stop.stop();
        }
    }
}

/// What keeps us from listening, and what to do about it.
fn cannot_listen(listen: &str, error: &io::Error) -> String {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, InvalidInput, PermissionDenied};
    let advice = match error.kind() {
        AddrInUse => "stop what listens there, or choose another port: --listen 127.0.0.1:0",
        AddrNotAvailable => "this machine does not have that address: try 127.0.0.1 or 0.0.0.0",
        PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
        InvalidInput => "give a host and a port: --listen 127.0.0.1:8000",
        _ => "give a host that resolves, and a port up to 65535: --listen 127.0.0.1:8000",
    };
    format!("can't listen on {listen:?}: {error}\n{advice}")
}

fn new_token(name: &str, scopes: &[String]) -> ExitCode {
    match users::new_line(name, scopes) {
        Ok(line) => print(&format!("{line}\n")),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => fail(
            WRONG_USAGE,
            &"a name has no colon, no # in front and no control character; a scope no space, \" or \\",
        ),
        Err(error) => fail(COULD_NOT_RUN, &format_args!("no random source: {error}")),
    }
}

#[cfg(feature = "login")]
fn hash_password() -> ExitCode {
    match prompt::password().and_then(|password| Password::hash(&password)) {
        Ok(password) => print(&format!("{password}\n")),
        Err(error) => fail(COULD_NOT_RUN, &format_args!("no password: {error}")),
    }
}

fn health_check(url: &str) -> ExitCode {
    match operations::health_check(url) {
        Ok(200..=299) => ExitCode::SUCCESS,
        Ok(code) => fail(COULD_NOT_RUN, &format_args!("{url} answers {code}")),
        Err(error) => fail(COULD_NOT_RUN, &format_args!("{url} does not answer: {error}")),
    }
}

fn print(text: &str) -> ExitCode {
    match write_out(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COULD_NOT_RUN, &format_args!("stdout can't be written: {error}")),
    }
}

fn write_out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn fail(code: u8, why: &dyn Display) -> ExitCode {
    // Where stderr is closed, the exit code is all that can be said.
    let _ = writeln!(io::stderr(), "guardhouse: {why}");
    ExitCode::from(code)
}

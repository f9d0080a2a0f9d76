//! The binary: options → log → routes → serve. A request's way begins in
//! `lesson.rs`; what is here only sets it up.

mod cli;
mod lesson;
mod logger;
mod signals;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use cli::{Command, Options};
use guardhouse::{Routes, Server, Stop};
use signals::{Signal, Signals};

const COULD_NOT_RUN: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(usage) => return fail(WRONG_USAGE, &usage),
    };
    let printed = match command {
        Command::Serve(options) => return serve(&options),
        Command::Help => print(cli::HELP),
        Command::Version => print(concat!("guardhouse ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Routes => print(&table(&routes())),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COULD_NOT_RUN, &format_args!("stdout can't be written: {error}")),
    }
}

fn routes() -> Routes {
    Routes::new(lesson::routes(lesson::Guards::published()))
}

fn serve(options: &Options) -> ExitCode {
    logger::init(options.log_level);
    let listen = &options.listen;
    let server = match Server::bind(listen) {
        Ok(server) => server,
        Err(error) => return fail(COULD_NOT_RUN, &cannot_listen(listen, &error)),
    };
    match Signals::catch() {
        Ok(signals) => obey(signals, server.stop()),
        Err(error) => log::warn!("signals are not caught, a stop cuts requests off: {error}"),
    }
    log::warn!("the tokens are the lesson's, which everyone can read");
    // Whoever started us may not care to read it.
    let _ = print(&format!("listening on http://{}\n", server.local_addr()));
    match server.run(routes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COULD_NOT_RUN, &error),
    }
}

/// Stops the server at the first signal, in good order, and at the second at once.
fn obey(signals: Signals, stop: Stop) {
    let stopping = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut signals = signals.filter(|signal| *signal == Signal::Stop);
        if signals.next().is_some() {
            log::info!("stopping: requests under way are answered");
            stop.stop();
        }
        if signals.next().is_some() {
            log::warn!("stopping at once");
            std::process::exit(COULD_NOT_RUN.into());
        }
    });
    if let Err(error) = stopping {
        log::warn!("no thread for signals, none is obeyed: {error}");
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

/// The table as text: method, path and guard, aligned.
fn table(routes: &Routes) -> String {
    let width = routes.iter().map(|route| route.path().len()).max().unwrap_or(0).max("PATH".len());
    let mut table = format!("METHOD   {:width$}  GUARD\n", "PATH");
    for route in routes.iter() {
        let guard = route.guard().map_or_else(|| "open".to_owned(), ToString::to_string);
        table += &format!("{:7}  {:width$}  {guard}\n", route.method().as_str(), route.path());
    }
    table
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn fail(code: u8, why: &dyn Display) -> ExitCode {
    // Where stderr is closed, the exit code is all that can be said.
    let _ = writeln!(io::stderr(), "guardhouse: {why}");
    ExitCode::from(code)
}

//! The program to copy: its own tests, and that it stops without losing a request.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, unreachable_pub)] // Its `main` listens; these tests start the program.
#[path = "notes.rs"]
mod notes;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use support::{Asked, Client};

const CLIENTS: usize = 16;

/// A client that has sent nothing for this long is idle, and the server may have closed
/// its connection.
const LATE: Duration = Duration::from_millis(100);

/// The program, which cargo builds before it runs the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/notes");
    assert!(program.exists(), "first run: cargo build --examples");
    program
}

fn start() -> (Child, String) {
    let mut program =
        Command::new(program()).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (program, address)
}

/// Sends requests without a pause until an answer says that the connection closes.
/// Returns the number of answers, or what was wrong.
fn ask_until_the_end(address: &str, ready: &Barrier) -> Result<usize, String> {
    let mut client = Client::new(support::connect(address.parse().unwrap()));
    let request = "GET /notes HTTP/1.1\r\nHost: a\r\n\
                   Authorization: Bearer s3cret-token-of-ann\r\n\r\n";
    // The wait for the other clients may also make it late.
    let mut sent = Instant::now();
    client.ask(request);
    ready.wait();
    for answers in 0.. {
        let previous = std::mem::replace(&mut sent, Instant::now());
        let written = client.stream.write_all(request.as_bytes());
        match written
            .map_err(|error| error.to_string())
            .and_then(|()| client.try_answer(Asked::Other))
        {
            Ok((answer, _)) if answer.closes() => return Ok(answers),
            Ok(_) => {}
            Err(_) if previous.elapsed() > LATE => return Ok(answers),
            Err(wrong) => return Err(wrong),
        }
    }
    unreachable!("the server stops")
}

#[test]
fn sigterm_under_load_loses_no_request() {
    for _ in 0..5 {
        let (mut program, address) = start();
        let ready = Barrier::new(CLIENTS + 1);
        thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|_| scope.spawn(|| ask_until_the_end(&address, &ready))).collect();
            ready.wait();
            let pid = program.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            for client in clients {
                client.join().unwrap().expect("each request has its whole answer");
            }
        });
        assert!(program.wait().unwrap().success(), "the program ends by itself");
    }
}

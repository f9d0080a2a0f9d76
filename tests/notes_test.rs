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
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use support::{Asked, Client};

const CLIENTS: usize = 16;

/// A client that has sent nothing for this long is idle, and the server may have closed
/// its connection: it waits 100 ms, which it counts in whole milliseconds.
const LATE: Duration = Duration::from_millis(98);

/// The program, which cargo builds before it runs the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/notes");
    assert!(program.exists(), "first run: cargo build --examples");
    program
}

fn start() -> (Child, String) {
    let mut program = Command::new(program())
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (program, address)
}

/// Sends requests without a pause until an answer says that the connection closes, and
/// adds the answers before that one to `answered`. The error says what was wrong.
fn ask_until_the_end(address: &str, ready: &Barrier, answered: &AtomicUsize) -> Result<(), String> {
    let mut client = Client::new(support::connect(address.parse().unwrap()));
    let request = "GET /notes HTTP/1.1\r\nHost: a\r\n\
                   Authorization: Bearer s3cret-token-of-ann\r\n\r\n";
    // The wait for the other clients may also make it late.
    let mut sent = Instant::now();
    client.ask(request);
    ready.wait();
    loop {
        let previous = std::mem::replace(&mut sent, Instant::now());
        let written = client.stream.write_all(request.as_bytes());
        // Before the wait for the answer: a request that was sent in time is lost if the
        // server does not answer it, however long it takes for that.
        let was_late = previous.elapsed() > LATE;
        let answer = written
            .map_err(|error| error.to_string())
            .and_then(|()| client.try_answer(Asked::Other));
        match answer {
            Ok((answer, _)) if answer.closes() => return Ok(()),
            Ok(_) => answered.fetch_add(1, SeqCst),
            Err(_) if was_late && client.has_received_nothing() => return Ok(()),
            Err(wrong) => return Err(wrong),
        };
    }
}

#[test]
fn sigterm_under_load_loses_no_request() {
    for _ in 0..5 {
        let (mut program, address) = start();
        let ready = Barrier::new(CLIENTS + 1);
        let answered = AtomicUsize::new(0);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| scope.spawn(|| ask_until_the_end(&address, &ready, &answered)))
                .collect();
            ready.wait();
            // The signal comes while the clients send. None of them ends before it.
            while answered.load(SeqCst) < 10 * CLIENTS
                && !clients.iter().any(ScopedJoinHandle::is_finished)
            {
                thread::yield_now();
            }
            let pid = program.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            for client in clients {
                client.join().unwrap().expect("each request has its whole answer");
            }
        });
        assert!(program.wait().unwrap().success(), "the program ends by itself");
    }
}

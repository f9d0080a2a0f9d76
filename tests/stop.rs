//! What signals do. A stop under load loses no request: each client gets the whole
//! answer to its request, or no byte of it if the server had closed the connection
//! before. A second order to stop ends the server at once.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use std::{env, process, thread};

const CLIENTS: usize = 32;
const ROUNDS: usize = 20;

/// A client that has sent nothing for this long is idle, and the server may have
/// closed its connection. On a busy machine even a client that sends without a
/// pause can be that late.
const LATE: Duration = Duration::from_millis(100);

fn start(options: &[&str]) -> (Child, SocketAddr) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_guardhouse"))
        .args(["--listen", "127.0.0.1:0"])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    (server, address)
}

fn signal(server: &Child, name: &str) {
    let pid = server.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

/// The exit code, and the log.
fn end(server: Child) -> (Option<i32>, String) {
    let output = server.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn another_order_to_stop_ends_the_server_at_once_and_the_log_says_so() {
    for round in 0..10 {
        let signals = [["TERM", "INT"], ["INT", "QUIT"], ["QUIT", "TERM"]][round % 3];
        let (server, _) = start(&["--drain-delay", "3600", "--log-level", "warn"]);
        for name in signals {
            signal(&server, name);
        }
        let (code, log) = end(server);
        assert_eq!(code, Some(1), "{signals:?}");
        assert!(log.ends_with("stopping at once\n"), "{signals:?}: {log:?}");
    }
}

/// Sends a signal, and twice more when the server has begun to stop. Returns whether
/// all that took less than a second, the exit code, and the log.
fn send_three_times(name: &str) -> (bool, Option<i32>, String) {
    let (mut server, _) = start(&["--drain-delay", "1", "--log-level", "debug"]);
    let mut stderr = BufReader::new(server.stderr.take().unwrap());
    let (sent, mut log) = (Instant::now(), String::new());
    signal(&server, name);
    while !log.contains("stopping: ") {
        assert_ne!(stderr.read_line(&mut log).unwrap(), 0, "{name}: {log}");
    }
    signal(&server, name);
    signal(&server, name);
    let was_quick = sent.elapsed() < Duration::from_millis(900);
    stderr.read_to_string(&mut log).unwrap();
    (was_quick, end(server).0, log)
}

#[test]
fn the_same_signal_again_within_a_second_is_the_same_order() {
    thread::scope(|scope| {
        for name in ["TERM", "INT", "QUIT"] {
            scope.spawn(move || {
                // On a busy machine the three can take longer, and then they are no proof.
                let in_time = || Some(send_three_times(name)).filter(|(quick, ..)| *quick);
                let Some((_, code, log)) = (0..5).find_map(|_| in_time()) else {
                    return println!("skipped: this machine can't send three signals in a second");
                };
                assert_eq!(code, Some(0), "{name}: {log}");
                assert!(log.contains("came twice within a second"), "{name}: {log}");
                assert!(!log.contains("stopping at once"), "{name}: {log}");
            });
        }
    });
}

#[test]
fn the_same_signal_after_more_than_a_second_is_a_second_order() {
    let (server, _) = start(&["--drain-delay", "3600"]);
    signal(&server, "TERM");
    // Only time makes the difference here.
    thread::sleep(Duration::from_millis(1200));
    signal(&server, "TERM");
    let (code, log) = end(server);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("stopping at once"), "{log}");
}

#[test]
fn signals_that_mean_nothing_here_do_not_end_the_server() {
    let (server, address) = start(&[]);
    for name in ["USR1", "USR2", "HUP", "PIPE", "USR1"] {
        signal(&server, name);
        let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
        assert_eq!(request(&mut stream), Outcome::Answered { last: false }, "{name}");
    }
    signal(&server, "QUIT");
    let (code, log) = end(server);
    assert_eq!(code, Some(0), "{log}");
}

/// A server that is loading its users from a pipe, and the end of the pipe to write them to.
/// The pipe lies at this path.
fn start_loading(pipe: &Path) -> (Child, File) {
    let _ = fs::remove_file(pipe);
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let server = Command::new(env!("CARGO_BIN_EXE_guardhouse"))
        .args(["--listen", "127.0.0.1:0", "--users"])
        .arg(pipe)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // This waits until the server has opened the pipe, too.
    let users = File::create(pipe).unwrap();
    (server, users)
}

#[test]
fn signals_that_come_while_the_users_are_loaded_are_obeyed() {
    let pipe = env::temp_dir().join(format!("guardhouse-{}-loading", process::id()));
    for names in [&["HUP"][..], &["USR1", "USR2"], &["HUP", "HUP", "USR1"]] {
        let (server, mut users) = start_loading(&pipe);
        for name in names {
            signal(&server, name);
        }
        users.write_all(b"ann:s3cret-token-of-ann\n").unwrap();
        drop(users);
        let mut server = server;
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{names:?}: {line}");
        let mut log = String::new();
        let mut stderr = BufReader::new(server.stderr.take().unwrap());
        while names[0] == "HUP" && !log.contains("which is read at the start only") {
            assert_ne!(stderr.read_line(&mut log).unwrap(), 0, "{names:?}: {log}");
        }
        signal(&server, "TERM");
        assert_eq!(end(server).0, Some(0), "{names:?}");
    }
    for name in ["TERM", "INT", "QUIT"] {
        let (server, _users) = start_loading(&pipe);
        signal(&server, name);
        let (code, log) = end(server);
        assert_eq!(code, Some(0), "{name}: {log}");
        assert!(log.contains("stopped before the server has begun"), "{name}: {log}");
    }
    fs::remove_file(pipe).unwrap();
}

/// What came back for a request.
#[derive(Debug, PartialEq)]
enum Outcome {
    Answered { last: bool },
    Nothing,
    Half(String),
}

fn request(stream: &mut BufReader<TcpStream>) -> Outcome {
    let request = b"GET /protected HTTP/1.1\r\nHost: a\r\n\
                    Authorization: Bearer fake-super-secret-token\r\n\r\n";
    if stream.get_mut().write_all(request).is_err() {
        return Outcome::Nothing;
    }
    let mut head = String::new();
    loop {
        match stream.read_line(&mut head) {
            Ok(0) | Err(_) if head.is_empty() => return Outcome::Nothing,
            Ok(0) | Err(_) => return Outcome::Half(head),
            Ok(_) if head.ends_with("\r\n\r\n") => break,
            Ok(_) => {}
        }
    }
    let mut body = [0; 53];
    if !head.starts_with("HTTP/1.1 200 OK\r\n") || stream.read_exact(&mut body).is_err() {
        return Outcome::Half(head);
    }
    assert_eq!(&body, br#"{"message":"Hello user1! This is a protected route."}"#);
    Outcome::Answered { last: head.contains("Connection: close\r\n") }
}

#[test]
fn no_request_is_lost_when_the_server_stops_under_load() {
    for round in 0..ROUNDS {
        let (server, address) = start(&["--log-level", "error"]);
        let ready = Arc::new(Barrier::new(CLIENTS + 1));
        let answered = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (ready, answered) = (Arc::clone(&ready), Arc::clone(&answered));
                thread::spawn(move || {
                    let stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    let mut stream = BufReader::new(stream);
                    // The wait for the other clients may also make it late.
                    let mut sent = Instant::now();
                    assert_eq!(request(&mut stream), Outcome::Answered { last: false });
                    ready.wait();
                    // It sends without a pause, until an answer says that the
                    // connection closes.
                    loop {
                        let was_late = sent.elapsed() > LATE;
                        sent = Instant::now();
                        match request(&mut stream) {
                            Outcome::Answered { last: false } => answered.fetch_add(1, SeqCst),
                            Outcome::Nothing if was_late => {
                                return Outcome::Answered { last: true };
                            }
                            outcome => return outcome,
                        };
                    }
                })
            })
            .collect();
        ready.wait();
        // The signal comes while all clients send.
        while answered.load(SeqCst) < CLIENTS * (1 + round) {
            thread::yield_now();
        }
        signal(&server, "TERM");
        for client in clients {
            assert_eq!(client.join().unwrap(), Outcome::Answered { last: true }, "round {round}");
        }
        assert_eq!(end(server).0, Some(0));
    }
}

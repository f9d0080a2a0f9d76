//! A stop under load loses no request: each client gets the whole answer to its
//! request, or no byte of it if the server had closed the connection before.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 32;
const ROUNDS: usize = 20;

/// A client that has sent nothing for this long is idle, and the server may have
/// closed its connection. On a busy machine even a client that sends without a
/// pause can be that late.
const LATE: Duration = Duration::from_millis(100);

fn start() -> (Child, SocketAddr) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_guardhouse"))
        .args(["--listen", "127.0.0.1:0", "--log-level", "error"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    (server, address)
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
        let (mut server, address) = start();
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
        let pid = server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        for client in clients {
            assert_eq!(client.join().unwrap(), Outcome::Answered { last: true }, "round {round}");
        }
        assert_eq!(server.wait().unwrap().code(), Some(0));
    }
}

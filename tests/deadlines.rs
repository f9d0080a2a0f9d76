//! A peer that is too slow, in sending or in reading: it gets 408, or the server
//! just closes.
//!
//! No test sleeps. Each waits for what the server does; a client that must send
//! slowly reads between its bytes, and the timeout of its reads is the clock. The
//! bounds are wide, so that no test fails because the machine is busy.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use guardhouse::Method::GET;
use guardhouse::{Limits, Request, Response, Route, Routes};

use support::{Answer, Asked, Client, Running, patient_limits};

/// The timeout that a test is about; all others are a minute.
const SHORT: Duration = Duration::from_millis(300);
/// Enough for a machine that is busy.
const GENEROUS: Duration = Duration::from_secs(10);

/// The answers until the server closed the connection, which it did not do at once, and
/// not only after minutes.
#[track_caller]
fn ending(client: &mut Client, since: Instant) -> Vec<Answer> {
    let received = client.rest();
    let elapsed = since.elapsed();
    assert!(elapsed >= SHORT / 2, "it ended after only {elapsed:?}");
    assert!(elapsed < GENEROUS, "it ended as late as after {elapsed:?}");
    Answer::parse_all(&received, |_| Asked::Other).unwrap()
}

/// One answer: 408, with `Connection: close`.
#[track_caller]
fn assert_timeout(answers: &[Answer], detail: &str) {
    assert_eq!(support::statuses(answers), [408]);
    assert_eq!(answers[0].detail(), Some(detail));
    assert!(answers[0].closes());
}

/// Sends one byte every few milliseconds until the server ends the connection.
/// Returns what came back, and how many bytes the client could send.
fn trickle(client: &mut Client, bytes: impl IntoIterator<Item = u8>) -> (Vec<u8>, usize) {
    client.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let (mut received, mut sent) = (Vec::new(), 0);
    for byte in bytes {
        // The server may have closed already; the read shows that.
        sent += client.stream.write(&[byte]).unwrap_or(0);
        let mut piece = [0; 1024];
        match client.stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&piece[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error} after {}", support::shown(&received)),
        }
    }
    (received, sent)
}

#[test]
fn a_connection_that_sends_nothing_is_closed_without_an_answer() {
    let server = Running::with(Limits { silent_timeout: SHORT, ..patient_limits() });
    let begin = Instant::now();
    assert_eq!(ending(&mut server.connect(), begin), []);
}

#[test]
fn a_timeout_of_zero_ends_the_wait_at_once() {
    Running::with(Limits { silent_timeout: Duration::ZERO, ..patient_limits() }).connect().ends();

    let server = Running::with(Limits { idle_timeout: Duration::ZERO, ..patient_limits() });
    let mut client = server.connect();
    assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    client.ends();
}

#[test]
fn a_connection_that_sends_only_a_blank_line_is_closed_without_an_answer() {
    let server = Running::with(Limits { silent_timeout: SHORT, ..patient_limits() });
    let begin = Instant::now();
    let mut client = server.connect();
    client.send("\r\n");
    assert_eq!(ending(&mut client, begin), []);
}

#[test]
fn a_connection_that_is_idle_too_long_is_closed_without_an_answer() {
    let server = Running::with(Limits { idle_timeout: SHORT, ..patient_limits() });
    let mut client = server.connect();
    let begin = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(!answer.closes());
    assert_eq!(ending(&mut client, begin), []);
}

#[test]
fn a_head_that_stops_gets_408() {
    let server = Running::with(Limits { head_timeout: SHORT, ..patient_limits() });
    for head in ["G", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n", "\r"] {
        let mut client = server.connect();
        let begin = Instant::now();
        client.send(head);
        assert_timeout(&ending(&mut client, begin), "the head took too long");
    }
}

#[test]
fn a_second_head_that_stops_gets_408() {
    let server = Running::with(Limits { head_timeout: SHORT, ..patient_limits() });
    let mut client = server.connect();
    let begin = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /ne");
    let answers = ending(&mut client, begin);
    assert_eq!(answers[0].status, 200);
    assert_timeout(&answers[1..], "the head took too long");
}

/// The Slowloris attack: each byte comes in time, the whole head never does.
#[test]
fn a_head_that_trickles_gets_408() {
    let server = Running::with(Limits { head_timeout: SHORT, ..patient_limits() });
    let mut client = server.connect();
    let begin = Instant::now();
    let line = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".iter().copied();
    let (received, sent) = trickle(&mut client, line.chain(std::iter::repeat_n(b'x', 4000)));
    assert!(begin.elapsed() >= SHORT / 2 && begin.elapsed() < GENEROUS);
    assert!((1..4000).contains(&sent), "{sent} bytes were taken");
    let answers = Answer::parse_all(&received, |_| Asked::Other).unwrap();
    assert_timeout(&answers, "the head took too long");
}

#[test]
fn a_body_that_stops_gets_408() {
    let server = Running::with(Limits { body_timeout: SHORT, ..patient_limits() });
    for (framing, body) in [
        ("Content-Length: 5", ""),
        ("Content-Length: 5", "hell"),
        ("Transfer-Encoding: chunked", ""),
        ("Transfer-Encoding: chunked", "5\r\nhel"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n"),
    ] {
        let mut client = server.connect();
        let begin = Instant::now();
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{body}"));
        assert_timeout(&ending(&mut client, begin), "the content took too long");
    }
}

#[test]
fn a_client_that_sends_nothing_after_100_continue_gets_408() {
    let server = Running::with(Limits { body_timeout: SHORT, ..patient_limits() });
    let mut client = server.connect();
    let begin = Instant::now();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    assert_timeout(&ending(&mut client, begin), "the content took too long");
}

#[test]
fn a_body_that_trickles_gets_408() {
    let server = Running::with(Limits { body_timeout: SHORT, ..patient_limits() });
    for path in ["/", "/stream"] {
        let mut client = server.connect();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"));
        let begin = Instant::now();
        let (received, sent) = trickle(&mut client, std::iter::repeat_n(b'x', 4000));
        assert!(begin.elapsed() >= SHORT / 2 && begin.elapsed() < GENEROUS);
        assert!((1..4000).contains(&sent), "{sent} bytes were taken");
        let answers = Answer::parse_all(&received, |_| Asked::Other).unwrap();
        assert_timeout(&answers, "the content took too long");
    }
}

/// The answer does not wait for a body that no handler reads. The next request
/// must wait for it, but not for ever.
#[test]
fn an_unread_body_that_stops_ends_the_connection() {
    let server = Running::with(Limits { drain_timeout: SHORT, ..patient_limits() });
    let mut client = server.connect();
    let begin = Instant::now();
    client.send("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert_eq!(ending(&mut client, begin), []);
}

#[test]
fn an_unread_body_that_trickles_ends_the_connection() {
    let server = Running::with(Limits { drain_timeout: SHORT, ..patient_limits() });
    let mut client = server.connect();
    client.send("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    let begin = Instant::now();
    let (received, _) = trickle(&mut client, std::iter::repeat_n(b'x', 4000));
    assert_eq!(received, b"");
    assert!(begin.elapsed() < GENEROUS);
}

/// After the last answer the server waits for the client to close, but not for
/// ever.
#[test]
fn a_client_that_stays_after_the_last_answer_does_not_keep_its_connection() {
    let server =
        Running::with(Limits { linger_timeout: SHORT, connections: 1, ..patient_limits() });
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    let refused = client.rest();
    assert_eq!(Answer::parse_all(&refused, |_| Asked::Other).unwrap()[0].status, 400);

    // The client has not closed its side, and there is room for another one.
    let mut next = server.connect();
    next.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(next.answer().status, 200);
    drop(client);
}

/// A clock for clients that do nothing: each call takes some milliseconds.
struct Clock(Client);

impl Clock {
    fn new(server: &Running) -> Clock {
        let client = server.connect();
        client.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        Clock(client)
    }

    /// The server sends nothing to this connection, so the read waits until its timeout.
    fn tick(&mut self) {
        let read = self.0.stream.read(&mut [0]);
        assert!(read.is_err(), "the clock's connection has ended");
    }
}

/// `http.client` of Python and `HttpURLConnection` of Java read no answer before they have
/// sent the whole body.
#[test]
fn a_client_that_reads_only_when_it_has_sent_everything_gets_its_refusal() {
    // Long enough for a busy machine between two ticks of the clock.
    let linger_timeout = 4 * SHORT;
    let server = Running::with(Limits { linger_timeout, ..patient_limits() });
    let mut clients = [
        "POST /protected HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
        "POST /protected HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 99999999\r\n\r\n",
    ]
    .map(|head| {
        let mut client = server.connect();
        client.send(head);
        client
    });
    let (mut clock, begin) = (Clock::new(&server), Instant::now());
    while begin.elapsed() < 2 * linger_timeout {
        for client in &mut clients {
            client.send([b'x'; 10_000]);
        }
        clock.tick();
    }
    for (mut client, status) in clients.into_iter().zip([401, 401, 413, 400]) {
        let answers = Answer::parse_all(&client.rest(), |_| Asked::Other).unwrap();
        assert_eq!(support::statuses(&answers), [status]);
    }
}

#[test]
fn a_client_that_never_ends_its_sending_is_cut_off() {
    let limits = Limits { linger_total: SHORT, ..patient_limits() };
    let server = Running::with(limits);
    let mut client = server.connect();
    client.send("POST /protected HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    let (mut clock, begin) = (Clock::new(&server), Instant::now());
    while client.stream.write(&[b'x'; 1000]).is_ok() {
        assert!(begin.elapsed() < GENEROUS, "the server reads on");
        clock.tick();
    }
    assert!(begin.elapsed() >= SHORT / 2);
}

#[test]
fn a_client_that_reads_too_slowly_is_cut_off() {
    const VAST: usize = 64 << 20;
    let routes = Routes::new([Route::open(GET, "/vast", |_: &mut Request| {
        Response::text("x".repeat(VAST))
    })]);
    // The whole answer may take a tenth of a second more than the timeout.
    let limits = Limits { write_timeout: SHORT, write_rate: 640 << 20, ..patient_limits() };
    let server = Running::start(limits, routes);
    let mut clock = Clock::new(&server);
    let mut client = server.connect();
    client.send("GET /vast HTTP/1.1\r\nHost: a\r\n\r\n");
    let (begin, mut received, mut piece) = (Instant::now(), 0, vec![0; 64 << 10]);
    // The end may be a reset.
    while let Ok(count @ 1..) = client.stream.read(&mut piece) {
        received += count;
        assert!(begin.elapsed() < GENEROUS, "the server goes on");
        clock.tick();
    }
    assert!(received > 0 && received < VAST, "{received} bytes of {VAST} came");
}

#[test]
fn a_client_that_reads_no_answer_is_cut_off() {
    // More than the buffers of the system hold, on both ends.
    const VAST: usize = 64 << 20;
    let routes = Routes::new([Route::open(GET, "/vast", |_: &mut Request| {
        Response::text("x".repeat(VAST))
    })]);
    let limits = Limits { write_timeout: SHORT, silent_timeout: 5 * SHORT, ..patient_limits() };
    let server = Running::start(limits, routes);
    let mut client = server.connect();
    client.send("GET /vast HTTP/1.1\r\nHost: a\r\n\r\n");

    // A second connection, which sends nothing, is the clock: when the server
    // closes it, the first client has read nothing for several times the limit.
    server.connect().ends();

    let begin = Instant::now();
    let mut received = 0;
    let mut piece = vec![0; 1 << 20];
    // The end may be a reset.
    while let Ok(count @ 1..) = client.stream.read(&mut piece) {
        received += count;
    }
    assert!(begin.elapsed() < GENEROUS, "the server did not close");
    assert!(received > 0 && received < VAST, "{received} bytes of {VAST} came");
}

#[test]
fn a_client_that_reads_its_answer_slowly_gets_all_of_it() {
    const VAST: usize = 16 << 20;
    let routes = Routes::new([Route::open(GET, "/vast", |_: &mut Request| {
        Response::text("x".repeat(VAST))
    })]);
    let limits = Limits { write_timeout: Duration::from_secs(5), ..patient_limits() };
    let server = Running::start(limits, routes);
    let mut client = server.connect();
    client.send("GET /vast HTTP/1.0\r\n\r\n");
    let mut received = Vec::new();
    let mut piece = vec![0; 256 << 10];
    while let count @ 1.. = client.stream.read(&mut piece).unwrap() {
        received.extend_from_slice(&piece[..count]);
    }
    let answers = Answer::parse_all(&received, |_| Asked::Other).unwrap();
    assert_eq!(answers[0].body.len(), VAST);
}

/// After a half-close nothing more will come, so the server does not wait.
#[test]
fn a_half_close_within_a_request_is_answered_at_once() {
    let server = Running::with(patient_limits());
    for (cut_off, detail) in [
        ("GET / HTT", "the connection ended inside the head"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "the connection ended inside the head"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
            "the connection ended inside the content",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
            "the connection ended inside the content",
        ),
    ] {
        let begin = Instant::now();
        let mut client = server.connect();
        client.send(cut_off);
        client.half_close();
        let answers = Answer::parse_all(&client.rest(), |_| Asked::Other).expect("an answer");
        assert!(begin.elapsed() < GENEROUS);
        assert_eq!((answers[0].status, answers[0].detail()), (400, Some(detail)));
        assert!(answers[0].closes());
    }
}

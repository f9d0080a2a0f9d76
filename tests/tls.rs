//! HTTPS: everything that holds without TLS holds with it, and what TLS adds.
//!
//! The client is rustls too, with a certificate that the test makes. Where a
//! test is about bytes that no TLS client sends, it sends them over plain TCP.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs};

use guardhouse::Method::GET;
use guardhouse::{Limits, Request, Response, Route, Routes, Server, Tls};
use log::{Level, LevelFilter, Log, Metadata, Record};
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use support::{Answer, Asked, Client, LARGE, PATIENCE, Running, get, held, patient_limits};

/// The timeout that a test is about; all others are a minute.
const SHORT: Duration = Duration::from_millis(300);

/// Both versions of TLS.
const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

// --- Requests ---

#[test]
fn each_version_serves_requests_on_one_connection() {
    let server = Https::start();
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut client = server.client(&server.trusting(&[version]));
        for _ in 0..3 {
            assert_eq!(client.ask(REQUEST).text(), "home\n");
        }
        assert_eq!(client.stream.conn.protocol_version(), Some(name));
        let guarded = "GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\r\n";
        assert_eq!(client.ask(guarded).text(), "Hello, Ann.\n");
        let refused = client.ask(&get("/protected"));
        assert_eq!(refused.status, 401);
    }
}

/// RFC 9112 §3.2.2. `tests/wire/target.rs` has the rows without TLS.
#[test]
fn a_target_may_be_an_https_uri_whose_default_port_is_443() {
    let server = Https::start();
    let mut client = server.client(&server.trusting(&BOTH));
    let request =
        |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (target, host, body) in [
        ("https://a/next", "a", "next\n"),
        ("HTTPS://A/next", "a", "next\n"),
        ("https://a:443/next", "a", "next\n"),
        ("https://a/next", "a:443", "next\n"),
        ("https://a:/next", "a", "next\n"),
        ("https://[::1]:443/next", "[::1]", "next\n"),
        ("https://a:8443/next", "a:8443", "next\n"),
        ("https://a", "a", "home\n"),
        ("https://a/query?b=c", "a", "b=c"),
        ("http://a/next", "a", "next\n"),
        ("http://a:80/next", "a", "next\n"),
    ] {
        let answer = client.ask(&request(target, host));
        assert_eq!((answer.status, answer.text()), (200, body), "{target} {host}");
    }
    let refused = |target: &str, host: &str, detail: &str| {
        let answer = server.client(&server.trusting(&BOTH)).ask(&request(target, host));
        assert_eq!((answer.status, answer.detail()), (400, Some(detail)), "{target} {host}");
    };
    for (target, host) in [
        ("https://b/", "a"),
        ("https://a:80/", "a"),
        ("https://a/", "a:80"),
        ("https://a:8443/", "a"),
        ("http://a:443/", "a"),
    ] {
        refused(target, host, "Host differs from the target's authority");
    }
    for target in ["https:///", "https:/a/", "https://u@a/", "https://a/#b", "wss://a/", "ftp://a/"]
    {
        refused(target, "a", "malformed request target");
    }
}

#[test]
fn every_answer_tells_the_client_to_use_https_from_now_on() {
    let server = Https::start();
    for request in [REQUEST, &get("/nowhere"), &get("/split"), &get("/panic"), "nonsense\r\n\r\n"] {
        let answer = server.client(&server.trusting(&BOTH)).ask(request);
        assert_eq!(answer.header("Strict-Transport-Security"), Some("max-age=31536000"));
    }
    let with_own_header = Route::open(GET, "/", |_: &mut Request| {
        Response::text("").with_header("Strict-Transport-Security", "max-age=0")
    });
    let server = Https::with(patient_limits(), [with_own_header]);
    let answer = server.client(&server.trusting(&BOTH)).ask(REQUEST);
    let is_it = |(name, _): &&(String, String)| name == "Strict-Transport-Security";
    let values: Vec<_> = answer.headers.iter().filter(is_it).map(|(_, value)| value).collect();
    assert_eq!(values, ["max-age=0"], "the handler's own header stays as it is");
}

#[test]
fn requests_are_answered_in_order_however_records_cut_them() {
    let server = Https::start();
    let paths = ["/query?1", "/next", "/query?2", "/", "/query?3"];
    let requests = paths.map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).concat();
    let wanted = ["1", "next\n", "2", "home\n", "3"];
    for version in BOTH {
        for record in [requests.len(), 50, 7, 1] {
            let mut client = server.client(&server.trusting(&[version]));
            for piece in requests.as_bytes().chunks(record) {
                client.send(piece);
            }
            let answers = wanted.map(|_| client.answer().text().to_owned());
            assert_eq!(answers, wanted);
        }
    }
}

#[test]
fn a_body_of_many_records_goes_both_ways() {
    let server = Https::start();
    let body: Vec<u8> = (0..LARGE).map(|number| number.to_le_bytes()[0]).collect();
    for version in BOTH {
        let mut client = server.client(&server.trusting(&[version]));
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
        client.send(&body);
        assert_eq!(client.answer().body, body);
        let large = client.ask(&get("/large"));
        assert_eq!(large.body.len(), LARGE);
    }
}

// --- Bytes that are no handshake, and slow ones ---

#[test]
fn a_client_without_tls_gets_a_400_that_says_to_use_https() {
    let server = Https::start();
    for request in [REQUEST, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfour", "G"] {
        let mut plain = server.connect();
        plain.write_all(request.as_bytes()).unwrap();
        plain.shutdown(Shutdown::Write).unwrap();
        let mut bytes = Vec::new();
        plain.read_to_end(&mut bytes).unwrap();
        let answers = Answer::parse_all(&bytes, |_| Asked::Other).unwrap();
        assert_eq!(support::statuses(&answers), [400]);
        assert_eq!(answers[0].detail(), Some("this port speaks HTTPS alone: use https://"));
        assert!(answers[0].closes());
        // RFC 6797 §7.2: without TLS, anyone between client and server could have written it.
        assert_eq!(answers[0].header("Strict-Transport-Security"), None);
    }
}

#[test]
fn garbage_ends_its_connection_and_no_other() {
    let server = Https::start();
    let mut other = server.client(&server.trusting(&BOTH));
    assert_eq!(other.ask(REQUEST).status, 200);
    let hello = server.client_hello();
    let mut spoilt = hello.clone();
    spoilt[40..].fill(0xff);
    let mut huge = hello.clone();
    (huge[3], huge[4]) = (0xff, 0xff);
    let long = [vec![0x16, 3, 1, 0x40, 0], vec![0x16; 100_000]].concat();
    for garbage in [
        &[0][..],
        &[0xff; 4096],
        &[0x16; 4096],
        &[0x15, 3, 3, 0, 2, 2, 0],
        &[0x17, 3, 3, 0, 1, 0],
        &[0x80, 0x2e, 1, 0, 2],
        &spoilt,
        &huge,
        &long,
        &[&hello[..], REQUEST.as_bytes()].concat(),
        &[hello.as_slice(), &hello].concat(),
    ] {
        let mut peer = server.connect();
        // The server may close before it has read all of the garbage.
        let _ = peer.write_all(garbage);
        let _ = peer.shutdown(Shutdown::Write);
        let received = to_the_end(&mut peer);
        assert!(!received.windows(4).any(|four| four == b"HTTP"), "{received:?}");
        assert_eq!(other.ask(REQUEST).status, 200);
    }
}

#[test]
fn a_handshake_that_stalls_or_trickles_ends_after_the_time_for_a_head() {
    let limits = Limits { head_timeout: SHORT, ..patient_limits() };
    let server = Https::with(limits, support::routes());
    let hello = server.client_hello();
    for length in [1, 5, hello.len() - 1, hello.len()] {
        let begin = Instant::now();
        let mut peer = server.connect();
        peer.write_all(&hello[..length]).unwrap();
        to_the_end(&mut peer);
        assert_in_time(begin);
    }
    let begin = Instant::now();
    let mut peer = server.connect();
    assert!(trickle(&mut peer, &hello) < hello.len(), "the server waited for every byte");
    assert_in_time(begin);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let limits = Limits { silent_timeout: SHORT, ..patient_limits() };
    let server = Https::with(limits, support::routes());
    let begin = Instant::now();
    assert_eq!(to_the_end(&mut server.connect()), [0; 0]);
    assert_in_time(begin);
    // A client that says nothing after the handshake is closed as well.
    let mut client = server.client(&server.trusting(&BOTH));
    client.ends();
    assert!(begin.elapsed() >= SHORT);
}

#[test]
fn a_first_record_that_trickles_ends_after_the_time_for_silence() {
    let limits = Limits { silent_timeout: SHORT, ..patient_limits() };
    let server = Https::with(limits, support::routes());
    let mut client = server.client(&server.trusting(&BOTH));
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(4000));
    let record = record(&mut client.stream, &request);
    let begin = Instant::now();
    assert!(trickle(&mut client.stream.sock, &record) < record.len());
    assert_in_time(begin);
}

#[test]
fn a_head_that_stops_gets_408_and_a_close_notify() {
    let server = Https::with(Limits { head_timeout: SHORT, ..patient_limits() }, support::routes());
    let mut client = server.client(&server.trusting(&BOTH));
    client.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(client.answer().status, 408);
    client.ends();
}

#[test]
fn the_server_agrees_on_http_1_1_or_1_0_and_on_nothing_else() {
    let server = Https::start();
    let offering = |protocols: &[&[u8]]| {
        let mut config = server.trusting(&BOTH);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    };
    for (offered, agreed) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"http/1.1"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[b"http/1.0"], Some(b"http/1.0")),
        (&[b"http/1.0", b"http/1.1"], Some(b"http/1.1")),
        (&[b"h2", b"http/1.0"], Some(b"http/1.0")),
        (&[], None),
    ] {
        let mut client = server.client(&offering(offered));
        assert_eq!(client.ask(REQUEST).status, 200);
        assert_eq!(client.stream.conn.alpn_protocol(), agreed);
    }
    for offered in [&[&b"h2"[..]][..], &[b"http/0.9"], &[b"h2", b"h3", b"spdy/1"]] {
        let mut client = server.client(&offering(offered));
        let error = client.stream.conn.complete_io(&mut client.stream.sock).unwrap_err();
        let error = error.downcast::<rustls::Error>().unwrap();
        assert_eq!(error, rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol));
    }
}

// --- What the log says of a handshake that fails ---

#[test]
fn an_invalid_server_name_is_a_warning_that_says_so() {
    let server = Https::start();
    let hello = server.client_hello();
    let at = hello.windows(9).position(|window| window == b"localhost").unwrap();
    for name in [b"local:443", b"local hos", b"[fe80::1]", b"-------/-", b"\xff\xffcalhost"] {
        let mut hello = hello.clone();
        hello[at..at + 9].copy_from_slice(name);
        let (level, text) = logged_about(&server, &hello, false);
        assert_eq!(level, Level::Warn, "{text}");
        assert!(text.contains("the server name that the client sent (SNI) is not a valid name"));
    }
    // An address is not a valid name either, but rustls ignores it.
    let mut address = hello.clone();
    address[at..at + 9].copy_from_slice(b"127.0.0.1");
    let mut peer = server.connect();
    peer.write_all(&address).unwrap();
    let mut first = [0];
    peer.read_exact(&mut first).unwrap();
    assert_eq!(first, [22], "the server goes on with the handshake");
}

#[test]
fn a_handshake_that_takes_too_long_is_logged_in_words() {
    let limits = Limits { head_timeout: SHORT, silent_timeout: SHORT, ..patient_limits() };
    let server = Https::with(limits, support::routes());
    let hello = server.client_hello();
    for sent in [&hello[..0], &hello[..1], &hello[..5], &hello] {
        let (level, text) = logged_about(&server, sent, true);
        assert_eq!(level, Level::Debug, "{text}");
        assert!(text.ends_with(" has taken too long"), "{text}");
    }
}

#[test]
fn every_other_failed_handshake_is_logged_for_debug_only() {
    let server = Https::start();
    let hello = server.client_hello();
    for sent in [&[0; 9][..], &[0x16; 4096], &hello[..5], &hello] {
        let (level, text) = logged_about(&server, sent, false);
        assert_eq!(level, Level::Debug, "{text}");
        assert!(text.contains(" failed: ") && !text.contains("os error"), "{text}");
    }
}

/// Sends bytes that are no whole handshake, waits for the end, and returns the line of
/// the log about this connection. `waits` says whether the client stays.
#[track_caller]
fn logged_about(server: &Https, sent: &[u8], waits: bool) -> (Level, String) {
    static LINES: Lines = Lines(Mutex::new(Vec::new()));
    // Another test may have set it already.
    if log::set_logger(&LINES).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
    let before = LINES.0.lock().unwrap().len();
    let mut peer = server.connect();
    let about = format!(" with {} ", peer.local_addr().unwrap());
    // The server may close before it has read all.
    let _ = peer.write_all(sent);
    if !waits {
        let _ = peer.shutdown(Shutdown::Write);
    }
    // The server closes the connection after it has logged.
    to_the_end(&mut peer);
    let lines = LINES.0.lock().unwrap();
    let lines: Vec<_> = lines[before..].iter().filter(|(_, text)| text.contains(&about)).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

/// Keeps every line of the log.
struct Lines(Mutex<Vec<(Level, String)>>);

impl Log for Lines {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        self.0.lock().unwrap().push((record.level(), record.args().to_string()));
    }

    fn flush(&self) {}
}

// --- The end of a connection ---

#[test]
fn every_close_is_announced_with_close_notify() {
    let server = Https::with(Limits { idle_timeout: SHORT, ..patient_limits() }, support::routes());
    for version in BOTH {
        let config = server.trusting(&[version]);
        for request in [
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            &get("/panic"),
        ] {
            let mut client = server.client(&config);
            assert!(client.ask(request).closes());
            client.ends();
        }
        let mut idle = server.client(&config);
        assert!(!idle.ask(REQUEST).closes());
        idle.ends();
        let mut polite = server.client(&config);
        assert_eq!(polite.ask(REQUEST).status, 200);
        polite.stream.conn.send_close_notify();
        polite.ends();
    }
}

#[test]
fn a_request_that_is_cut_off_reaches_no_handler() {
    let server = Https::start();
    let whole = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour";
    for version in BOTH {
        let config = server.trusting(&[version]);
        for (cut, detail) in [
            (whole.len() - 1, "the connection ended inside the content"),
            (20, "the connection ended inside the head"),
        ] {
            let mut client = server.client(&config);
            // Without close_notify, as if somebody between client and server had cut the stream.
            client.send(&whole[..cut]);
            client.stream.sock.shutdown(Shutdown::Write).unwrap();
            let answer = client.answer();
            assert_eq!((answer.status, answer.detail()), (400, Some(detail)));
            client.ends();
        }
        // The cut is inside the record that would have completed the request.
        let mut client = server.client(&config);
        let record = record(&mut client.stream, &get("/smuggled"));
        client.stream.sock.write_all(&record[..record.len() - 1]).unwrap();
        client.stream.sock.shutdown(Shutdown::Write).unwrap();
        client.ends();
    }
}

#[test]
fn what_was_sent_before_a_half_close_is_answered() {
    let server = Https::start();
    let mut client = server.client(&server.trusting(&BOTH));
    client.send(REQUEST.repeat(3));
    client.stream.conn.send_close_notify();
    client.stream.flush().unwrap();
    client.stream.sock.shutdown(Shutdown::Write).unwrap();
    for _ in 0..3 {
        assert_eq!(client.answer().status, 200);
    }
    client.ends();
}

// --- The limit of connections, and the stop ---

#[test]
fn an_idle_connection_makes_room_and_so_does_a_stalled_handshake() {
    let server = Https::with(Limits { connections: 1, ..patient_limits() }, support::routes());
    let config = server.trusting(&BOTH);
    let mut idle = server.client(&config);
    assert_eq!(idle.ask(REQUEST).status, 200);
    let mut stalled = server.connect();
    stalled.write_all(&server.client_hello()[..5]).unwrap();
    idle.ends();
    assert_eq!(server.client(&config).ask(REQUEST).status, 200);
    to_the_end(&mut stalled);
}

#[test]
fn where_no_connection_is_idle_a_new_one_is_closed_without_plain_text() {
    let (held, handler) = held(|| Response::text("held\n"));
    let server = Https::with(Limits { connections: 1, ..patient_limits() }, [held]);
    let mut under_way = server.client(&server.trusting(&BOTH));
    under_way.send(get("/held"));
    handler.is_under_way();
    assert_eq!(to_the_end(&mut server.connect()), [0; 0]);
    handler.go_on();
    assert_eq!(under_way.answer().status, 200);
}

#[test]
fn a_stop_closes_idle_connections_and_answers_requests_under_way() {
    let (held, handler) = held(|| Response::text("held\n"));
    let rows = [held, Route::open(GET, "/", |_: &mut Request| Response::text("home\n"))];
    let server = Https::with(patient_limits(), rows);
    let config = server.trusting(&BOTH);
    let mut idle = server.client(&config);
    assert_eq!(idle.ask(REQUEST).status, 200);
    let mut stalled = server.connect();
    stalled.write_all(&server.client_hello()[..5]).unwrap();
    let mut under_way = server.client(&config);
    under_way.send(get("/held"));
    handler.is_under_way();

    server.server.stop();
    idle.ends();
    to_the_end(&mut stalled);
    handler.go_on();
    let answer = under_way.answer();
    assert_eq!((answer.status, answer.closes()), (200, true));
    under_way.ends();
}

// --- The certificate ---

#[test]
fn new_connections_get_a_reloaded_certificate_and_old_ones_keep_theirs() {
    let server = Https::start();
    let old = server.files.certificate.clone();
    let mut before = server.client(&server.trusting(&BOTH));
    assert_eq!(before.ask(REQUEST).status, 200);

    let new = server.files.renew();
    // One configuration for all clients, so that they resume a session if they can.
    let config = trusting(&[&old, &new], &BOTH);
    let shown = |client: &mut Client<TlsStream>| {
        assert_eq!(client.ask(REQUEST).status, 200);
        client.stream.conn.peer_certificates().unwrap()[0].clone()
    };
    assert_eq!(shown(&mut server.client(&config)), old, "the new files are not loaded yet");
    server.tls.reload().unwrap();
    assert_eq!(shown(&mut server.client(&config)), new);
    assert_eq!(shown(&mut before), old, "an old connection keeps its certificate");
}

#[test]
fn a_bad_file_leaves_the_old_certificate_in_use() {
    let server = Https::start();
    fs::write(server.files.cert_pem(), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    let error = server.tls.reload().unwrap_err().to_string();
    assert!(
        error.ends_with("cert.pem is not a PEM file: line 1: a BEGIN line without its END line"),
        "{error}"
    );
    assert_eq!(server.client(&server.trusting(&BOTH)).ask(REQUEST).status, 200);
}

#[test]
fn an_error_names_the_bad_file_and_shows_nothing_of_the_key() {
    let (files, other) = (Files::new(), Files::new());
    let opened =
        |certificate: PathBuf, key: PathBuf| Tls::load(certificate, key).unwrap_err().to_string();
    let begins = |error: &str, path: &PathBuf, says: &str| {
        assert!(error.starts_with(&format!("{}{says}", path.display())), "{error}");
    };
    let (cert, key) = (files.cert_pem(), files.key_pem());
    let error = opened("/nonexistent/cert.pem".into(), key.clone());
    begins(&error, &"/nonexistent/cert.pem".into(), " can't be read: ");
    begins(&opened(key.clone(), key.clone()), &key, " has no certificate: ");
    begins(&opened(cert.clone(), cert.clone()), &cert, " has no private key: ");
    let error = opened(cert.clone(), other.key_pem());
    begins(&error, &other.key_pem(), &format!(" is not the key of {}", cert.display()));

    let text = fs::read_to_string(&key).unwrap();
    let secret: String = text.lines().nth(1).unwrap().to_owned();
    for (spoilt, says) in [
        (text.replace("PRIVATE", "ENCRYPTED PRIVATE"), " has a key with a password"),
        (text.replace("END", "EDN"), " is not a PEM file: "),
        (text.replace(&secret, &format!("{secret}!")), " is not a PEM file: "),
        (text.replace(&secret, "AAAA"), " can't be used: "),
    ] {
        fs::write(&key, spoilt).unwrap();
        let error = opened(cert.clone(), key.clone());
        begins(&error, &key, says);
        assert!(!error.contains(&secret) && !error.contains("AAAA"), "{error}");
    }
}

// --- What the tests are made of ---

#[track_caller]
fn assert_in_time(begin: Instant) {
    let elapsed = begin.elapsed();
    assert!(elapsed >= SHORT / 2 && elapsed < PATIENCE / 2, "it ended after {elapsed:?}");
}

/// What comes until the server closes the connection, or resets it.
fn to_the_end(peer: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    match peer.read_to_end(&mut received) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => received,
    }
}

/// Sends one byte every few milliseconds until the server ends the connection,
/// and returns how many it could send. The timeout of its reads is the clock.
fn trickle(peer: &mut TcpStream, bytes: &[u8]) -> usize {
    peer.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let is_open = |peer: &mut TcpStream| match peer.read(&mut [0; 1024]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    bytes.chunks(1).take_while(|byte| peer.write_all(byte).is_ok() && is_open(peer)).count()
}

/// A certificate and its key, in a folder that the end of the test removes.
struct Files {
    folder: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Files {
    fn new() -> Files {
        let number = RandomState::new().hash_one("a new name in each run");
        let folder = env::temp_dir().join(format!("guardhouse-{number:016x}.tls"));
        fs::create_dir(&folder).unwrap();
        let mut files = Files { folder, certificate: CertificateDer::from(Vec::new()) };
        files.certificate = files.renew();
        files
    }

    /// Writes another certificate, with another key.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.cert_pem(), made.cert.pem()).unwrap();
        fs::write(self.key_pem(), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    fn cert_pem(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    fn key_pem(&self) -> PathBuf {
        self.folder.join("key.pem")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn trusting(
    certificates: &[&CertificateDer<'static>],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add((*certificate).clone()).unwrap();
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A server with TLS, and its certificate, for as long as a test holds them.
struct Https {
    server: Running,
    tls: Tls,
    files: Files,
}

impl Https {
    fn start() -> Https {
        Https::with(patient_limits(), support::routes())
    }

    fn with(limits: Limits, routes: impl Into<Routes>) -> Https {
        let files = Files::new();
        let tls = Tls::load(files.cert_pem(), files.key_pem()).unwrap();
        let server = Server::bind("127.0.0.1:0").unwrap().with_limits(limits);
        Https { server: Running::run(server.with_tls(tls.clone()), routes), tls, files }
    }

    /// A client's configuration that trusts the certificate.
    fn trusting(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        trusting(&[&self.files.certificate], versions)
    }

    /// A connection on which the test sends the bytes of a TLS client itself.
    fn connect(&self) -> TcpStream {
        self.server.connect().stream
    }

    fn client(&self, config: &ClientConfig) -> Client<TlsStream> {
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
        Client::new(StreamOwned::new(tls, self.connect()))
    }

    /// The first bytes of a TLS client: one record, with a `ClientHello`.
    fn client_hello(&self) -> Vec<u8> {
        let mut hello = Vec::new();
        self.client(&self.trusting(&BOTH)).stream.conn.write_tls(&mut hello).unwrap();
        hello
    }
}

/// Reading from it fails if the server closes without `close_notify`.
type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// The record that would send this text; it is not sent.
fn record(stream: &mut TlsStream, text: &str) -> Vec<u8> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream.flush().unwrap();
    stream.conn.writer().write_all(text.as_bytes()).unwrap();
    let mut record = Vec::new();
    stream.conn.write_tls(&mut record).unwrap();
    record
}

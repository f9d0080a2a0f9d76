//! HTTPS: all that holds without TLS holds with it, and what TLS adds.
//!
//! The client is rustls too, with a certificate that is made on the spot; where
//! a test is about bytes that no TLS client sends, it sends them itself.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, fs};

use guardhouse::Method::GET;
use guardhouse::{Limits, Request, Response, Route, Server, Stop, Tls};
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use support::{Answer, Asked, LARGE, patient_limits};

/// The timeout that a test is about.
const SHORT: Duration = Duration::from_millis(300);
/// A wait that is longer than this is in vain: the test is to fail, not to hang.
const PATIENCE: Duration = Duration::from_secs(20);
const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

// --- Requests ---

#[test]
fn each_version_serves_requests_on_one_connection() {
    let server = Running::start();
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut client = server.client(&server.trusting(&[version]));
        for _ in 0..3 {
            assert_eq!(client.ask(REQUEST).content, b"home\n");
        }
        assert_eq!(client.0.conn.protocol_version(), Some(name));
        let guarded = "GET /protected HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\r\n";
        assert_eq!(client.ask(guarded).content, b"Hello, Ann.\n");
        let refused = client.ask("GET /protected HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(refused.status, 401);
    }
}

#[test]
fn every_answer_says_that_the_host_is_reached_by_https() {
    let server = Running::start();
    for request in [
        REQUEST,
        "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /split HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let answer = server.client(&server.trusting(&BOTH)).ask(request);
        assert_eq!(answer.header("Strict-Transport-Security"), Some("max-age=31536000"));
    }
    let own = Route::open(GET, "/", |_: &mut Request| {
        Response::text("").with_header("Strict-Transport-Security", "max-age=0")
    });
    let server = Running::with(patient_limits(), [own]);
    let answer = server.client(&server.trusting(&BOTH)).ask(REQUEST);
    let is_it = |(name, _): &&(String, String)| name == "Strict-Transport-Security";
    let values: Vec<_> = answer.headers.iter().filter(is_it).map(|(_, value)| value).collect();
    assert_eq!(values, ["max-age=0"], "the handler's own counts");
}

#[test]
fn requests_are_answered_in_order_however_records_cut_them() {
    let server = Running::start();
    let paths = ["/query?1", "/next", "/query?2", "/", "/query?3"];
    let requests = paths.map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).concat();
    let wanted = ["1", "next\n", "2", "home\n", "3"];
    for version in BOTH {
        for record in [requests.len(), 50, 7, 1] {
            let mut client = server.client(&server.trusting(&[version]));
            for piece in requests.as_bytes().chunks(record) {
                client.send(piece);
            }
            let answers = wanted.map(|_| client.answer().content);
            assert_eq!(answers, wanted.map(|content| content.as_bytes().to_vec()));
        }
    }
}

#[test]
fn content_of_many_records_goes_both_ways() {
    let server = Running::start();
    let content: Vec<u8> = (0..LARGE).map(|number| number.to_le_bytes()[0]).collect();
    for version in BOTH {
        let mut client = server.client(&server.trusting(&[version]));
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
        client.send(&content);
        assert_eq!(client.answer().content, content);
        let large = client.ask("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(large.content.len(), LARGE);
    }
}

// --- What is no handshake ---

#[test]
fn plain_http_is_told_to_use_https_in_plain_text() {
    let server = Running::start();
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
        // RFC 6797 §7.2: whoever is on the way could have written it.
        assert_eq!(answers[0].header("Strict-Transport-Security"), None);
    }
}

#[test]
fn garbage_ends_its_connection_and_no_other() {
    let server = Running::start();
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
        // It may close before it has read all of it.
        let _ = peer.write_all(garbage);
        let _ = peer.shutdown(Shutdown::Write);
        let received = to_the_end(&mut peer);
        assert!(!received.windows(4).any(|four| four == b"HTTP"), "{received:?}");
        assert_eq!(other.ask(REQUEST).status, 200);
    }
}

#[test]
fn a_handshake_that_stalls_or_trickles_has_the_time_of_a_head() {
    let limits = Limits { head_timeout: SHORT, ..patient_limits() };
    let server = Running::with(limits, support::routes());
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
    assert!(trickle(&mut peer, &hello) < hello.len(), "each byte was in time, all are not");
    assert_in_time(begin);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let limits = Limits { silent_timeout: SHORT, ..patient_limits() };
    let server = Running::with(limits, support::routes());
    let begin = Instant::now();
    assert_eq!(to_the_end(&mut server.connect()), [0; 0]);
    assert_in_time(begin);
    // Nor is a handshake a request.
    let mut client = server.client(&server.trusting(&BOTH));
    assert_eq!(client.rest(), [0; 0]);
    assert!(begin.elapsed() >= SHORT);
}

#[test]
fn a_record_that_trickles_has_the_time_of_a_silence() {
    let limits = Limits { silent_timeout: SHORT, ..patient_limits() };
    let server = Running::with(limits, support::routes());
    let mut client = server.client(&server.trusting(&BOTH));
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(4000));
    let record = client.record(&request);
    let begin = Instant::now();
    assert!(trickle(&mut client.0.sock, &record) < record.len());
    assert_in_time(begin);
}

#[test]
fn a_head_that_stops_gets_408_and_a_goodbye() {
    let server =
        Running::with(Limits { head_timeout: SHORT, ..patient_limits() }, support::routes());
    let mut client = server.client(&server.trusting(&BOTH));
    client.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(client.answer().status, 408);
    client.ends_well();
}

#[test]
fn only_http_1_1_is_agreed_on() {
    let server = Running::start();
    let offering = |protocols: &[&[u8]]| {
        let mut config = server.trusting(&BOTH);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    };
    for (offered, agreed) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"http/1.1"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let mut client = server.client(&offering(offered));
        assert_eq!(client.ask(REQUEST).status, 200);
        assert_eq!(client.0.conn.alpn_protocol(), agreed);
    }
    let mut client = server.client(&offering(&[b"h2"]));
    let error = client.0.conn.complete_io(&mut client.0.sock).unwrap_err();
    let error = error.downcast::<rustls::Error>().unwrap();
    assert_eq!(error, rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol));
}

// --- The end of a connection ---

#[test]
fn who_closes_says_so_however_it_comes_to_that() {
    let server =
        Running::with(Limits { idle_timeout: SHORT, ..patient_limits() }, support::routes());
    for version in BOTH {
        let config = server.trusting(&[version]);
        for request in [
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            let mut client = server.client(&config);
            assert!(client.ask(request).closes());
            client.ends_well();
        }
        let mut idle = server.client(&config);
        assert!(!idle.ask(REQUEST).closes());
        idle.ends_well();
        let mut polite = server.client(&config);
        assert_eq!(polite.ask(REQUEST).status, 200);
        polite.0.conn.send_close_notify();
        polite.ends_well();
    }
}

#[test]
fn a_request_that_is_cut_off_is_not_run() {
    let server = Running::start();
    let whole = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour";
    for version in BOTH {
        let config = server.trusting(&[version]);
        for (cut, detail) in [
            (whole.len() - 1, "the connection ended inside the content"),
            (20, "the connection ended inside the head"),
        ] {
            let mut client = server.client(&config);
            // No close_notify: as if somebody on the way had cut the stream.
            client.send(&whole[..cut]);
            client.0.sock.shutdown(Shutdown::Write).unwrap();
            let answer = client.answer();
            assert_eq!((answer.status, answer.detail()), (400, Some(detail)));
            client.ends_well();
        }
        // Cut off inside the record that would have completed it.
        let mut client = server.client(&config);
        let record = client.record("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        client.0.sock.write_all(&record[..record.len() - 1]).unwrap();
        client.0.sock.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.rest(), [0; 0]);
    }
}

#[test]
fn what_was_sent_before_a_half_close_is_answered() {
    let server = Running::start();
    let mut client = server.client(&server.trusting(&BOTH));
    client.send(REQUEST.repeat(3));
    client.0.conn.send_close_notify();
    client.0.flush().unwrap();
    client.0.sock.shutdown(Shutdown::Write).unwrap();
    for _ in 0..3 {
        assert_eq!(client.answer().status, 200);
    }
    client.ends_well();
}

// --- Room, and the end of the server ---

#[test]
fn who_is_idle_makes_room_and_so_does_who_stalls_in_a_handshake() {
    let server = Running::with(Limits { connections: 1, ..patient_limits() }, support::routes());
    let config = server.trusting(&BOTH);
    let mut idle = server.client(&config);
    assert_eq!(idle.ask(REQUEST).status, 200);
    let mut stalled = server.connect();
    stalled.write_all(&server.client_hello()[..5]).unwrap();
    idle.ends_well();
    assert_eq!(server.client(&config).ask(REQUEST).status, 200);
    to_the_end(&mut stalled);
}

#[test]
fn where_nobody_is_idle_a_newcomer_gets_no_plain_text() {
    let (held, handler) = held();
    let server = Running::with(Limits { connections: 1, ..patient_limits() }, [held]);
    let mut under_way = server.client(&server.trusting(&BOTH));
    under_way.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    handler.begun.recv_timeout(PATIENCE).unwrap();
    assert_eq!(to_the_end(&mut server.connect()), [0; 0]);
    handler.go_on.send(()).unwrap();
    assert_eq!(under_way.answer().status, 200);
}

#[test]
fn a_stop_closes_who_is_idle_and_answers_who_is_not() {
    let (held, handler) = held();
    let rows = [held, Route::open(GET, "/", |_: &mut Request| Response::text("home\n"))];
    let server = Running::with(patient_limits(), rows);
    let config = server.trusting(&BOTH);
    let mut idle = server.client(&config);
    assert_eq!(idle.ask(REQUEST).status, 200);
    let mut stalled = server.connect();
    stalled.write_all(&server.client_hello()[..5]).unwrap();
    let mut under_way = server.client(&config);
    under_way.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    handler.begun.recv_timeout(PATIENCE).unwrap();

    server.stop.stop();
    idle.ends_well();
    to_the_end(&mut stalled);
    handler.go_on.send(()).unwrap();
    let answer = under_way.answer();
    assert_eq!((answer.status, answer.closes()), (200, true));
    under_way.ends_well();
}

// --- The certificate ---

#[test]
fn a_reload_is_for_new_connections() {
    let server = Running::start();
    let old = server.files.certificate.clone();
    let mut before = server.client(&server.trusting(&BOTH));
    assert_eq!(before.ask(REQUEST).status, 200);

    let new = server.files.renew();
    // One client for both, so that it would resume its session.
    let config = trusting(&[&old, &new], &BOTH);
    let shown = |client: &mut Client| {
        assert_eq!(client.ask(REQUEST).status, 200);
        client.0.conn.peer_certificates().unwrap()[0].clone()
    };
    assert_eq!(shown(&mut server.client(&config)), old, "nothing changes before it is loaded");
    server.tls.reload().unwrap();
    assert_eq!(shown(&mut server.client(&config)), new);
    assert_eq!(shown(&mut before), old, "who was there stays");
}

#[test]
fn a_bad_file_leaves_the_certificate_what_it_was() {
    let server = Running::start();
    fs::write(server.files.cert_pem(), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    let error = server.tls.reload().unwrap_err().to_string();
    assert!(
        error.ends_with("cert.pem is no PEM file: a BEGIN line without its END line"),
        "{error}"
    );
    assert_eq!(server.client(&server.trusting(&BOTH)).ask(REQUEST).status, 200);
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_none_of_the_key_is_shown() {
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
        (text.replace("PRIVATE", "ENCRYPTED PRIVATE"), " has a key under a password"),
        (text.replace("END", "EDN"), " is no PEM file: "),
        (text.replace(&secret, &format!("{secret}!")), " is no PEM file: "),
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

/// What comes until the server closes, by an end or a reset.
fn to_the_end(peer: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    match peer.read_to_end(&mut received) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => received,
    }
}

/// Sends an byte every few milliseconds until the server ends the connection;
/// how many it got rid of. The read's timeout is its clock.
fn trickle(peer: &mut TcpStream, bytes: &[u8]) -> usize {
    peer.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let is_open = |peer: &mut TcpStream| match peer.read(&mut [0; 1024]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    bytes.chunks(1).take_while(|byte| peer.write_all(byte).is_ok() && is_open(peer)).count()
}

/// What a test knows of, and tells, the handler of `/held`.
struct Handler {
    begun: std::sync::mpsc::Receiver<()>,
    go_on: std::sync::mpsc::Sender<()>,
}

fn held() -> (Route, Handler) {
    let (entered, begun) = channel();
    let (go_on, wait) = channel();
    let wait = Mutex::new(wait);
    let route = Route::open(GET, "/held", move |_: &mut Request| {
        entered.send(()).unwrap();
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Response::text("held\n")
    });
    (route, Handler { begun, go_on })
}

/// A certificate and its key, in a folder that goes when the test does.
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

    /// Writes another certificate with another key.
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

/// A server that runs, for as long as a test holds it.
struct Running {
    address: SocketAddr,
    stop: Stop,
    tls: Tls,
    files: Files,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    fn start() -> Running {
        Running::with(patient_limits(), support::routes())
    }

    fn with(limits: Limits, routes: impl Into<guardhouse::Routes>) -> Running {
        let files = Files::new();
        let tls = Tls::load(files.cert_pem(), files.key_pem()).unwrap();
        let server = Server::bind("127.0.0.1:0").unwrap().with_limits(limits);
        let server = server.with_tls(tls.clone());
        let (address, stop, routes) = (server.local_addr(), server.stop(), routes.into());
        let thread = Some(thread::spawn(move || server.run(routes)));
        Running { address, stop, tls, files, thread }
    }

    fn trusting(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        trusting(&[&self.files.certificate], versions)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn client(&self, config: &ClientConfig) -> Client {
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
        Client(StreamOwned::new(tls, self.connect()), Vec::new())
    }

    /// A client's first flight: one record, with a `ClientHello`.
    fn client_hello(&self) -> Vec<u8> {
        let mut hello = Vec::new();
        self.client(&self.trusting(&BOTH)).0.conn.write_tls(&mut hello).unwrap();
        hello
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

/// The client's end, and what has been received and belongs to no answer yet.
struct Client(StreamOwned<ClientConnection, TcpStream>, Vec<u8>);

impl Client {
    /// Sends bytes in a record of their own.
    #[track_caller]
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// The record that would send this; it is not sent.
    fn record(&mut self, text: &str) -> Vec<u8> {
        while self.0.conn.is_handshaking() {
            self.0.conn.complete_io(&mut self.0.sock).unwrap();
        }
        self.0.flush().unwrap();
        self.0.conn.writer().write_all(text.as_bytes()).unwrap();
        let mut record = Vec::new();
        self.0.conn.write_tls(&mut record).unwrap();
        record
    }

    #[track_caller]
    fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer()
    }

    #[track_caller]
    fn answer(&mut self) -> Answer {
        loop {
            if let Some((answer, length)) = Answer::parse(&self.1, Asked::Other).unwrap() {
                self.1.drain(..length);
                return answer;
            }
            let mut piece = [0; 16 * 1024];
            let count = self.0.read(&mut piece).unwrap();
            assert!(count > 0, "the connection ended after {}", support::shown(&self.1));
            self.1.extend_from_slice(&piece[..count]);
        }
    }

    /// What comes until the server closes. It says goodbye before it does:
    /// rustls fails otherwise.
    #[track_caller]
    fn rest(&mut self) -> Vec<u8> {
        self.0.read_to_end(&mut self.1).unwrap();
        std::mem::take(&mut self.1)
    }

    /// The server closes, says so, and sends nothing else.
    #[track_caller]
    fn ends_well(&mut self) {
        assert_eq!(self.rest(), [0; 0]);
    }
}

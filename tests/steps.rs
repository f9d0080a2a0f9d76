//! The programs of the manual's chapter `steps`: each attack succeeds on the step before the
//! one that stops it, and fails from that step on, and on guardhouse.
//!
//! Where a broken step gives no answer, a test waits for a second. Where an answer must come,
//! it waits for as long as a busy machine may need.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use guardhouse::Method::{GET, POST};
use guardhouse::{Error, Limits, Request, Response, Route, Routes, User, Users, guard};
use support::{PATIENCE, Running, connect};

/// The last step. It is the answer to two exercises, and must be as safe as the eighth.
const LAST: usize = 9;
/// How long a test waits for an answer that must not come.
const SHORT: Duration = Duration::from_secs(1);
/// `TIMEOUT` of the steps.
const TIMEOUT: Duration = Duration::from_secs(4);
/// `CONNECTIONS` of the steps.
const CONNECTIONS: usize = 100;

const TOKEN: &str = "Authorization: Bearer s3cret-of-ann\r\n";

// --- What is attacked ---

/// A program that runs for as long as a test holds it.
struct Program {
    child: Child,
    address: SocketAddr,
    log: BufReader<ChildStderr>,
}

impl Program {
    fn step(number: usize) -> Program {
        Program::start(Command::new(path_of(number)).arg("127.0.0.1:0"))
    }

    fn start(command: &mut Command) -> Program {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Program { child, address, log }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A step, which cargo builds before it runs the tests.
fn path_of(step: usize) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let program = folder.join(format!("step-{step}"));
    assert!(program.exists(), "first run: cargo build --examples");
    program
}

/// The table of the steps, for guardhouse.
fn routes() -> Routes {
    let users = Users::new([("s3cret-of-ann", User::new("Ann", []))]);
    let signed_in = guard::bearer("steps", move |token| users.by_token(token));
    Routes::new([
        Route::open(GET, "/", |_: &mut Request| Response::text("Everyone can see this.\n")),
        Route::guarded(GET, "/me", signed_in.clone(), |_: &mut Request, user: User| {
            Response::text(format!("Hello, {}.\n", user.name()))
        }),
        Route::guarded(POST, "/notes", signed_in, |request: &mut Request, user: User| {
            let note = request.body()?;
            let text = format!("{}, your note begins with {}.\n", user.name(), note[0]);
            Ok::<_, Error>(Response::text(text))
        }),
    ])
}

/// The limits of the steps.
fn limits() -> Limits {
    let (head_timeout, body_timeout) = (TIMEOUT, TIMEOUT);
    Limits { head_timeout, body_timeout, connections: CONNECTIONS, ..Limits::default() }
}

/// Which outcome of an attack a test expects, so that it knows how long to wait.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Broken,
    Safe,
}

impl Expected {
    /// How long to wait for what only a safe server does.
    fn patience(self) -> Duration {
        if self == Expected::Broken { SHORT } else { PATIENCE }
    }
}

/// The attack succeeds on the step before `first`, and fails from there on, and on
/// guardhouse. An attack returns whether it succeeds.
fn assert_stopped_by(first: usize, attack: impl Fn(SocketAddr, Expected) -> bool + Sync) {
    let attack = &attack;
    thread::scope(|scope| {
        for number in first - 1..=LAST {
            scope.spawn(move || {
                let expected = if number < first { Expected::Broken } else { Expected::Safe };
                let step = Program::step(number);
                let succeeds = attack(step.address, expected);
                assert_eq!(
                    succeeds,
                    number < first,
                    "whether the attack on step {number} succeeds"
                );
            });
        }
        scope.spawn(move || {
            let server = Running::start(limits(), routes());
            assert!(!attack(server.address, Expected::Safe), "the attack on guardhouse succeeds");
        });
    });
}

// --- What a client does ---

fn request(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

/// Everything that comes back until the server closes.
fn exchange(address: SocketAddr, sent: impl AsRef<[u8]>) -> String {
    let mut stream = connect(address);
    stream.write_all(sent.as_ref()).unwrap();
    rest(&mut stream)
}

/// Reads until the end. A reset ends it, too.
fn rest(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8(received).unwrap(),
    }
}

/// The statuses of the answers in a text.
fn statuses(answers: &str) -> Vec<u16> {
    let after = answers.split("HTTP/1.1 ").skip(1);
    after.map(|answer| answer[..3].parse().unwrap()).collect()
}

/// The status of one request, after which the connection closes.
fn status(address: SocketAddr, line: &str, headers: &str, body: &str) -> u16 {
    let head = request(line, &format!("Connection: close\r\n{headers}"));
    statuses(&exchange(address, head + body)).first().copied().unwrap_or_default()
}

/// What comes within a time; nothing if the time is over or the connection has ended.
fn read_for(stream: &mut TcpStream, time: Duration) -> String {
    stream.set_read_timeout(Some(time)).unwrap();
    let mut piece = [0; 4096];
    let count = stream.read(&mut piece).unwrap_or_default();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    String::from_utf8(piece[..count].to_vec()).unwrap()
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

// --- What the steps can do ---

#[test]
fn each_step_answers_as_its_first_lines_say() {
    for number in 1..=LAST {
        let step = Program::step(number);
        let ask = |line: &str, headers: &str, body: &str| {
            let head = request(line, &format!("Connection: close\r\n{headers}"));
            let answer = exchange(step.address, head + body);
            assert!(answer.starts_with("HTTP/1.1 "), "step {number}: {answer:?}");
            answer["HTTP/1.1 ".len()..].to_owned()
        };
        let starts = |line: &str, headers: &str, body: &str, wanted: &str| {
            let answer = ask(line, headers, body);
            assert!(answer.starts_with(wanted), "step {number}, {line}: {answer}");
        };
        let open = ask("GET /", "", "");
        assert!(open.starts_with("200 OK\r\n"), "step {number}: {open}");
        assert!(open.ends_with("\r\n\r\nEveryone can see this.\n"), "step {number}: {open}");
        starts("GET /nowhere", "", "", "404 Not Found\r\n");
        if number >= 2 {
            starts("DELETE /", "", "", "405 Method Not Allowed\r\nAllow: GET\r\n");
            starts("GET", "", "", "400 Bad Request\r\n");
        }
        if number >= 3 {
            let missing = "401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"steps\"\r\n";
            starts("GET /me", "", "", missing);
            starts("GET /me", "Authorization: Basic QW5uOg==\r\n", "", missing);
            starts("GET /me", &TOKEN.repeat(2), "", missing);
            let invalid = "401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"steps\", error=";
            starts("GET /me", "Authorization: Bearer s3cret-of-anm\r\n", "", invalid);
            starts("GET /me", "Authorization: Bearer\x20\r\n", "", missing);
            let me = ask("GET /me", "aUthorization: bearer s3cret-of-ann\r\n", "");
            assert!(me.starts_with("200 OK\r\n") && me.ends_with("\r\n\r\nHello, Ann.\n"), "{me}");
        }
        if number >= 5 {
            let length = format!("{TOKEN}Content-Length: 5\r\n");
            let chunked = format!("{TOKEN}Transfer-Encoding: Chunked\r\n");
            for (headers, body) in
                [(&length, "Aloha"), (&chunked, "2\r\nAl\r\n3\r\noha\r\n0\r\n\r\n")]
            {
                let answer = ask("POST /notes", headers, body);
                assert!(answer.ends_with("\r\n\r\nAnn, your note begins with 65.\n"), "{answer}");
            }
            starts("POST /notes", "Content-Length: 5\r\n", "Aloha", "401 Unauthorized\r\n");
        }
    }
}

// --- The attacks ---

#[test]
fn step_2_serves_others_while_a_client_says_nothing() {
    assert_stopped_by(2, |address, expected| {
        let silent = connect(address);
        let mut other = connect(address);
        other.write_all(request("GET /", "Connection: close\r\n").as_bytes()).unwrap();
        let had_to_wait = read_for(&mut other, expected.patience()).is_empty();
        drop(silent);
        if had_to_wait {
            // It is not the machine that is slow: now the answer comes.
            assert_eq!(statuses(&rest(&mut other)), [200]);
        }
        had_to_wait
    });
}

#[test]
fn step_2_waits_for_a_head_that_comes_in_two_packets() {
    assert_stopped_by(2, |address, expected| {
        let mut client = connect(address);
        client.write_all(b"GE").unwrap();
        // A broken server answers the two letters.
        let is_answered = match expected {
            Expected::Broken => !read_for(&mut client, PATIENCE).is_empty(),
            Expected::Safe => !read_for(&mut client, Duration::from_millis(100)).is_empty(),
        };
        if !is_answered {
            client.write_all(b"T / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
            assert_eq!(statuses(&rest(&mut client)), [200]);
        }
        is_answered
    });
}

#[test]
fn step_3_takes_no_token_from_the_query_and_does_not_log_it() {
    for number in 2..=LAST {
        let mut step = Program::step(number);
        let status = status(step.address, "GET /me?token=s3cret-of-ann", "", "");
        let mut line = String::new();
        step.log.read_line(&mut line).unwrap();
        assert!(line.starts_with("GET /me"), "step {number}: {line}");
        let expected = if number < 3 { (200, true) } else { (401, false) };
        assert_eq!((status, line.contains("s3cret")), expected, "step {number}: {line}");
    }
    let server = Running::start(limits(), routes());
    assert_eq!(status(server.address, "GET /me?token=s3cret-of-ann", "", ""), 401);
}

#[test]
fn step_4_answers_two_requests_that_come_together() {
    assert_stopped_by(4, |address, _| {
        let last = request("GET /", "Connection: close\r\n");
        let both = exchange(address, request("GET /", "") + &last);
        // The second one waits for the first answer.
        let mut client = connect(address);
        client.write_all(request("GET /", "").as_bytes()).unwrap();
        let mut answers = read_for(&mut client, PATIENCE);
        let _ = client.write_all(last.as_bytes());
        answers += &rest(&mut client);
        assert_eq!(both.matches("HTTP/1.1 200").count(), answers.matches("HTTP/1.1 200").count());
        statuses(&both) != [200, 200]
    });
}

#[test]
fn step_4_closes_for_a_client_that_wants_that() {
    for number in 4..=LAST {
        let step = Program::step(number);
        for header in ["Connection: Close\r\n", "Connection: TE, close\r\n"] {
            let answer = exchange(step.address, request("GET /", header));
            assert!(
                answer.contains("\r\nConnection: close\r\n"),
                "step {number}, {header}: {answer}"
            );
        }
        let answer = exchange(step.address, "GET / HTTP/1.0\r\n\r\n");
        assert!(answer.contains("\r\nConnection: close\r\n"), "step {number}, 1.0: {answer}");
    }
}

#[test]
fn step_5_takes_no_body_for_a_request() {
    assert_stopped_by(5, |address, _| {
        let smuggled = request("GET /smuggled", "");
        let length = smuggled.len();
        let first = request("GET /", &format!("Content-Length: {length}\r\n"));
        let last = request("GET /", "Connection: close\r\n");
        let answers = exchange(address, first + &smuggled + &last);
        statuses(&answers) != [200, 200]
    });
}

#[test]
fn step_5_refuses_a_bare_lf() {
    assert_stopped_by(5, |address, _| {
        let heads = [
            "GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: 1\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ];
        let accepted = heads.iter().filter(|head| statuses(&exchange(address, head)) != [400]);
        let count = accepted.count();
        assert!(count == 0 || count == heads.len(), "{count} of them are accepted");
        count > 0
    });
}

#[test]
fn step_5_refuses_a_length_that_two_servers_can_read_in_two_ways() {
    assert_stopped_by(5, |address, _| {
        let headers = [
            "Content-Length: +5",
            "Content-Length: -5",
            "Content-Length: 0x5",
            "Content-Length: 5,5",
            "Content-Length:",
            "Content-Length: 18446744073709551616",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, chunked",
        ];
        // 501 is guardhouse's answer to a coding that it does not know.
        let accepted = |header: &&&str| {
            ![400, 501].contains(&status(address, "GET /", &format!("{header}\r\n"), "hello"))
        };
        let count = headers.iter().filter(accepted).count();
        assert!(count == 0 || count == headers.len(), "{count} of them are accepted");
        count > 0
    });
}

#[test]
fn step_5_refuses_a_chunk_that_two_servers_can_read_in_two_ways() {
    assert_stopped_by(5, |address, _| {
        let headers = format!("{TOKEN}Transfer-Encoding: chunked\r\n");
        let bodies = [
            "+5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhelloXX0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n",
        ];
        let accepted =
            bodies.iter().filter(|body| status(address, "POST /notes", &headers, body) != 400);
        let count = accepted.count();
        assert!(count == 0 || count == bodies.len(), "{count} of them are accepted");
        count > 0
    });
}

#[test]
fn step_6_gives_up_a_request_that_comes_a_byte_at_a_time() {
    assert_stopped_by(6, |address, expected| {
        let head = request("GET /", "X: ");
        let note = request("POST /notes", &format!("{TOKEN}Content-Length: 5000\r\n"));
        let (mut head_client, mut body_client) = (connect(address), connect(address));
        head_client.write_all(&head.as_bytes()[..head.len() - 4]).unwrap();
        body_client.write_all(note.as_bytes()).unwrap();
        let mut clients = [head_client, body_client];
        let begin = Instant::now();
        let longest = if expected == Expected::Broken { TIMEOUT + SHORT } else { PATIENCE };
        let mut ended = [None, None];
        while begin.elapsed() < longest && ended.contains(&None) {
            for (client, ended) in clients.iter_mut().zip(&mut ended) {
                client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
                let _ = client.write_all(b"x");
                let mut piece = [0; 1024];
                match client.read(&mut piece) {
                    Err(error) if is_timeout(&error) => {}
                    Ok(count) if ended.is_none() => {
                        *ended = Some(String::from_utf8(piece[..count].to_vec()).unwrap());
                    }
                    _ => {}
                }
            }
        }
        for answer in ended.iter().flatten() {
            assert_eq!(statuses(answer), [408], "{answer}");
        }
        assert!(ended[0].is_some() == ended[1].is_some(), "{ended:?}");
        ended[0].is_none()
    });
}

#[test]
fn step_6_limits_what_a_client_makes_it_keep() {
    assert_stopped_by(6, |address, _| {
        let large = "x".repeat(2 << 20);
        let line = status(address, "GET /", &format!("X: {large}\r\n"), "");
        let lines = status(address, "GET /", &"X: 1\r\n".repeat(50_000), "");
        let length = format!("{TOKEN}Content-Length: {}\r\n", large.len());
        let body = status(address, "POST /notes", &length, &large);
        let chunk = format!("200000\r\n{large}\r\n0\r\n\r\n");
        let chunked = format!("{TOKEN}Transfer-Encoding: chunked\r\n");
        let chunk = status(address, "POST /notes", &chunked, &chunk);
        // The lines are too many for httparse, but every step has read them first.
        let is_kept = |status: u16| status == 200;
        assert!([400, 431].contains(&lines), "{lines}");
        assert!(is_kept(line) || [400, 431].contains(&line), "{line}");
        assert!([body, chunk].iter().all(|own| is_kept(*own) || *own == 413), "{body} {chunk}");
        assert!(is_kept(line) == is_kept(body) && is_kept(body) == is_kept(chunk));
        is_kept(body)
    });
}

/// A program that may open few descriptors.
fn with_few_descriptors(program: PathBuf, arguments: &[&str]) -> Program {
    let shell = "ulimit -n 60 && exec \"$0\" \"$@\"";
    Program::start(Command::new("sh").args(["-c", shell]).arg(program).args(arguments))
}

/// Whether a thousand idle clients keep another one from its answer; `None` if the machine was
/// too slow to say that.
fn idle_clients_lock_others_out(
    address: SocketAddr,
    path: &str,
    expected: Expected,
) -> Option<bool> {
    let begin = Instant::now();
    let mut idle = VecDeque::new();
    for number in 0..1000 {
        match TcpStream::connect_timeout(&address, SHORT / 10) {
            Ok(client) => idle.push_back(client),
            // A broken server has no place for all of them.
            Err(_) if expected == Expected::Broken => break,
            // The queue of a safe one is full for a moment only.
            Err(error) => assert!(is_timeout(&error), "{number}: {error}"),
        }
        // A safe one has closed the first of them, and this process may need its descriptors, too.
        if idle.len() > 200 {
            drop(idle.pop_front());
        }
    }
    let ask = |client: io::Result<TcpStream>| {
        client.map(|mut client| {
            let asked = request(&format!("GET {path}"), "Connection: close\r\n");
            client.write_all(asked.as_bytes()).unwrap();
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(statuses(&rest(&mut client)), [200]);
        })
    };
    // The last of a thousand may still be in the queue of the kernel. When this one has its
    // answer, the queue is empty.
    if expected == Expected::Safe {
        ask(TcpStream::connect(address)).unwrap();
    }
    let asked = Instant::now();
    // A busy machine is slow, too, but not as slow as that.
    let long = if expected == Expected::Broken { SHORT } else { TIMEOUT / 2 };
    let _ = ask(TcpStream::connect_timeout(&address, long));
    let waited = asked.elapsed() >= long;
    // After their timeout the idle clients are closed in any case.
    let is_certain = waited || begin.elapsed() < TIMEOUT * 3 / 4;
    is_certain.then_some(waited)
}

#[test]
fn step_7_has_room_although_idle_clients_use_up_the_descriptors() {
    for number in 6..=LAST {
        let locked_out = (0..5).find_map(|_| {
            let step = with_few_descriptors(path_of(number), &["127.0.0.1:0"]);
            let expected = if number < 7 { Expected::Broken } else { Expected::Safe };
            idle_clients_lock_others_out(step.address, "/", expected)
        });
        assert_eq!(locked_out, Some(number < 7), "step {number}");
    }
    let locked_out = (0..5).find_map(|_| {
        let arguments = ["--listen", "127.0.0.1:0", "--log-level", "error"];
        let server = with_few_descriptors(env!("CARGO_BIN_EXE_guardhouse").into(), &arguments);
        idle_clients_lock_others_out(server.address, "/open", Expected::Safe)
    });
    assert_eq!(locked_out, Some(false), "guardhouse");
}

/// Whether a connection closes for a new client, and it is one of those that have been idle
/// longest; `None` if the machine was too slow to say that.
fn idle_longest_makes_room(address: SocketAddr) -> Option<bool> {
    let begin = Instant::now();
    let answered = || {
        let mut client = connect(address);
        client.write_all(request("GET /", "").as_bytes()).unwrap();
        assert_eq!(statuses(&read_for(&mut client, PATIENCE)), [200]);
        client
    };
    // A thread may be slow to wait after its answer. So the server does not know exactly this
    // order, but nearly.
    let mut idle: Vec<TcpStream> = (0..CONNECTIONS).map(|_| answered()).collect();
    let _new = answered();
    let mut has_ended = |client: &mut TcpStream| {
        client.set_nonblocking(true).unwrap();
        matches!(client.read(&mut [0]), Ok(0))
    };
    let (first, last) = idle.split_at_mut(CONNECTIONS / 2);
    let ended = (first.iter_mut().any(&mut has_ended), last.iter_mut().any(&mut has_ended));
    // After their timeout they are closed in any case.
    (begin.elapsed() < TIMEOUT).then_some(ended == (true, false))
}

#[test]
fn step_7_closes_the_connection_that_has_been_idle_longest() {
    for number in 6..=LAST {
        let makes_room = (0..5).find_map(|_| {
            let step = Program::step(number);
            idle_longest_makes_room(step.address)
        });
        assert_eq!(makes_room, Some(number >= 7), "step {number}");
    }
    let makes_room = (0..5).find_map(|_| {
        let server = Running::start(limits(), routes());
        idle_longest_makes_room(server.address)
    });
    assert_eq!(makes_room, Some(true), "guardhouse");
}

#[test]
fn step_7_answers_500_after_a_panic() {
    assert_stopped_by(7, |address, _| {
        let headers = format!("{TOKEN}Content-Length: 0\r\n");
        let answers = exchange(address, request("POST /notes", &headers));
        // Others are served in any case.
        assert_eq!(status(address, "GET /", "", ""), 200);
        statuses(&answers) != [500]
    });
}

/// A client has its first answer, and the server has a part of its second request. Then the
/// server is told to stop, and then the rest of the request comes. Returns whether that one
/// is answered.
fn request_survives(mut program: Program, path: &str, stop: impl Fn(&mut Program)) -> bool {
    let mut client = connect(program.address);
    let head = request(&format!("GET {path}"), "");
    let (begin, end) = head.split_at(head.len() - 8);
    client.write_all((head.clone() + begin).as_bytes()).unwrap();
    assert_eq!(statuses(&read_for(&mut client, PATIENCE)), [200]);
    stop(&mut program);
    // Once it listens no more, the stop has begun.
    while TcpStream::connect(program.address).is_ok() {
        thread::yield_now();
    }
    let _ = client.write_all(end.as_bytes());
    let answer = rest(&mut client);
    let code = program.child.wait().unwrap().code();
    if answer.is_empty() {
        return false;
    }
    assert_eq!((statuses(&answer), code), (vec![200], Some(0)));
    true
}

#[test]
fn step_8_loses_no_request_that_has_begun_when_it_stops() {
    assert!(!request_survives(Program::step(7), "/", |step| step.signal("-TERM")));
    assert!(request_survives(Program::step(8), "/", |step| drop(step.child.stdin.take())));
    let enter = |step: &mut Program| step.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert!(request_survives(Program::step(8), "/", enter));
    let arguments = ["--listen", "127.0.0.1:0", "--log-level", "error"];
    let server = Program::start(Command::new(env!("CARGO_BIN_EXE_guardhouse")).args(arguments));
    assert!(request_survives(server, "/open", |server| server.signal("-TERM")));
}

#[test]
fn step_8_closes_idle_connections_when_it_stops() {
    let mut step = Program::step(8);
    let mut clients: Vec<TcpStream> = (0..20).map(|_| connect(step.address)).collect();
    for client in &mut clients {
        client.write_all(request("GET /", "").as_bytes()).unwrap();
        assert_eq!(statuses(&read_for(client, PATIENCE)), [200]);
    }
    let begin = Instant::now();
    drop(step.child.stdin.take());
    for client in &mut clients {
        assert_eq!(rest(client), "");
    }
    assert_eq!(step.child.wait().unwrap().code(), Some(0));
    assert!(begin.elapsed() < TIMEOUT, "it waited for their timeout");
}

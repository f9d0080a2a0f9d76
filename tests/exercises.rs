//! The answers to the exercises of the manual, and their tests.
//!
//! The exercises 1 to 4, 6, 7 and 9 change the program `tests/start.rs`; here each answer makes
//! the rows that it adds. The answer to 5 and 10 is `tests/steps/step-9.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use guardhouse::Method::GET;
use guardhouse::guard::{self, is_same};
use guardhouse::{
    Challenge, Guard, Limits, Refusal, Request, Response, Route, Routes, TestRequest, User, Users,
};
use support::{Client, Running, connect, get};

/// The guard of `tests/start.rs`.
fn signed_in() -> Guard<User> {
    let users = Users::new([
        ("s3cret-of-ann", User::new("Ann", ["notes:write"])),
        ("s3cret-of-bob", User::new("Bob", [])),
    ]);
    guard::bearer("notes", move |token| users.by_token(token))
}

const ANN: &str = "Bearer s3cret-of-ann";
const BOB: &str = "Bearer s3cret-of-bob";

/// What a table answers to a request with this header; without one if its value is empty.
fn answer(routes: &Routes, target: &str, authorization: &str) -> Response {
    let mut asked = TestRequest::new(GET, target);
    if !authorization.is_empty() {
        asked = asked.with_header("Authorization", authorization);
    }
    routes.answer(&mut asked.parse().unwrap())
}

fn status(routes: &Routes, target: &str, authorization: &str) -> u16 {
    answer(routes, target, authorization).status().code()
}

// --- 1: a route ---

fn hello() -> Route {
    Route::open(GET, "/hello/{name}", |request: &mut Request| {
        let name = request.param("name").unwrap_or_default();
        Response::text(format!("Hello, {name}.\n"))
    })
}

#[test]
fn exercise_1_a_route() {
    let routes = Routes::new([hello()]);
    assert_eq!(answer(&routes, "/hello/Zo%C3%AB", "").body(), "Hello, Zoë.\n".as_bytes());
    assert_eq!(status(&routes, "/hello/", ""), 404);
}

// --- 2: a scope ---

fn drafts(signed_in: Guard<User>) -> Route {
    Route::guarded(GET, "/drafts", signed_in.scope("notes:write"), |_: &mut Request, user: User| {
        Response::text(format!("{} has no drafts.\n", user.name()))
    })
}

#[test]
fn exercise_2_a_scope() {
    let routes = Routes::new([drafts(signed_in())]);
    assert_eq!(answer(&routes, "/drafts", ANN).body(), b"Ann has no drafts.\n");
    assert_eq!((status(&routes, "/drafts", BOB), status(&routes, "/drafts", "")), (403, 401));
}

// --- 3: a guard by address ---

/// The identity is the address. Other credentials would not help, so it answers 403, not 401.
fn from_this_machine(request: &Request) -> Result<IpAddr, Refusal> {
    match request.peer() {
        Some(peer) if peer.ip().is_loopback() => Ok(peer.ip()),
        _ => Err(Refusal::insufficient(Challenge::new("Address", "this machine"))),
    }
}

fn status_page() -> Route {
    Route::guarded(GET, "/status", from_this_machine, |_: &mut Request, address: IpAddr| {
        Response::text(format!("All is well, {address}.\n"))
    })
}

#[test]
fn exercise_3_a_guard_by_address() {
    // A request that comes from no socket has no address.
    assert_eq!(status(&Routes::new([status_page()]), "/status", ""), 403);
    let server = Running::start(Limits::default(), [status_page()]);
    assert_eq!(server.connect().ask(&get("/status")).text(), "All is well, 127.0.0.1.\n");
}

// --- 4: an owner by {id} ---

fn note(signed_in: Guard<User>, owner_of: fn(&str) -> Option<&'static str>) -> Route {
    let own = signed_in.hide_unless("owner", move |request: &Request, user: &User| {
        request.param("id").and_then(owner_of) == Some(user.name())
    });
    Route::guarded(GET, "/notes/{id}", own, |request: &mut Request, user: User| {
        let id = request.param("id").unwrap_or_default();
        Response::text(format!("Note {id} of {}.\n", user.name()))
    })
}

#[test]
fn exercise_4_an_owner_by_id() {
    let owner_of = |id: &str| match id {
        "7" => Some("Ann"),
        "8" => Some("Bob"),
        _ => None,
    };
    let routes = Routes::new([note(signed_in(), owner_of)]);
    assert_eq!(answer(&routes, "/notes/7", ANN).body(), b"Note 7 of Ann.\n");
    for (target, user, code) in [
        ("/notes/7", BOB, 404),
        ("/notes/8", BOB, 200),
        ("/notes/9", BOB, 404),
        ("/notes/7", "", 401),
    ] {
        assert_eq!(status(&routes, target, user), code, "{target} {user}");
    }
}

// --- 6: an auth scheme of your own ---

/// `Authorization: Code NAME:CODE`. Each name has a code.
fn by_code(codes: &'static [(&'static str, &'static str)]) -> Guard<&'static str> {
    let challenge = Challenge::new("Code", "notes");
    Guard::new(move |request: &Request| {
        let credentials = guard::credentials(request, &challenge)?;
        let refusal = || Refusal::invalid(challenge.clone());
        let (name, code) = str::from_utf8(credentials)
            .ok()
            .and_then(|own| own.split_once(':'))
            .ok_or_else(refusal)?;
        let mut found = codes.iter().filter(|(own, _)| *own == name);
        let user = found.find(|(_, own)| is_same(own.as_bytes(), code.as_bytes()));
        user.map(|(own, _)| *own).ok_or_else(refusal)
    })
}

#[test]
fn exercise_6_an_auth_scheme_of_your_own() {
    let guard = by_code(&[("ann", "4711"), ("bob", "0815")]);
    let row = Route::guarded(GET, "/me", guard, |_: &mut Request, name| Response::text(name));
    let routes = Routes::new([row]);
    assert_eq!(answer(&routes, "/me", "code ann:4711").body(), b"ann");
    for wrong in ["", "Code", "Code ann", "Code ann:0815", "Code eve:4711", "Bearer ann:4711"] {
        let refused = answer(&routes, "/me", wrong);
        assert_eq!(refused.status().code(), 401, "{wrong}");
        assert_eq!(refused.header("WWW-Authenticate"), Some(r#"Code realm="notes""#), "{wrong}");
    }
}

// --- 7: expiry ---

/// Tokens that end. A test passes its own clock.
fn until_they_end(
    tokens: Vec<(&'static str, User, SystemTime)>,
    now: impl Fn() -> SystemTime + Send + Sync + 'static,
) -> Guard<User> {
    guard::bearer("notes", move |token| {
        let known = tokens.iter().find(|(own, ..)| is_same(own.as_bytes(), token.as_bytes()));
        known.filter(|(_, _, end)| now() < *end).map(|(_, user, _)| user.clone())
    })
}

#[test]
fn exercise_7_expiry() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let routes = |now| {
        let tokens = vec![("s3cret-of-ann", User::new("Ann", []), at(1000))];
        let guard = until_they_end(tokens, move || now);
        let me = |_: &mut Request, user: User| Response::text(user.name().to_owned());
        Routes::new([Route::guarded(GET, "/me", guard, me)])
    };
    assert_eq!(answer(&routes(at(999)), "/me", ANN).body(), b"Ann");
    let refused = answer(&routes(at(1000)), "/me", ANN);
    assert!(refused.header("WWW-Authenticate").unwrap().contains("error=\"invalid_token\""));
    assert_eq!(status(&routes(at(999)), "/me", BOB), 401);
}

// --- 8: break a deadline ---

#[test]
fn exercise_8_the_line_to_break_and_the_test_that_finds_it() {
    let line = "self.head_deadline.get_or_insert_with(|| Instant::now() + timeout);";
    assert_eq!(include_str!("../src/serve/connection.rs").matches(line).count(), 1);
    assert!(include_str!("deadlines.rs").contains("fn a_head_that_trickles_gets_408()"));
}

// --- 9: a request id on all answers ---

fn with_request_ids(routes: Routes) -> Routes {
    let last = AtomicU64::new(0);
    routes.map_answers(move |_, answer| {
        let id = last.fetch_add(1, Relaxed) + 1;
        answer.with_header("X-Request-Id", id.to_string())
    })
}

#[test]
fn exercise_9_a_request_id_on_all_answers() {
    let routes = with_request_ids(Routes::new([hello(), drafts(signed_in())]));
    for (number, (target, code)) in
        [("/hello/Ann", 200), ("/drafts", 401), ("/nowhere", 404)].into_iter().enumerate()
    {
        let answer = answer(&routes, target, "");
        let id = (number + 1).to_string();
        assert_eq!((answer.status().code(), answer.header("X-Request-Id")), (code, Some(&*id)));
    }
}

// --- 5 and 10: HEAD by hand, and a ninth step ---

struct Program(Child, SocketAddr);

impl Program {
    fn step_9() -> Program {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().and_then(|deps| deps.parent()).unwrap();
        let program = folder.join("examples/step-9");
        assert!(program.exists(), "first run: cargo build --examples");
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Program(child, address)
    }

    /// Sends a request, and returns everything that comes until the connection ends.
    fn ask_to_the_end(&self, sent: &str) -> String {
        let mut stream = connect(self.1);
        stream.write_all(sent.as_bytes()).unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).unwrap();
        received
    }

    /// Sends a request, and returns the text that comes until there is as much as that.
    fn ask(&self, sent: &str, length: usize) -> String {
        let mut stream = connect(self.1);
        stream.write_all(sent.as_bytes()).unwrap();
        let mut received = vec![0; length];
        stream.read_exact(&mut received).unwrap();
        String::from_utf8(received).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const OPEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 23\r\nConnection: keep-alive\r\n\r\n";

#[test]
fn exercise_5_head_by_hand() {
    let step = Program::step_9();
    // The head of the second answer comes right after that of the first.
    let both = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let wanted = format!("{OPEN}{OPEN}Everyone can see this.\n");
    assert_eq!(step.ask(both, wanted.len()), wanted);
    let last = "HEAD /me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let refused = step.ask_to_the_end(last);
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refused}");
    assert!(refused.ends_with("\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"), "{refused}");
}

#[test]
fn exercise_10_a_ninth_step() {
    let step = Program::step_9();
    let head = |authorization: &str| {
        format!(
            "POST /notes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n{authorization}\r\n"
        )
    };
    let mut client = Client::new(connect(step.1));
    client.send(head(&format!("Authorization: {ANN}\r\n")));
    let mut waits = [0; 25];
    client.stream.read_exact(&mut waits).unwrap();
    assert_eq!(&waits, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("Aloha");
    let mut answer = [0; 15];
    client.stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // A client that is refused is not asked for its body, and its connection ends.
    let refused = step.ask_to_the_end(&head(""));
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refused}");
    assert!(refused.ends_with("\r\nConnection: close\r\n\r\n401 Unauthorized\n"), "{refused}");
    // A client whose body is here already need not wait, and its connection stays open.
    let all = head(&format!("Authorization: {ANN}\r\n")) + "Aloha";
    let (answer, next) = ("Ann, your note begins with 65.\n", OPEN);
    let wanted = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n{answer}{next}",
        answer.len()
    );
    assert_eq!(step.ask(&(all + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), wanted.len()), wanted);
    // One of HTTP/1.0 does not know what `100 Continue` is (RFC 9110 §10.1.1).
    let old = head(&format!("Authorization: {ANN}\r\n")).replace("HTTP/1.1", "HTTP/1.0");
    let answer = step.ask_to_the_end(&(old + "Aloha"));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

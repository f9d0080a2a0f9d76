//! The challenge table: a test sends each row over a socket, and another one
//! compares the table with its copy in the manual.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use guardhouse::Method::GET;
use guardhouse::{Request, Response, Route, Server, Stop, User, Users, guard};

/// The manual's name for a request, its header lines, and the status and the
/// challenges of the answer.
type Row = (&'static str, String, u16, &'static [&'static str]);

const ASKS: &[&str] = &[r#"Bearer realm="guardhouse""#];
const INVALID: &[&str] = &[concat!(
    r#"Bearer realm="guardhouse", error="invalid_token", "#,
    r#"error_description="the access token is malformed, unknown or expired""#
)];
const REPEATED: &[&str] = &[concat!(
    r#"Bearer realm="guardhouse", error="invalid_request", "#,
    r#"error_description="more than one Authorization field""#
)];
const INSUFFICIENT: &[&str] =
    &[r#"Bearer realm="guardhouse", error="insufficient_scope", scope="reports:read""#];
const ASKS_BASIC: &[&str] = &[r#"Basic realm="guardhouse", charset="UTF-8""#];

fn header(value: &str) -> String {
    format!("Authorization: {value}\r\n")
}

/// The rows of the manual, in its order.
fn table() -> Vec<Row> {
    vec![
        ("no `Authorization`, or a blank one", String::new(), 401, ASKS),
        ("another scheme", header("Basic YW5uOnB3"), 401, ASKS),
        ("`Bearer` and an unknown token", header("Bearer s3cret-eve"), 401, INVALID),
        ("`Bearer` and no token", header("Bearer"), 401, INVALID),
        ("`Bearer` and what can't be a token", header("Bearer \"s3cret-ann\""), 401, INVALID),
        ("`Authorization` twice", header("Bearer s3cret-ann").repeat(2), 400, REPEATED),
        ("a known token without the scope", header("Bearer s3cret-bob"), 403, INSUFFICIENT),
        ("a known token with the scope", header("bearer  s3cret-ann"), 200, &[]),
    ]
}

/// More rows, which would only repeat the rules in the manual.
fn wrong_credentials() -> Vec<Row> {
    let long = |length| header(&format!("Bearer {}", "a".repeat(length)));
    vec![
        ("an empty header", header(""), 401, ASKS),
        ("a blank header", header("   \t"), 401, ASKS),
        ("a token without a scheme", header("s3cret-ann"), 401, ASKS),
        ("no space after the scheme", header("Bearers3cret-ann"), 401, ASKS),
        ("a tab after the scheme", header("Bearer\ts3cret-ann"), 401, ASKS),
        ("a comma after the scheme", header("Bearer, s3cret-ann"), 401, ASKS),
        ("another header", "X-Authorization: Bearer s3cret-ann\r\n".into(), 401, ASKS),
        ("the header for a proxy", "Proxy-Authorization: Bearer s3cret-ann\r\n".into(), 401, ASKS),
        ("a cookie", "Cookie: Authorization=Bearer s3cret-ann\r\n".into(), 401, ASKS),
        ("a token of 15 KiB", long(15 * 1024), 401, INVALID),
        ("a token of 16 KiB: the head is over its limit", long(16 * 1024), 431, &[]),
        ("a token in another case", header("Bearer S3CRET-ANN"), 401, INVALID),
        ("a token and a comma", header("Bearer s3cret-ann,"), 401, INVALID),
        ("two tokens", header("Bearer s3cret-ann s3cret-ann"), 401, INVALID),
        ("two schemes in one header", header("Bearer s3cret-ann, Basic YW5uOnB3"), 401, INVALID),
        ("a token in UTF-8", header("Bearer s3cret-änn"), 401, INVALID),
        ("a token and a no-break space", header("Bearer s3cret-ann\u{a0}"), 401, INVALID),
        ("a tab after the token, which is whitespace", header("Bearer s3cret-ann\t"), 200, &[]),
        ("nothing but padding", header("Bearer =="), 401, INVALID),
        ("a NUL", header("Bearer s3cret-ann\0"), 400, &[]),
        ("twice, the second one empty", header("Bearer s3cret-ann") + &header(""), 400, REPEATED),
        (
            "twice, in another case",
            header("Bearer s3cret-ann") + "AUTHORIZATION: x\r\n",
            400,
            REPEATED,
        ),
    ]
}

fn wrong_passwords() -> Vec<Row> {
    vec![
        ("nothing", String::new(), 401, ASKS_BASIC),
        ("another scheme", header("Bearer s3cret-ann"), 401, ASKS_BASIC),
        ("the right password", header("basic YW5uOnB3"), 200, &[]),
        ("a wrong password", header("Basic YW5uOm5v"), 401, ASKS_BASIC),
        ("no credentials", header("Basic"), 401, ASKS_BASIC),
        ("bytes outside Base64", header("Basic YW5u!!OnB3"), 401, ASKS_BASIC),
        ("no padding", header("Basic YW5uOg"), 401, ASKS_BASIC),
        ("no colon", header("Basic YW5u"), 401, ASKS_BASIC),
        ("not UTF-8", header("Basic /zpwdw=="), 401, ASKS_BASIC),
        ("15 KiB", header(&format!("Basic {}", "YW5u".repeat(3840))), 401, ASKS_BASIC),
    ]
}

struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn start() -> Running {
        let users = Users::new([
            ("s3cret-ann", User::new("Ann", ["reports:read"])),
            ("s3cret-bob", User::new("Bob", [])),
        ]);
        let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
        let by_password = guard::basic("guardhouse", |user_id, password| {
            (user_id == "ann" && guard::is_same(password.as_bytes(), b"pw")).then_some(())
        });
        let server = Server::bind("127.0.0.1:0").unwrap();
        let (address, stop) = (server.local_addr(), server.stop());
        let thread = thread::spawn(move || {
            let reports = |_: &mut Request, user: User| Response::text(user.name().to_owned());
            let routes = [
                Route::guarded(GET, "/reports", signed_in.scope("reports:read"), reports),
                Route::guarded(GET, "/basic", by_password, |_: &mut Request, ()| {
                    Response::text("in")
                }),
            ];
            server.run(routes).unwrap();
        });
        Running { address, stop, thread: Some(thread) }
    }

    /// The status, the challenges and the whole answer.
    fn get(&self, target: &str, headers: &str) -> (u16, Vec<String>, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let challenges = answer
            .lines()
            .filter_map(|line| line.strip_prefix("WWW-Authenticate: "))
            .map(str::to_owned)
            .collect();
        (status, challenges, answer)
    }

    #[track_caller]
    fn check(&self, target: &str, rows: Vec<Row>) {
        for (name, headers, status, challenges) in rows {
            let (got, got_challenges, answer) = self.get(target, &headers);
            assert_eq!(
                (got, &got_challenges[..]),
                (status, &challenges.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..]),
                "{name}"
            );
            for secret in ["s3cret", "S3CRET", "aaaa", "YW5u"] {
                assert!(!answer.contains(secret), "{name}: the answer shows credentials: {answer}");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

#[test]
fn every_row_of_the_challenge_table_is_true() {
    Running::start().check("/reports", table());
}

#[test]
fn wrong_credentials_get_a_challenge_and_never_a_500() {
    let server = Running::start();
    server.check("/reports", wrong_credentials());
    server.check("/basic", wrong_passwords());
}

#[test]
fn a_token_in_the_query_is_ignored() {
    let server = Running::start();
    for target in [
        "/reports?access_token=s3cret-ann",
        "/reports?token=s3cret-ann",
        "/reports?Authorization=Bearer+s3cret-ann",
    ] {
        let (status, challenges, _) = server.get(target, "");
        assert_eq!((status, challenges.len()), (401, 1), "{target}");
    }
}

#[test]
fn the_manual_has_this_table() {
    let mut expected =
        String::from("| request | answer | `WWW-Authenticate` |\n| --- | --- | --- |\n");
    for (name, _, status, challenges) in table() {
        let challenge = challenges.first().map_or("–".to_owned(), |value| format!("`{value}`"));
        writeln!(expected, "| {name} | {status} | {challenge} |").unwrap();
    }
    let chapter = include_str!("../src/manual/users.md");
    let (_, rest) = chapter.split_once("<!-- challenges: tests/challenges.rs -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- /challenges -->").unwrap();
    assert!(found == expected, "src/manual/users.md must have this table:\n{expected}");
}

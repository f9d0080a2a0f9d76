//! What the program to copy answers, without a socket.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, unreachable_pub)] // Its `main` listens; the test does not.
#[path = "start.rs"]
mod start;

use guardhouse::{Limits, exchange};

/// The status code and the body of the answer.
#[track_caller]
fn answer(request: &str) -> (u16, String) {
    let answer = exchange(&start::routes(), &Limits::default(), [request]);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[track_caller]
fn get(path: &str, headers: &str) -> (u16, String) {
    answer(&format!("GET {path} HTTP/1.0\r\n{headers}\r\n"))
}

#[track_caller]
fn post_note(headers: &str) -> (u16, String) {
    answer(&format!("POST /notes HTTP/1.0\r\n{headers}Content-Length: 5\r\n\r\nhello"))
}

const ANN: &str = "Authorization: Bearer s3cret-of-ann\r\n";
const BOB: &str = "Authorization: Bearer s3cret-of-bob\r\n";

#[test]
fn the_open_route_answers_everyone() {
    assert_eq!(get("/", ""), (200, "Sign in with a token to write notes.\n".to_owned()));
}

#[test]
fn the_guarded_route_answers_users_only() {
    assert_eq!(get("/me", ANN), (200, r#"{"username":"Ann"}"#.to_owned()));
    assert_eq!(get("/me", BOB), (200, r#"{"username":"Bob"}"#.to_owned()));
    assert_eq!(get("/me", ""), (401, r#"{"detail":"Not authenticated"}"#.to_owned()));
    assert_eq!(get("/me", "Authorization: Bearer wrong\r\n").0, 401);
}

#[test]
fn a_note_needs_a_user_with_the_scope() {
    assert_eq!(post_note(ANN), (200, "Ann wrote 5 bytes.\n".to_owned()));
    assert_eq!(post_note(BOB).0, 403);
    assert_eq!(post_note("").0, 401);
}

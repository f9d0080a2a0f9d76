//! The answers of the echo program, on which other tests and scripts rely.

#[allow(dead_code, unreachable_pub)] // Its `main` listens.
#[path = "echo.rs"]
mod echo;

use guardhouse::{Limits, exchange};

#[track_caller]
fn answer(request: &str) -> String {
    let answer = exchange(&echo::routes(), &Limits::default(), [request]);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_root_answers_ok() {
    let answer = answer("GET / HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nOK\n"));
}

#[test]
fn a_body_is_sent_back_unchanged() {
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    let counted = "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello";
    for request in [chunked, counted] {
        let answer = answer(request);
        assert!(answer.contains("\r\nContent-Length: 5\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    }
}

#[test]
fn the_headers_of_any_method_are_sent_back() {
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        let head = format!("{method} /%65cho?a=b HTTP/1.0\r\nhOst:a\r\nX: 1\r\nX: \r\n\r\n");
        let answer = answer(&head);
        assert!(answer.ends_with("\r\n\r\nhOst: a\nX: 1\nX: \n"), "{answer}");
        assert!(answer.contains(&format!("\r\nEcho-Method: {method}\r\n")), "{answer}");
        assert!(answer.contains("\r\nEcho-Target: /echo?a=b\r\n"), "{answer}");
    }
}

//! `Expect: 100-continue`: a client asks before it sends its body (RFC 9110
//! §10.1.1).

use super::row::{check, row};
use crate::support::{Running, patient_limits};

#[test]
fn says_continue_when_the_handler_reads_the_body() {
    check([
        row("a body that is read")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n\
                 hello",
            )
            .gets([100, 200])
            .with_body("hello")
            .see("RFC 9110 §10.1.1"),
        row("chunks that are read")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                 Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            )
            .gets([100, 200])
            .with_body("hello")
            .see("RFC 9110 §10.1.1"),
        row("a body that is read as a stream")
            .sends(
                "POST /stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                 Content-Length: 5\r\n\r\nhello",
            )
            .gets([100, 200])
            .with_body("hello")
            .see("RFC 9110 §10.1.1"),
        row("a body that is read in part")
            .sends(
                "POST /some HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                 Content-Length: 5\r\n\r\nhello",
            )
            .gets([100, 200])
            .with_body("he")
            .see("RFC 9110 §10.1.1"),
        row("an expectation in capitals")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-CONTINUE\r\nContent-Length: 5\r\n\r\n\
                 hello",
            )
            .gets([100, 200])
            .see("RFC 9110 §10.1.1"),
        row("the same expectation twice")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\
                 Content-Length: 5\r\n\r\nhello",
            )
            .gets([100, 200])
            .see("RFC 9110 §10.1.1"),
        row("two requests that each expect it")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n1\
                 POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n2",
            )
            .gets([100, 200, 100, 200])
            .with_body("2")
            .see("RFC 9110 §10.1.1"),
        row("chunks that are malformed")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                 Transfer-Encoding: chunked\r\n\r\nx\r\n",
            )
            .gets([100, 400])
            .with_detail("malformed chunk")
            .and_closes()
            .see("RFC 9112 §7.1"),
    ]);
}

#[test]
fn says_no_continue_to_a_request_without_a_body() {
    check([
        row("no body")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
            .gets([200])
            .see("RFC 9110 §10.1.1"),
        row("a length of 0")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
            )
            .gets([200])
            .see("RFC 9110 §10.1.1"),
        row("GET without a body")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
            .gets([200])
            .see("RFC 9110 §10.1.1"),
        row("HTTP/1.0, which has no interim answers, with a body")
            .sends("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
            .gets([200])
            .with_body("hello")
            .and_closes()
            .see("RFC 9110 §10.1.1"),
    ]);
}

/// After a final answer the client may send its body or leave it out, and the
/// server can't know which. So the server closes the connection.
#[test]
fn an_answer_without_continue_ends_the_connection() {
    let expecting = |name, line: &str, headers: &str, status| {
        row(name)
            .sends(format!(
                "{line} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{headers}\r\n\r\n\
                 GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
            ))
            .gets([status])
            .and_closes()
            .see("RFC 9110 §10.1.1; RUSTSEC-2020-0093")
    };
    check([
        expecting("a handler that reads nothing", "POST /unread", "Content-Length: 35", 200),
        expecting(
            "chunks that no handler reads",
            "POST /unread",
            "Transfer-Encoding: chunked",
            200,
        ),
        expecting("a guard that refuses", "POST /protected", "Content-Length: 35", 401),
        expecting("a path that is not found", "POST /nope", "Content-Length: 35", 404),
        expecting("a method that is not allowed", "PUT /", "Content-Length: 35", 405),
        expecting("a method that is unknown", "BREW /", "Content-Length: 35", 501),
        expecting("a body that is too large", "POST /", "Content-Length: 9999999", 413),
        expecting(
            "a body that is too large, unread",
            "POST /unread",
            "Content-Length: 9999999",
            200,
        ),
        expecting("a length that is malformed", "POST /", "Content-Length: +5", 400),
        expecting("a GET with a body", "GET /", "Content-Length: 35", 200),
    ]);
}

#[test]
fn refuses_other_expectations() {
    let refused = |name, value: &str| {
        row(name)
            .sends(format!(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: {value}\r\nContent-Length: 5\r\n\r\nhello"
            ))
            .gets_refused(417, "unknown expectation")
            .see("RFC 9110 §10.1.1, §15.5.18")
    };
    check([
        refused("another status", "200-ok"),
        refused("a name and a value", "patience=1"),
        refused("a letter too few", "100-continu"),
        refused("a parameter", "100-continue;a=b"),
        refused("a known and an unknown one", "100-continue, 200-ok"),
        refused(
            "a known one, and an unknown one in a second header",
            "100-continue\r\nExpect: 200-ok",
        ),
        row("another expectation without a body")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n")
            .gets_refused(417, "unknown expectation")
            .see("RFC 9110 §10.1.1"),
    ]);
}

#[test]
fn ignores_empty_members_of_the_list() {
    let get = |name, headers: &str| {
        row(name)
            .sends(format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
            .gets([200])
            .see("RFC 9110 §5.6.1.2")
    };
    check([
        get("no member", "Expect:\r\n"),
        get("two empty members", "Expect: ,\r\n"),
        get("empty members with whitespace", "Expect: , \t,\r\n"),
        get("an empty member after 100-continue", "Expect: 100-continue,\r\n"),
        get("an empty member before it", "Expect: ,100-continue\r\n"),
        get("an empty header, and one with 100-continue", "Expect:\r\nExpect: 100-continue\r\n"),
        get("empty members of Connection", "Connection: ,, \r\n"),
        get("a close in another list", "Connection: ,close,\r\n").and_closes(),
    ]);
}

#[test]
fn a_client_that_waits_for_continue_gets_it_before_it_sends() {
    let server = Running::with(patient_limits());
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.answer().status, 100);

    client.send("hello");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    assert_eq!(answer.header("Connection"), None);
}

#[test]
fn a_client_that_waits_for_continue_gets_the_refusal_instead() {
    let server = Running::with(patient_limits());
    let mut client = server.connect();
    client.send(
        "POST /protected HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    let refusal = client.answer();
    assert_eq!(refusal.status, 401);
    assert!(refusal.closes());
    client.ends();
}

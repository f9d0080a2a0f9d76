//! JSON in and out with `serde_json`, over a connection: what a handler with `?` answers
//! when the query, the media type, the JSON or the body is not as it should be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::error::Error;
use std::io;

use guardhouse::Method::{GET, POST, PUT};
use guardhouse::{Limits, Request, Response, Route, Routes, Status};
use serde_json::{Value, json};

mod support;

use support::{Running, get, patient_limits};

fn titles(request: &mut Request) -> Result<Response, guardhouse::Error> {
    let limit = request.query_param("limit")?;
    Ok(Response::json(json!({"limit": limit}).to_string()))
}

/// The path's parameter and the body, together.
fn rename(request: &mut Request) -> Result<Response, Response> {
    if !request.has_media_type("application/json") {
        return Err(Response::detail(Status::UNSUPPORTED_MEDIA_TYPE, "send JSON"));
    }
    let sent = request.take_body()?;
    let id = request.param("id").unwrap_or_default();
    let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
    let no_title = || Response::detail(Status::UNPROCESSABLE_CONTENT, "no title");
    let title = sent["title"].as_str().ok_or_else(no_title)?;
    Ok(Response::json(json!({"id": id, "title": title}).to_string()))
}

/// Reads JSON from the stream, as the manual says: an error of `serde_json` does not show
/// its cause, and the `io::Error` that it turns into does.
fn import(request: &mut Request) -> Result<Response, Box<dyn Error>> {
    let all: Vec<Value> =
        serde_json::from_reader(request.body_reader()).map_err(io::Error::from)?;
    Ok(Response::json(json!({"imported": all.len()}).to_string()))
}

fn server() -> Running {
    let routes = Routes::new([
        Route::open(GET, "/notes", titles),
        Route::open(PUT, "/notes/{id}", rename),
        Route::open(POST, "/import", import),
    ]);
    Running::start(Limits { body_bytes: 64, ..patient_limits() }, routes)
}

fn put(media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "PUT /notes/a%2Fb HTTP/1.1\r\nHost: a\r\nContent-Type: {media_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn json_that_does_not_fit_is_422_and_another_media_type_415_on_an_open_connection() {
    let server = server();
    let mut client = server.connect();
    for (media_type, body, status, answered) in [
        ("application/json", r#"{"title":"Milk"}"#, 200, r#"{"id":"a/b","title":"Milk"}"#),
        (
            "Application/JSON;charset=utf-8",
            r#"{"title":"\u00e9"}"#,
            200,
            r#"{"id":"a/b","title":"é"}"#,
        ),
        ("text/plain", r#"{"title":"Milk"}"#, 415, r#"{"detail":"send JSON"}"#),
        ("application/jsonl", r#"{"title":"Milk"}"#, 415, r#"{"detail":"send JSON"}"#),
        ("application/json", "", 422, r#"{"detail":"no title"}"#),
        ("application/json", "{", 422, r#"{"detail":"no title"}"#),
        ("application/json", "[]", 422, r#"{"detail":"no title"}"#),
        ("application/json", r#"{"title":7}"#, 422, r#"{"detail":"no title"}"#),
        ("application/json", r#"{"title":"a"} x"#, 422, r#"{"detail":"no title"}"#),
    ] {
        let answer = client.ask(&put(media_type, body));
        assert_eq!(answer.status, status, "{media_type} {body}");
        assert_eq!(String::from_utf8_lossy(&answer.body), answered, "{media_type} {body}");
        assert!(!answer.closes(), "{media_type} {body}");
    }
}

#[test]
fn a_malformed_query_is_400_and_the_connection_stays_open() {
    let server = server();
    let mut client = server.connect();
    for malformed in ["limit=%ff", "limit=1&a=%c3", "%ff=1"] {
        let answer = client.ask(&get(&format!("/notes?{malformed}")));
        assert_eq!(answer.status, 400, "{malformed}");
        assert_eq!(answer.body, br#"{"detail":"malformed query"}"#, "{malformed}");
        assert!(!answer.closes(), "{malformed}");
    }
    for (query, body) in [
        ("?limit=%31+2", r#"{"limit":"1 2"}"#),
        ("?a=1", r#"{"limit":null}"#),
        ("", r#"{"limit":null}"#),
    ] {
        let answer = client.ask(&get(&format!("/notes{query}")));
        assert_eq!(String::from_utf8_lossy(&answer.body), body, "{query}");
    }
}

#[test]
fn a_body_that_is_at_fault_has_its_own_status_also_inside_other_errors() {
    let too_large = "x".repeat(65);
    let import = |head: &str, body: &str| {
        format!("POST /import HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{body}")
    };
    let chunked = "Transfer-Encoding: chunked";
    for (request, status, detail) in [
        (put("application/json", &too_large), 413, "the content is too large"),
        (import("Content-Length: 65", &too_large), 413, "the content is too large"),
        (import(chunked, "1\r\n[\r\nz\r\n"), 400, "malformed chunk"),
    ] {
        let server = server();
        let mut client = server.connect();
        let answer = client.ask(&request);
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.body, json!({"detail": detail}).to_string().into_bytes(), "{request}");
        assert!(answer.closes(), "{request}");
    }
    let server = server();
    let mut client = server.connect();
    let answer = client.ask(&import(chunked, "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"));
    assert_eq!(answer.body, br#"{"imported":2}"#);
    let answer = client.ask(&import("Content-Length: 1", "{"));
    assert_eq!(answer.status, 500, "JSON that ends too early is an error of `serde_json`");
    assert_eq!(answer.body, br#"{"detail":"Internal Server Error"}"#);
}

//! How many allocations one more request on a connection needs. The tests count
//! allocations, and measure no time.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use allocation_counter::measure;
use guardhouse::Method::GET;
use guardhouse::{Limits, Request, Response, Route, Routes, User, Users, exchange, guard, json};

fn routes() -> Routes {
    let users = Users::new([("s3cret-of-ann", User::new("Ann", ["read"]))]);
    let signed_in = guard::bearer("guardhouse", move |token| users.by_token(token));
    Routes::new([
        Route::open(GET, "/constant", |_: &mut Request| Response::json("{}")),
        Route::open(GET, "/notes/{id}/{part}", |request: &mut Request| {
            assert_eq!((request.param("id"), request.param("part")), (Some("7"), Some("text")));
            Response::json("{}")
        }),
        Route::guarded(GET, "/guarded", signed_in.clone().scope("read"), |_: &mut Request, _| {
            Response::json("{}")
        }),
        Route::guarded(GET, "/hello", signed_in, |_: &mut Request, user: User| {
            Response::json(json::object([("message", format_args!("Hello {}!", user.name()))]))
        }),
    ])
}

/// The number of allocations for one more request of these bytes.
#[track_caller]
fn allocations(request: &str, status: &str) -> f64 {
    let (routes, limits) = (routes(), Limits::default());
    let count = |requests: usize| {
        let mut answers = Vec::new();
        let pieces = vec![request; requests];
        let info = measure(|| answers = exchange(&routes, &limits, pieces));
        let answers = String::from_utf8(answers).unwrap();
        assert_eq!(answers.matches(&format!("HTTP/1.1 {status}\r\n")).count(), requests);
        f64::from(u32::try_from(info.count_total).unwrap())
    };
    // The allocations for the connection itself are in both counts. The buffer
    // that collects the answers grows now and then, and each second has a new
    // date, so the quotient is not exactly a whole number.
    (count(2000) - count(1000)) / 1000.0
}

#[track_caller]
fn expect(request: &str, status: &str, expected: f64) {
    let allocations = allocations(request, status);
    assert!((allocations - expected).abs() < 0.05, "{allocations} for {request:?}");
}

const TOKEN: &str = "Authorization: Bearer s3cret-of-ann\r\n";

#[test]
fn the_server_allocates_nothing_for_a_request() {
    expect("GET /constant HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", 0.0);
    let many_headers = "X-Header: value\r\n".repeat(20);
    expect(&format!("GET /constant HTTP/1.1\r\nHost: a\r\n{many_headers}\r\n"), "200 OK", 0.0);
}

#[test]
fn parameters_of_a_path_allocate_nothing() {
    expect("GET /notes/7/text HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", 0.0);
}

#[test]
fn a_guard_and_its_user_allocate_nothing() {
    expect(&format!("GET /guarded HTTP/1.1\r\nHost: a\r\n{TOKEN}\r\n"), "200 OK", 0.0);
}

#[test]
fn a_handler_that_makes_a_text_allocates_once() {
    expect(&format!("GET /hello HTTP/1.1\r\nHost: a\r\n{TOKEN}\r\n"), "200 OK", 1.0);
}

#[test]
fn a_refusal_allocates_four_times() {
    // The list of challenges, the challenge, the JSON of the answer, and its headers.
    expect("GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n", "401 Unauthorized", 4.0);
}

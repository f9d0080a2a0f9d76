//! A whole server in this process: many clients at once, the limit of its
//! connections, and how it stops.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use guardhouse::Method::{GET, POST};
use guardhouse::{Error, Limits, Request, Response, Route, Routes, Server, Status};

use support::{Client, Handler, PATIENCE, Running, get, patient_limits};

// --- Many at once ---

#[test]
fn two_hundred_clients_at_once_are_all_served() {
    let server = Running::start(Limits::default(), home());
    let mut clients: Vec<Client> = (0..200).map(|_| server.connect()).collect();
    for round in 0..5 {
        // Every client has asked before the first one reads.
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(get(&format!("/query?{number}.{round}")));
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            let answer = client.answer();
            assert_eq!((answer.status, answer.text()), (200, &*format!("{number}.{round}")));
            assert_eq!(answer.header("Connection"), None);
        }
    }
    server.end();
    for mut client in clients {
        client.ends();
    }
}

#[test]
fn a_silent_client_delays_no_other_client() {
    let server = Running::start(Limits::default(), home());
    let _silent = server.connect();
    let mut halfway = server.connect();
    halfway.send("GET / HTTP/1.1\r\nHo");
    let mut half_sent = server.connect();
    half_sent.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    let mut unread = server.connect();
    unread.send(get("/large").repeat(2));
    for _ in 0..3 {
        assert_eq!(server.connect().ask(&get("/")).text(), "home");
    }
    // The server still serves all of the others.
    halfway.send("st: a\r\n\r\n");
    assert_eq!(halfway.answer().text(), "home");
    half_sent.send(" done");
    assert_eq!(half_sent.answer().text(), "9");
    assert_eq!(unread.answer().body.len(), LARGE);
    assert_eq!(unread.answer().body.len(), LARGE);
    server.end();
}

#[test]
fn a_panic_ends_its_connection_and_no_other() {
    let server = Running::start(Limits::default(), home());
    let mut other = server.connect();
    assert_eq!(other.ask(&get("/")).status, 200);
    for _ in 0..3 {
        let mut unlucky = server.connect();
        // The third request gets no answer.
        unlucky.send(get("/") + &get("/panic") + &get("/"));
        assert_eq!(unlucky.answer().status, 200);
        let answer = unlucky.answer();
        assert_eq!(answer.status, 500);
        assert_eq!(answer.text(), r#"{"detail":"Internal Server Error"}"#);
        assert_eq!(answer.header("Connection"), Some("close"));
        unlucky.ends();
        assert_eq!(other.ask(&get("/")).status, 200);
    }
    server.end();
}

#[test]
fn the_answer_after_a_panic_passes_the_function_for_all_answers() {
    for (maps, header) in [(true, Some("1")), (false, None)] {
        let routes = home().map_answers(move |_, answer| {
            assert!(maps, "as it should");
            answer.with_header("X-All", "1")
        });
        let server = Running::start(Limits::default(), routes);
        let mut client = server.connect();
        let answer = client.ask(&get("/panic"));
        assert_eq!((answer.status, answer.header("X-All")), (500, header));
        client.ends();
    }
}

#[test]
fn two_servers_can_run_in_one_process() {
    let table = |body: &'static str| {
        Routes::new([Route::open(GET, "/", move |_: &mut Request| Response::text(body))])
    };
    let first = Running::start(Limits::default(), table("first"));
    let second = Running::start(Limits::default(), table("second"));
    assert_ne!(first.address, second.address);
    assert_eq!(first.connect().ask(&get("/")).text(), "first");
    assert_eq!(second.connect().ask(&get("/")).text(), "second");
    first.end();
    assert_eq!(second.connect().ask(&get("/")).text(), "second");
    second.end();
}

#[test]
fn on_port_0_the_server_says_which_port_it_has() {
    for address in ["127.0.0.1:0", "localhost:0"] {
        let server = Server::bind(address).unwrap();
        assert_ne!(server.local_addr().port(), 0);
        assert!(server.local_addr().ip().is_loopback());
        // A client that connects before the server runs waits, and is served.
        let mut early = Client::new(TcpStream::connect(server.local_addr()).unwrap());
        early.send(get("/"));
        let server = Running::run(server, home());
        assert_eq!(early.answer().text(), "home");
        server.end();
    }
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = Server::bind("127.0.0.1:0").unwrap();
    assert_eq!(Server::bind(taken.local_addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
}

// --- The limit of connections ---

#[test]
fn the_connection_that_is_idle_longest_makes_room() {
    let server = Running::start(Limits { connections: 2, ..Limits::default() }, home());
    let mut connections = [server.connect(), server.connect()];
    for _ in 0..3 {
        for connection in &mut connections {
            assert_eq!(connection.ask(&get("/")).status, 200);
            // The server compares times, so some time has to pass.
            thread::sleep(Duration::from_millis(20));
        }
        let mut newcomer = server.connect();
        assert_eq!(newcomer.ask(&get("/")).status, 200);
        let [mut longest, other] = connections;
        longest.ends();
        connections = [other, newcomer];
    }
    server.end();
}

/// A crowd of clients that ask for much and read nothing must not keep others out.
#[test]
fn a_connection_whose_peer_does_not_read_makes_room() {
    const CROWD: usize = 5;
    let limits = Limits { connections: CROWD, ..patient_limits() };
    let (held, handler) = support::held(|| Response::text("held"));
    let server = Running::start(limits, rows().into_iter().chain([held]).collect::<Routes>());
    let crowd: Vec<Client> = (0..CROWD)
        .map(|_| {
            let mut client = server.connect();
            client.send(get("/large").repeat(3));
            client
        })
        .collect();

    // No handler of these ends, so each of them needs the place of one of the crowd.
    let fresh: Vec<Client> = (0..CROWD).map(|_| client_in_handler(&server, &handler)).collect();
    (0..CROWD).for_each(|_| handler.go_on());
    for mut client in fresh {
        client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(client.answer().text(), "held");
    }
    drop(crowd);
}

/// A client whose request is in the handler of `/held`. It gets 503 for as long as the
/// buffers of the system take what the server writes to the crowd.
#[track_caller]
fn client_in_handler(server: &Running, handler: &Handler) -> Client {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let mut client = server.connect();
        client.send(get("/held"));
        client.stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        while client.stream.peek(&mut [0]).is_err() {
            if handler.has_begun() {
                return client;
            }
        }
        assert_eq!(client.answer().status, 503);
    }
    panic!("a new client gets 503 for as long as {PATIENCE:?}");
}

/// A crowd of clients that send a part of something, and no more, must not keep others out.
#[test]
fn a_connection_whose_peer_has_sent_a_part_of_a_request_makes_room() {
    const PARTS: [&str; 7] = [
        "G",
        "GET / HTTP/1.1\r\nHo",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r",
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
        "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        // These get an answer, and the server waits for their bodies.
        "POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
    ];
    let limits = Limits { connections: PARTS.len(), ..patient_limits() };
    let (held, handler) = support::held(|| Response::text("held"));
    let server = Running::start(limits, rows().into_iter().chain([held]).collect::<Routes>());
    let crowd = PARTS.map(|part| {
        let mut client = server.connect();
        client.send(part);
        client
    });

    // No handler of these ends, so each of them needs the place of one of the crowd.
    let fresh = PARTS.map(|_| client_in_handler(&server, &handler));
    let mut newcomer = server.connect();
    assert_eq!(newcomer.answer().status, 503, "a request that is worked on is not cut off");
    for (mut client, part) in crowd.into_iter().zip(PARTS) {
        let status = if part.contains("/nope") { 404 } else { 408 };
        assert_eq!(client.answer().status, status, "{part:?}");
    }
    for _ in &fresh {
        handler.go_on();
    }
    for mut client in fresh {
        client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(client.answer().text(), "held");
    }
}

#[test]
fn a_peer_has_the_address_of_its_own_family() {
    let Ok(server) = Server::bind("[::]:0") else {
        return println!("skipped: this machine has no IPv6");
    };
    let address = server.local_addr();
    let route = Route::open(GET, "/peer", |request: &mut Request| {
        Response::text(request.peer().map(|peer| peer.ip().to_string()).unwrap_or_default())
    });
    let _server = Running::run(server, [route]);
    for ip in ["127.0.0.1", "::1"] {
        let ip: IpAddr = ip.parse().unwrap();
        let Ok(stream) = TcpStream::connect((ip, address.port())) else {
            println!("skipped: a listener for IPv6 does not take {ip} here");
            continue;
        };
        let answer = Client::new(stream).ask("GET /peer HTTP/1.0\r\n\r\n");
        assert_eq!(answer.text(), ip.to_string());
    }
}

#[test]
fn where_no_connection_is_idle_a_new_one_gets_503() {
    let (routes, handler) = with_held();
    let server = Running::start(Limits { connections: 2, ..Limits::default() }, routes);
    let mut under_way = [server.connect(), server.connect()];
    for client in &mut under_way {
        client.send(get("/held"));
        handler.is_under_way();
    }
    for _ in 0..3 {
        let mut newcomer = server.connect();
        let answer = newcomer.answer();
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text(), r#"{"detail":"Service Unavailable"}"#);
        assert_eq!(answer.header("Retry-After"), Some("1"));
        assert_eq!(answer.header("Connection"), Some("close"));
        newcomer.ends();
    }
    handler.go_on();
    handler.go_on();
    for client in &mut under_way {
        assert_eq!(client.answer().body.len(), LARGE);
        assert_eq!(client.ask(&get("/")).status, 200, "the connection stays open");
    }
    // Both connections are idle now, so one makes room.
    assert_eq!(server.connect().ask(&get("/")).status, 200);
    server.end();
}

// --- The stop ---

#[test]
fn a_stop_closes_idle_connections_and_answers_requests_under_way() {
    let (routes, handler) = with_held();
    let server = Running::start(Limits::default(), routes);
    let mut silent = server.connect();
    let mut idle = server.connect();
    assert_eq!(idle.ask(&get("/")).status, 200);
    let mut in_handler = server.connect();
    in_handler.send(get("/held"));
    handler.is_under_way();
    // The answer to the first request shows that the server has half of the second.
    let mut in_head = server.connect();
    in_head.send(get("/") + "GET / HTTP/1.1\r\n");
    assert_eq!(in_head.answer().status, 200);
    // 100 Continue shows that the server waits for the body.
    let mut in_body = server.connect();
    in_body.send("POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n");
    in_body.send("Content-Length: 4\r\n\r\n");
    assert_eq!(in_body.answer().status, 100);

    server.stop();
    // The server tells all connections to end before it closes the first one.
    idle.ends();
    silent.ends();
    let refused = TcpStream::connect(server.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    in_head.send("Host: a\r\n\r\n");
    in_body.send("four");
    handler.go_on();
    for (mut client, length) in [(in_head, "home".len()), (in_body, "4".len()), (in_handler, LARGE)]
    {
        let answer = client.answer();
        assert_eq!((answer.status, answer.body.len()), (200, length));
        assert_eq!(answer.header("Connection"), Some("close"));
        client.ends();
    }
    server.end();
}

#[test]
fn a_stop_loses_no_answer_of_a_client_that_has_sent_its_next_request() {
    let (routes, handler) = with_held();
    let server = Running::start(Limits::default(), routes);
    let mut idle = server.connect();
    assert_eq!(idle.ask(&get("/")).status, 200);
    let mut client = server.connect();
    client.send(get("/held"));
    handler.is_under_way();
    client.send(get("/"));
    server.stop();
    idle.ends();
    handler.go_on();
    let answer = client.answer();
    assert_eq!((answer.status, answer.body.len()), (200, LARGE));
    assert_eq!(answer.header("Connection"), Some("close"));
    client.ends();
    server.end();
}

/// `http.client` of Python reads its answer when it has sent everything, also if that
/// takes longer than a stop leaves an idle connection open.
#[test]
fn a_stop_loses_no_answer_of_a_client_that_is_still_sending() {
    const LENGTH: usize = 100_000;
    let server = Running::start(Limits::default(), home());
    let mut idle = server.connect();
    assert_eq!(idle.ask(&get("/")).status, 200);
    let mut client = server.connect();
    client.send(format!("POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: {LENGTH}\r\n\r\n"));
    // The answer is written, and the server reads on.
    client.stream.peek(&mut [0]).unwrap();
    server.stop();
    idle.ends();
    for _ in 0..10 {
        client.send([b'x'; LENGTH / 10]);
        // Only time can show that a pause does not end the connection.
        thread::sleep(Limits::default().stopping_idle_timeout * 3 / 2);
    }
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("Connection")), (404, Some("close")));
    client.ends();
    server.end();
}

#[test]
fn a_request_that_outlasts_the_grace_time_is_not_answered() {
    let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
    let server = Running::start(limits, home());
    let mut client = server.connect();
    client.send(get("/") + "GET / HTTP/1.1\r\n");
    assert_eq!(client.answer().status, 200);
    server.end();
    // The server may have closed already.
    let _ = client.stream.write_all(b"Host: a\r\n\r\n");
    let rest = support::shown(&client.rest());
    assert!(!rest.contains("200 OK"), "{rest}");
}

#[test]
fn a_stop_that_gives_idle_connections_no_time_ends_with_the_last_request() {
    let (routes, handler) = with_held();
    let (stopping_idle_timeout, grace) = (Duration::ZERO, 2 * PATIENCE);
    let limits = Limits { stopping_idle_timeout, grace, ..Limits::default() };
    let server = Running::start(limits, routes);
    let mut client = server.connect();
    client.send(get("/held"));
    handler.is_under_way();
    server.stop();
    handler.go_on();
    assert_eq!(client.answer().body.len(), LARGE);
    drop(client);
    let answered = Instant::now();
    server.end();
    assert!(answered.elapsed() < PATIENCE, "it ended with the grace period");
}

#[test]
fn a_server_can_be_stopped_before_it_runs_and_twice() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let stop = server.stop();
    stop.stop();
    stop.clone().stop();
    server.run(home()).unwrap();
    stop.stop();
}

#[test]
fn a_server_on_every_address_can_be_stopped() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        // Some machines have no IPv6.
        let Ok(server) = Server::bind(address) else { continue };
        Running::run(server, home()).end();
    }
}

// --- What the tests are made of ---

/// More than the buffers of two sockets hold: the server can only send it while
/// the client reads.
const LARGE: usize = 16 * 1024 * 1024;

fn home() -> Routes {
    Routes::new(rows())
}

fn rows() -> Vec<Route> {
    vec![
        Route::open(GET, "/", |_: &mut Request| Response::text("home")),
        Route::open(GET, "/query", |request: &mut Request| {
            Response::text(request.query().unwrap_or_default().to_owned())
        }),
        Route::open(POST, "/length", |request: &mut Request| {
            let length = request.body()?.len();
            Ok::<_, Error>(Response::text(length.to_string()))
        }),
        Route::open(GET, "/large", |_: &mut Request| large()),
        Route::open(GET, "/panic", |_: &mut Request| -> Response { panic!("as it should") }),
    ]
}

fn large() -> Response {
    Response::new(Status::OK).with_body("text/plain", vec![b'x'; LARGE])
}

/// The rows, and one more whose handler waits until the test lets it continue.
fn with_held() -> (Routes, Handler) {
    let (held, handler) = support::held(large);
    (rows().into_iter().chain([held]).collect(), handler)
}

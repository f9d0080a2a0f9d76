//! A whole server in this process: many clients at once, and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use guardhouse::Method::{GET, POST};
use guardhouse::{Error, Limits, Request, Response, Route, Routes, Server, Status, Stop};

/// A wait that is longer than this is in vain: the test is to fail, not to hang.
const PATIENCE: Duration = Duration::from_secs(20);

// --- Many at once ---

#[test]
fn two_hundred_clients_at_once_are_all_served() {
    let server = Running::start(Limits::default(), home());
    let mut clients: Vec<Client> = (0..200).map(|_| server.connect()).collect();
    for round in 0..5 {
        // Every client has asked before the first one reads.
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&get(&format!("/query?{number}.{round}")));
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            let answer = client.answer();
            assert_eq!((answer.status, &*answer.content), (200, &*format!("{number}.{round}")));
            assert_eq!(answer.header("Connection"), None);
        }
    }
    server.end();
    for mut client in clients {
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn a_silent_client_holds_up_nobody() {
    let server = Running::start(Limits::default(), home());
    let _silent = server.connect();
    let mut halfway = server.connect();
    halfway.send("GET / HTTP/1.1\r\nHo");
    let mut unsent = server.connect();
    unsent.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    let mut unread = server.connect();
    unread.send(&get("/large").repeat(2));
    for _ in 0..3 {
        assert_eq!(server.connect().ask(&get("/")).content, "home");
    }
    // None of them was forgotten.
    halfway.send("st: a\r\n\r\n");
    assert_eq!(halfway.answer().content, "home");
    unsent.send(" done");
    assert_eq!(unsent.answer().content, "9");
    assert_eq!(unread.answer().content.len(), LARGE);
    assert_eq!(unread.answer().content.len(), LARGE);
    server.end();
}

#[test]
fn a_panic_costs_one_answer_and_its_connection() {
    let server = Running::start(Limits::default(), home());
    let mut other = server.connect();
    assert_eq!(other.ask(&get("/")).status, 200);
    for _ in 0..3 {
        let mut unlucky = server.connect();
        // What is pipelined behind it goes with it.
        unlucky.send(&(get("/") + &get("/panic") + &get("/")));
        assert_eq!(unlucky.answer().status, 200);
        let answer = unlucky.answer();
        assert_eq!(answer.status, 500);
        assert_eq!(answer.content, r#"{"detail":"Internal Server Error"}"#);
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(unlucky.rest(), "");
        assert_eq!(other.ask(&get("/")).status, 200);
    }
    server.end();
}

#[test]
fn two_servers_share_a_process() {
    let table = |content: &'static str| {
        Routes::new([Route::open(GET, "/", move |_: &mut Request| Response::text(content))])
    };
    let first = Running::start(Limits::default(), table("first"));
    let second = Running::start(Limits::default(), table("second"));
    assert_ne!(first.address, second.address);
    assert_eq!(first.connect().ask(&get("/")).content, "first");
    assert_eq!(second.connect().ask(&get("/")).content, "second");
    first.end();
    assert_eq!(second.connect().ask(&get("/")).content, "second");
    second.end();
}

#[test]
fn port_0_is_a_port_that_is_told() {
    for address in ["127.0.0.1:0", "localhost:0"] {
        let server = Server::bind(address).unwrap();
        assert_ne!(server.local_addr().port(), 0);
        assert!(server.local_addr().ip().is_loopback());
        // Who connects before it runs waits, and is served.
        let mut early = Client::connect(server.local_addr());
        early.send(&get("/"));
        let server = Running::run(server, home());
        assert_eq!(early.answer().content, "home");
        server.end();
    }
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = Server::bind("127.0.0.1:0").unwrap();
    assert_eq!(Server::bind(taken.local_addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
}

// --- The cap ---

#[test]
fn the_connection_that_is_idle_longest_makes_room() {
    let server = Running::start(Limits { connections: 2, ..Limits::default() }, home());
    let mut connections = [server.connect(), server.connect()];
    for _ in 0..3 {
        for connection in &mut connections {
            assert_eq!(connection.ask(&get("/")).status, 200);
            // It is time that is compared, so time has to pass.
            thread::sleep(Duration::from_millis(20));
        }
        let mut newcomer = server.connect();
        assert_eq!(newcomer.ask(&get("/")).status, 200);
        let [mut longest, other] = connections;
        assert_eq!(longest.rest(), "");
        connections = [other, newcomer];
    }
    server.end();
}

#[test]
fn where_nobody_is_idle_a_newcomer_gets_503() {
    let (routes, handler) = held();
    let server = Running::start(Limits { connections: 2, ..Limits::default() }, routes);
    let mut under_way = [server.connect(), server.connect()];
    for client in &mut under_way {
        client.send(&get("/held"));
        handler.is_under_way();
    }
    for _ in 0..3 {
        let mut newcomer = server.connect();
        let answer = newcomer.answer();
        assert_eq!(answer.status, 503);
        assert_eq!(answer.content, r#"{"detail":"Service Unavailable"}"#);
        assert_eq!(answer.header("Retry-After"), Some("1"));
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(newcomer.rest(), "");
    }
    handler.go_on();
    handler.go_on();
    for client in &mut under_way {
        assert_eq!(client.answer().content.len(), LARGE);
        assert_eq!(client.ask(&get("/")).status, 200, "it was not cut off, and goes on");
    }
    // They are idle now, so one makes room.
    assert_eq!(server.connect().ask(&get("/")).status, 200);
    server.end();
}

// --- The end ---

#[test]
fn a_stop_closes_who_is_idle_and_answers_who_is_not() {
    let (routes, handler) = held();
    let server = Running::start(Limits::default(), routes);
    let mut silent = server.connect();
    let mut idle = server.connect();
    assert_eq!(idle.ask(&get("/")).status, 200);
    let mut in_handler = server.connect();
    in_handler.send(&get("/held"));
    handler.is_under_way();
    // The answer to the first request says that the half of the second is there.
    let mut in_head = server.connect();
    in_head.send(&(get("/") + "GET / HTTP/1.1\r\n"));
    assert_eq!(in_head.answer().status, 200);
    // As does 100 Continue.
    let mut in_content = server.connect();
    in_content.send("POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n");
    in_content.send("Content-Length: 4\r\n\r\n");
    assert_eq!(in_content.answer().status, 100);

    server.stop.stop();
    // A connection's end comes after all of them have been told.
    assert_eq!(idle.rest(), "");
    assert_eq!(silent.rest(), "");
    let refused = TcpStream::connect(server.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    in_head.send("Host: a\r\n\r\n");
    in_content.send("four");
    handler.go_on();
    for (mut client, length) in
        [(in_head, "home".len()), (in_content, "4".len()), (in_handler, LARGE)]
    {
        let answer = client.answer();
        assert_eq!((answer.status, answer.content.len()), (200, length));
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(client.rest(), "");
    }
    server.end();
}

#[test]
fn a_stop_takes_no_answer_back_from_who_has_asked_for_more() {
    let (routes, handler) = held();
    let server = Running::start(Limits::default(), routes);
    let mut idle = server.connect();
    assert_eq!(idle.ask(&get("/")).status, 200);
    let mut client = server.connect();
    client.send(&get("/held"));
    handler.is_under_way();
    client.send(&get("/"));
    server.stop.stop();
    assert_eq!(idle.rest(), "");
    handler.go_on();
    let answer = client.answer();
    assert_eq!((answer.status, answer.content.len()), (200, LARGE));
    assert_eq!(answer.header("Connection"), Some("close"));
    assert_eq!(client.rest(), "");
    server.end();
}

#[test]
fn what_is_left_after_the_grace_time_is_cut_off() {
    let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
    let server = Running::start(limits, home());
    let mut client = server.connect();
    client.send(&(get("/") + "GET / HTTP/1.1\r\n"));
    assert_eq!(client.answer().status, 200);
    server.end();
    client.send_if_it_can("Host: a\r\n\r\n");
    assert!(!client.rest().contains("200 OK"));
}

#[test]
fn a_stop_before_the_run_and_a_second_one_are_stops() {
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

/// More than two sockets' buffers hold, so that it takes a reader.
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

/// What a test knows of, and tells, the handler of `/held`.
struct Handler {
    begun: Receiver<()>,
    go_on: Sender<()>,
}

impl Handler {
    #[track_caller]
    fn is_under_way(&self) {
        self.begun.recv_timeout(PATIENCE).unwrap();
    }

    fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }
}

/// A table with a handler that waits until it is told to go on.
fn held() -> (Routes, Handler) {
    let (entered, begun) = channel();
    let (go_on, wait) = channel();
    let wait = Mutex::new(wait);
    let held = Route::open(GET, "/held", move |_: &mut Request| {
        entered.send(()).unwrap();
        wait.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE).unwrap();
        large()
    });
    let routes = rows().into_iter().chain([held]).collect();
    (routes, Handler { begun, go_on })
}

/// A server that runs.
struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    fn start(limits: Limits, routes: Routes) -> Running {
        Running::run(Server::bind("127.0.0.1:0").unwrap().with_limits(limits), routes)
    }

    fn run(server: Server, routes: Routes) -> Running {
        let (address, stop) = (server.local_addr(), server.stop());
        Running { address, stop, thread: thread::spawn(|| server.run(routes)) }
    }

    fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Stops it, and waits for its end.
    #[track_caller]
    fn end(self) {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    #[track_caller]
    fn send(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// Sends to a server that may have gone.
    fn send_if_it_can(&mut self, bytes: &str) {
        let _ = self.0.get_mut().write_all(bytes.as_bytes());
    }

    #[track_caller]
    fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer()
    }

    /// The next answer.
    #[track_caller]
    fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "closed inside {head:?}");
        }
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect(&head);
        let mut answer =
            Answer { status: status.parse().unwrap(), content: String::new(), head: head.clone() };
        if let Some(length) = answer.header("Content-Length") {
            let mut content = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut content).unwrap();
            answer.content = String::from_utf8(content).unwrap();
        }
        answer
    }

    /// What comes until the server closes. A reset is no close.
    #[track_caller]
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }
}

struct Answer {
    status: u16,
    head: String,
    content: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

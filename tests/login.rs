//! POST /token over sockets and in memory: what RFC 6749 §4.3, §5.1 and §5.2 say
//! of the password grant, and what keeps it from being abused.

#![cfg(feature = "login")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use guardhouse::Method::{GET, POST};
use guardhouse::{
    Account, Limits, Login, LoginLimits, Password, Request, Response, Route, Routes, Server, User,
    Users, exchange, guard,
};

/// `secret`, hashed at so low a cost that tests are quick.
const SECRET: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";

const RIGHT: &str = "grant_type=password&username=ann&password=secret";

fn users() -> Users {
    Users::parse(&format!("ann:{SECRET}:read write\nbob:{SECRET}\ncyd:token-of-cyd\n")).unwrap()
}

fn login(limits: LoginLimits) -> Login {
    let users = users();
    Login::new(limits, move |name| users.account(name))
}

fn routes(login: &Login) -> Routes {
    let (tokens, login) = (login.clone(), login.clone());
    let signed_in = guard::bearer("guardhouse", move |token| tokens.by_token(token));
    Routes::new([
        Route::open(POST, "/token", move |request: &mut Request| login.answer(request)),
        Route::guarded(GET, "/me", signed_in.clone(), |_: &mut Request, user: User| {
            Response::text(format!("{} [{}]", user.name(), user.scopes().join(" ")))
        }),
        Route::guarded(GET, "/write", signed_in.scope("write"), |_: &mut Request, _| {
            Response::text("written")
        }),
        Route::open(GET, "/open", |_: &mut Request| Response::text("open")),
    ])
}

/// What came back: the status, the head as it is, the content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: String,
    content: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Answer {
        let text = str::from_utf8(bytes).unwrap();
        let (head, content) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), content: content.to_owned() }
    }

    /// A string in the content's object.
    fn member(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.content.split_once(&format!("\"{name}\":\""))?;
        rest.split('"').next()
    }

    fn token(&self) -> &str {
        assert_eq!(self.status, 200, "{self:?}");
        self.member("access_token").unwrap()
    }
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn post(headers: &str, form: &str) -> String {
    let length = form.len();
    format!("POST /token HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{form}")
}

fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n")
}

#[track_caller]
fn ask(routes: &Routes, request: &str) -> Answer {
    Answer::of(&exchange(routes, &Limits::default(), [request]))
}

/// The answer to a form.
#[track_caller]
fn ask_for_token(form: &str) -> Answer {
    ask(&routes(&login(LoginLimits::default())), &post(FORM, form))
}

// --- What is granted ---

#[test]
fn name_and_password_give_a_token_that_opens_a_guarded_route() {
    let routes = routes(&login(LoginLimits::default()));
    let answer = ask(&routes, &post(FORM, RIGHT));
    let token = answer.token();
    assert_eq!(token.len(), 64);
    assert_eq!(
        answer.content,
        format!(
            r#"{{"access_token":"{token}","token_type":"bearer","expires_in":3600,"scope":"read write"}}"#
        )
    );
    assert_eq!(ask(&routes, &get("/me", token)).content, "ann [read write]");
    assert_eq!(ask(&routes, &get("/write", token)).content, "written");
    assert_ne!(ask(&routes, &post(FORM, RIGHT)).token(), token, "each login has its own");
}

#[test]
fn every_answer_of_the_token_route_says_that_nobody_may_store_it() {
    for form in [RIGHT, "", "grant_type=x", "username=ann&password=wrong"] {
        let answer = ask_for_token(form);
        assert!(answer.head.contains("\r\nCache-Control: no-store"), "{answer:?}");
        assert!(answer.head.contains("\r\nPragma: no-cache"), "{answer:?}");
        assert!(answer.head.contains("\r\nContent-Type: application/json\r\n"), "{answer:?}");
    }
}

#[test]
fn a_form_is_taken_as_fastapi_takes_it() {
    for form in [
        "username=ann&password=secret",
        "grant_type=&username=ann&password=secret&scope=&client_id=&client_secret=",
        "grant_type=password&username=ann&password=secret&client_id=c&client_secret=s",
        "grant_type=%70assword&username=a%6en&%70assword=secre%74",
    ] {
        ask_for_token(form).token();
    }
    let routes = routes(&login(LoginLimits::default()));
    for headers in [
        "Content-Type: APPLICATION/x-www-form-urlencoded; charset=UTF-8\r\n",
        "Authorization: Basic Yzpz\r\nContent-Type: application/x-www-form-urlencoded\r\n",
    ] {
        ask(&routes, &post(headers, RIGHT)).token();
    }
}

#[test]
fn a_token_has_the_scopes_that_were_asked_for() {
    let routes = routes(&login(LoginLimits::default()));
    let answer = ask(&routes, &post(FORM, &format!("{RIGHT}&scope=read")));
    assert_eq!(answer.member("scope"), Some("read"));
    assert_eq!(ask(&routes, &get("/me", answer.token())).content, "ann [read]");
    assert_eq!(ask(&routes, &get("/write", answer.token())).status, 403);

    let bob = ask(&routes, &post(FORM, "username=bob&password=secret"));
    assert_eq!(bob.member("scope"), None, "there is none to name");
    assert_eq!(ask(&routes, &get("/me", bob.token())).content, "bob []");
}

// --- What is not (RFC 6749 §5.2) ---

#[test]
fn each_error_has_its_code() {
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=password&username=ann", "invalid_request"),
        ("grant_type=password&password=secret", "invalid_request"),
        ("username=&password=secret", "invalid_request"),
        ("username=ann&password=", "invalid_request"),
        ("username=ann&password=%zz", "invalid_request"),
        ("username=ann&password=%ff", "invalid_request"),
        ("username=ann&password=secret&username=ann", "invalid_request"),
        ("username=ann&password=secret&password=", "invalid_request"),
        ("username=ann&password=secret&x=1&x=2", "invalid_request"),
        ("grant_type=client_credentials&username=ann&password=secret", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        ("grant_type=Password&username=ann&password=secret", "unsupported_grant_type"),
        ("username=ann&password=wrong", "invalid_grant"),
        ("username=ann&password=secret%00", "invalid_grant"),
        ("username=ann&password=+secret", "invalid_grant"),
        ("username=Ann&password=secret", "invalid_grant"),
        ("username=cyd&password=token-of-cyd", "invalid_grant"),
        ("username=ann&password=secret&scope=admin", "invalid_scope"),
        ("username=ann&password=secret&scope=read+admin", "invalid_scope"),
        ("username=ann&password=secret&scope=Read", "invalid_scope"),
        ("username=ann&password=secret&scope=read%22", "invalid_scope"),
        ("username=ann&password=wrong&scope=admin", "invalid_grant"),
    ] {
        let answer = ask_for_token(form);
        assert_eq!((answer.status, answer.member("error")), (400, Some(error)), "{form}");
        assert_eq!(answer.member("error_description"), answer.member("detail"), "{form}");
        assert!(!answer.content.contains("secret"), "{answer:?}");
    }
}

#[test]
fn only_a_form_is_a_form() {
    let routes = routes(&login(LoginLimits::default()));
    for headers in [
        "",
        "Content-Type: application/json\r\n",
        "Content-Type: multipart/form-data; boundary=b\r\n",
        "Content-Type: application/x-www-form-urlencoded-not\r\n",
    ] {
        let answer = ask(&routes, &post(headers, RIGHT));
        assert_eq!((answer.status, answer.member("error")), (400, Some("invalid_request")));
    }
    assert_eq!(
        ask(&routes, "GET /token?username=ann&password=secret HTTP/1.0\r\n\r\n").status,
        405
    );
    let with_others = |count| {
        let others: Vec<_> = (0..count).map(|number| format!("x{number}=")).collect();
        post(FORM, &format!("{RIGHT}&{}", others.join("&")))
    };
    assert_eq!(ask(&routes, &with_others(997)).status, 200);
    let too_many = ask(&routes, &with_others(998));
    assert_eq!((too_many.status, too_many.member("error")), (400, Some("invalid_request")));
    let too_large = "POST /token HTTP/1.0\r\nContent-Length: 1048577\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\n";
    assert_eq!(ask(&routes, too_large).status, 413);
}

#[test]
fn a_wrong_name_and_a_wrong_password_get_the_same_answer() {
    let wrong_password = ask_for_token("username=ann&password=wrong");
    let without_date = |answer: &Answer| {
        let lines = answer.head.lines().filter(|line| !line.starts_with("Date: "));
        (lines.map(str::to_owned).collect::<Vec<_>>(), answer.content.clone())
    };
    for form in ["username=eve&password=wrong", "username=cyd&password=wrong"] {
        assert_eq!(without_date(&ask_for_token(form)), without_date(&wrong_password));
    }
}

// --- When it ends ---

#[test]
fn a_token_expires() {
    // At once, so that nobody has to wait for it.
    let limits = LoginLimits { token_lifetime: Duration::ZERO, ..LoginLimits::default() };
    let routes = routes(&login(limits));
    let answer = ask(&routes, &post(FORM, RIGHT));
    assert!(answer.content.contains(r#""expires_in":0"#), "{answer:?}");
    let refused = ask(&routes, &get("/me", answer.token()));
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains(r#"error="invalid_token""#), "{refused:?}");
}

#[test]
fn of_too_many_tokens_the_oldest_expires() {
    let limits = LoginLimits { tokens: 3, ..LoginLimits::default() };
    let routes = routes(&login(limits));
    let tokens: Vec<_> = (0..5).map(|_| ask(&routes, &post(FORM, RIGHT))).collect();
    let statuses: Vec<_> =
        tokens.iter().map(|answer| ask(&routes, &get("/me", answer.token())).status).collect();
    assert_eq!(statuses, [401, 401, 200, 200, 200]);
}

#[test]
fn a_token_ends_with_its_account() {
    let text = Mutex::new(String::new());
    // Leaked: a handler lives as long as the program.
    let text: &'static Mutex<String> = Box::leak(Box::new(text));
    let load = |line: &str| line.clone_into(&mut text.lock().unwrap());
    let login = Login::new(LoginLimits::default(), |name| {
        Users::parse(&text.lock().unwrap()).unwrap().account(name)
    });
    let routes = routes(&login);
    let ann = format!("ann:{SECRET}:read write");
    let other = SECRET.replace("QQCd8VPO", "AAAAAAAA");
    for (new_file, status) in [
        (format!("bob:{SECRET}\n{ann}"), 200),
        (String::new(), 401),
        (format!("ann:{SECRET}:read"), 401),
        (format!("ann:{other}:read write"), 401),
        ("ann:a-token:read write".to_owned(), 401),
    ] {
        load(&ann);
        let answer = ask(&routes, &post(FORM, RIGHT));
        assert_eq!(ask(&routes, &get("/me", answer.token())).status, 200);
        load(&new_file);
        assert_eq!(ask(&routes, &get("/me", answer.token())).status, status, "{new_file}");
    }
}

// --- Guessing is slowed ---

fn send(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    // A server that says nothing fails the test; it does not hang it.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::of(&bytes)
}

#[test]
fn who_guesses_waits_or_is_sent_away_and_nobody_else_waits() {
    // A login is under way for as long as the test wants.
    let (entered, has_entered) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let users = users();
    let limits = LoginLimits { hashes_at_once: 1, waiting: 2, ..LoginLimits::default() };
    let login = Login::new(limits, move |name| {
        entered.send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv();
        users.account(name)
    });
    let server = Server::bind("127.0.0.1:0").unwrap();
    let (address, stop) = (server.local_addr(), server.stop());
    let routes = routes(&login);
    let running = thread::spawn(move || server.run(routes));

    let (answered, answers) = mpsc::channel();
    let guess = || {
        let answered = answered.clone();
        thread::spawn(move || answered.send(send(address, &post(FORM, RIGHT))).unwrap())
    };
    guess();
    has_entered.recv().unwrap();
    // Of three more, two can wait.
    for _ in 0..3 {
        guess();
    }
    let sent_away = answers.recv().unwrap();
    assert_eq!((sent_away.status, sent_away.member("error")), (429, None));
    assert!(sent_away.head.contains("\r\nRetry-After: 1\r\n"), "{sent_away:?}");
    assert!(sent_away.head.contains("\r\nCache-Control: no-store"), "{sent_away:?}");
    assert!(answers.try_recv().is_err(), "the others wait");
    assert_eq!(send(address, "GET /open HTTP/1.0\r\n\r\n").content, "open");

    // Whoever waited is answered.
    drop(go_on);
    for _ in 0..3 {
        answers.recv().unwrap().token();
    }
    assert_eq!(send(address, &post(FORM, RIGHT)).status, 200);
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn a_password_of_full_cost_fits_on_a_connections_stack() {
    let ann = Account::new(User::new("ann", []), Password::hash("secret").unwrap());
    let login = Login::new(LoginLimits::default(), move |name| match name {
        "ann" => ann.clone(),
        _ => Account::nobody(),
    });
    let server = Server::bind("127.0.0.1:0").unwrap();
    let (address, stop) = (server.local_addr(), server.stop());
    let routes = routes(&login);
    let running = thread::spawn(move || server.run(routes));
    assert_eq!(send(address, &post(FORM, RIGHT)).status, 200);
    assert_eq!(send(address, &post(FORM, "username=eve&password=secret")).status, 400);
    stop.stop();
    running.join().unwrap().unwrap();
}

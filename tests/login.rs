//! `POST /token`, in memory and over sockets: what RFC 6749 §4.3, §5.1 and §5.2
//! require of the password grant, and the limits that slow down guessing.

#![cfg(feature = "login")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use std::{env, fs, thread};

use guardhouse::Method::{GET, POST};
use guardhouse::{
    Account, Limits, Login, LoginLimits, Password, Request, Response, Route, Routes, Server,
    TokenKeys, User, Users, exchange, guard,
};

/// The password `secret`, hashed at a low cost so that the tests are quick.
const SECRET: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";

const RIGHT: &str = "grant_type=password&username=ann&password=secret";

fn users() -> Users {
    Users::parse(&format!("ann:{SECRET}:read write\nbob:{SECRET}\ncyd:s3cret-token-of-cyd\n"))
        .unwrap()
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

/// An answer: its status, its whole head, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Answer {
        let text = str::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// A string of the JSON object in the body.
    fn member(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("\"{name}\":\""))?;
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

// --- Tokens ---

#[test]
fn a_name_and_a_password_get_a_token_that_passes_the_guard() {
    let routes = routes(&login(LoginLimits::default()));
    let answer = ask(&routes, &post(FORM, RIGHT));
    let token = answer.token();
    assert_eq!(token.len(), 64);
    assert_eq!(
        answer.body,
        format!(
            r#"{{"access_token":"{token}","token_type":"bearer","expires_in":3600,"scope":"read write"}}"#
        )
    );
    assert_eq!(ask(&routes, &get("/me", token)).body, "ann [read write]");
    assert_eq!(ask(&routes, &get("/write", token)).body, "written");
    assert_ne!(ask(&routes, &post(FORM, RIGHT)).token(), token, "each login gets a new token");
}

#[test]
fn no_answer_of_the_token_route_may_be_stored() {
    for form in [RIGHT, "", "grant_type=x", "username=ann&password=wrong"] {
        let answer = ask_for_token(form);
        assert!(answer.head.contains("\r\nCache-Control: no-store"), "{answer:?}");
        assert!(answer.head.contains("\r\nPragma: no-cache"), "{answer:?}");
        assert!(answer.head.contains("\r\nContent-Type: application/json\r\n"), "{answer:?}");
    }
}

#[test]
fn every_form_that_fastapi_accepts_is_accepted() {
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
fn a_token_has_the_scopes_that_the_form_asks_for() {
    let routes = routes(&login(LoginLimits::default()));
    let answer = ask(&routes, &post(FORM, &format!("{RIGHT}&scope=read")));
    assert_eq!(answer.member("scope"), Some("read"));
    assert_eq!(ask(&routes, &get("/me", answer.token())).body, "ann [read]");
    assert_eq!(ask(&routes, &get("/write", answer.token())).status, 403);

    let bob = ask(&routes, &post(FORM, "username=bob&password=secret"));
    assert_eq!(bob.member("scope"), None, "bob has no scopes");
    assert_eq!(ask(&routes, &get("/me", bob.token())).body, "bob []");
}

// --- Errors (RFC 6749 §5.2) ---

#[test]
fn each_error_has_its_error_code() {
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
        ("username=cyd&password=s3cret-token-of-cyd", "invalid_grant"),
        ("username=ann&password=secret&scope=admin", "invalid_scope"),
        ("username=ann&password=secret&scope=read+admin", "invalid_scope"),
        ("username=ann&password=secret&scope=Read", "invalid_scope"),
        ("username=ann&password=secret&scope=read%22", "invalid_scope"),
        ("username=ann&password=wrong&scope=admin", "invalid_grant"),
    ] {
        let answer = ask_for_token(form);
        assert_eq!((answer.status, answer.member("error")), (400, Some(error)), "{form}");
        assert_eq!(answer.member("error_description"), answer.member("detail"), "{form}");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
}

#[test]
fn only_a_form_in_a_body_is_accepted() {
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
        (lines.map(str::to_owned).collect::<Vec<_>>(), answer.body.clone())
    };
    for form in ["username=eve&password=wrong", "username=cyd&password=wrong"] {
        assert_eq!(without_date(&ask_for_token(form)), without_date(&wrong_password));
    }
}

// --- How long a token is valid ---

#[test]
fn a_token_expires() {
    // The lifetime is zero, so the test does not wait.
    let limits = LoginLimits { token_lifetime: Duration::ZERO, ..LoginLimits::default() };
    let routes = routes(&login(limits));
    let answer = ask(&routes, &post(FORM, RIGHT));
    assert!(answer.body.contains(r#""expires_in":0"#), "{answer:?}");
    let refused = ask(&routes, &get("/me", answer.token()));
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains(r#"error="invalid_token""#), "{refused:?}");
}

#[test]
fn above_the_limit_on_tokens_the_oldest_expires() {
    let limits = LoginLimits { tokens: 3, ..LoginLimits::default() };
    let routes = routes(&login(limits));
    let tokens: Vec<_> = (0..5).map(|_| ask(&routes, &post(FORM, RIGHT))).collect();
    let statuses: Vec<_> =
        tokens.iter().map(|answer| ask(&routes, &get("/me", answer.token())).status).collect();
    assert_eq!(statuses, [401, 401, 200, 200, 200]);
}

// --- Signed tokens ---

/// A file of keys, which is deleted when the test ends.
struct Keys(PathBuf);

impl Keys {
    fn new(lines: &[&str]) -> Keys {
        let number = RandomState::new().hash_one("a new name in each run");
        let keys = Keys(env::temp_dir().join(format!("guardhouse-{number:016x}.keys")));
        keys.write(lines);
        keys
    }

    fn write(&self, lines: &[&str]) {
        fs::write(&self.0, lines.join("\n")).unwrap();
    }

    /// A replica that signs tokens with these keys.
    fn login(&self, users: &'static str, limits: LoginLimits) -> Login {
        let users = Users::parse(users).unwrap();
        let keys = TokenKeys::load(&self.0).unwrap();
        Login::signed(limits, keys, move |name| users.account(name))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const NEXT_KEY: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const ANN: &str = "ann:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$\
                   QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A:read write";

#[test]
fn every_replica_with_the_same_keys_accepts_a_signed_token() {
    let keys = Keys::new(&[KEY]);
    let replica = || routes(&keys.login(ANN, LoginLimits::default()));
    let answer = ask(&replica(), &post(FORM, &format!("{RIGHT}&scope=read")));
    assert_eq!(answer.token().split('.').count(), 3, "a JWT");
    // Another replica, or the same one after a restart.
    assert_eq!(ask(&replica(), &get("/me", answer.token())).body, "ann [read]");
    assert_eq!(ask(&replica(), &get("/write", answer.token())).status, 403);
    let in_memory = routes(&login(LoginLimits::default()));
    assert_eq!(ask(&in_memory, &get("/me", answer.token())).status, 401);
}

#[test]
fn a_signed_token_says_who_has_it_and_until_when_as_others_read_it() {
    let keys = Keys::new(&[KEY]);
    let answer = ask(&routes(&keys.login(ANN, LoginLimits::default())), &post(FORM, RIGHT));
    let python = "import base64, json, sys\n\
                  head, claims, _ = sys.argv[1].split('.')\n\
                  read = lambda part: json.loads(base64.urlsafe_b64decode(part + '=='))\n\
                  head, claims = read(head), read(claims)\n\
                  print(head['alg'], claims['sub'], claims['scope'], claims['exp'] - claims['iat'])";
    let Ok(read) = Command::new("python3").args(["-c", python, answer.token()]).output() else {
        return println!("skipped: python3 is not installed");
    };
    assert_eq!(String::from_utf8(read.stdout).unwrap(), "HS256 ann read write 3600\n");
}

#[test]
fn a_signed_token_is_valid_until_it_expires_or_its_account_changes() {
    let keys = Keys::new(&[KEY]);
    let token = |limits| {
        let answer = ask(&routes(&keys.login(ANN, limits)), &post(FORM, RIGHT));
        answer.token().to_owned()
    };
    let expired = token(LoginLimits { token_lifetime: Duration::ZERO, ..LoginLimits::default() });
    let good = token(LoginLimits::default());
    let status = |users: String, token: &str| {
        let routes = routes(&keys.login(Box::leak(users.into_boxed_str()), LoginLimits::default()));
        ask(&routes, &get("/me", token)).status
    };
    assert_eq!((status(ANN.into(), &good), status(ANN.into(), &expired)), (200, 401));
    for users in [
        String::new(),
        ANN.replace("ann:", "bob:"),
        ANN.replace("read write", "read"),
        ANN.replace("QQCd8VPO", "AAAAAAAA"),
        format!("{ANN}:2999-12-31"),
        format!("{ANN}:2026-01-01"),
        "ann:a-token-of-ann-now:read write".to_owned(),
    ] {
        assert_eq!(status(users.clone(), &good), 401, "{users}");
    }
    assert_eq!(status(format!("bob:a-new-token-of-bob\n{ANN}"), &good), 200);
}

#[test]
fn keys_are_exchanged_one_after_the_other_without_losing_a_login() {
    let keys = Keys::new(&[KEY]);
    let login = keys.login(ANN, LoginLimits::default());
    let routes = routes(&login);
    let status = |token: &str| ask(&routes, &get("/me", token)).status;
    let old = ask(&routes, &post(FORM, RIGHT)).token().to_owned();
    // Each line of this is one step of the operator, at all replicas.
    for (lines, count, old_is) in
        [(&[KEY, NEXT_KEY][..], 2, 200), (&[NEXT_KEY, KEY], 2, 200), (&[NEXT_KEY], 1, 401)]
    {
        keys.write(lines);
        assert_eq!(login.keys().unwrap().reload().unwrap(), count);
        assert_eq!(status(&old), old_is, "{lines:?}");
        let new = ask(&routes, &post(FORM, RIGHT)).token().to_owned();
        assert_eq!(status(&new), 200, "{lines:?}");
    }
    keys.write(&[]);
    assert!(login.keys().unwrap().reload().is_err());
    let new = ask(&routes, &post(FORM, RIGHT)).token().to_owned();
    assert_eq!(status(&new), 200, "the old keys stay");
}

#[test]
fn a_token_is_valid_until_its_account_changes() {
    let text = Mutex::new(String::new());
    // Leaked, because a handler needs `'static` data.
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
        ("ann:a-token-of-ann-now:read write".to_owned(), 401),
    ] {
        load(&ann);
        let answer = ask(&routes, &post(FORM, RIGHT));
        assert_eq!(ask(&routes, &get("/me", answer.token())).status, 200);
        load(&new_file);
        assert_eq!(ask(&routes, &get("/me", answer.token())).status, status, "{new_file}");
    }
}

// --- The hashes of a users file ---

#[test]
fn a_hash_that_can_never_match_is_refused_with_the_number_of_its_line() {
    let parsed =
        |hash: &str| Users::parse(&format!("# the team\nbob:{SECRET}\n\nann:{hash}:read\n"));
    assert_eq!(parsed(SECRET).unwrap().len(), 2);
    for (part, instead, says) in [
        ("m=8,t=1,p=1", "m=8,t=1", "each once"),
        ("m=8,t=1,p=1", "m=8,p=1", "each once"),
        ("m=8,t=1,p=1", "t=1,p=1", "each once"),
        ("m=8,", "m=8,m=8,", "each once"),
        ("p=1", "p=1,p=1", "each once"),
        ("p=1", "p=1,data=AAAA", "each once"),
        ("m=8", "m=08", "each once"),
        ("m=8", "m=7", "no such cost"),
        ("t=1", "t=0", "no such cost"),
        ("m=8", "m=262145", "costs too much"),
        ("t=1", "t=131073", "costs too much"),
        ("m=8,t=1,p=1", "m=8192,t=1,p=1024", "p may be 16"),
        ("v=19", "v=16", "v=19"),
        ("$v=19", "", "v=19"),
        ("argon2id", "argon2i", "only Argon2id"),
        ("c29tZXNhbHQ", "c29t", "salt"),
        ("c29tZXNhbHQ", "c29tZXNhbHQ=", "salt"),
        ("NEuj1A", "NEuj1A==", "Base64"),
        ("argon2id", "scrypt", "a scrypt hash"),
        ("$m=8,t=1,p=1$c29tZXNhbHQ", "", "each once"),
        ("$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A", "", "the end of the pass"),
        ("$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A", "", "the end of the password's hash"),
    ] {
        let error = parsed(&SECRET.replace(part, instead)).unwrap_err().to_string();
        assert!(error.starts_with("line 4: ") && error.contains(says), "{part} {instead}: {error}");
        assert!(!error.contains("QQCd8VPO") && !error.contains("c29tZXNhbHQ"), "{error}");
    }
}

/// 200 MB of address space.
#[cfg(unix)]
const LITTLE_MEMORY: &str = "ulimit -v 200000";

/// The program itself, with little memory: 256 MiB for a hash is more than it can get.
#[cfg(unix)]
#[test]
fn without_memory_for_a_hash_a_login_gets_503_and_the_log_has_an_error() {
    // Some systems have no such limit.
    if !Command::new("sh").args(["-c", LITTLE_MEMORY]).status().unwrap().success() {
        eprintln!("skipped: this system's shell has no ulimit -v");
        return;
    }
    // No password matches this hash. The test is only about its size.
    let large = SECRET.replace("m=8", "m=262144");
    let server = Limited::start(&format!("ann:{large}\nbob:{SECRET}\n"));
    for form in ["username=ann&password=secret", "username=eve&password=secret"] {
        let answer = send(server.address, &post(FORM, form));
        assert_eq!((answer.status, answer.member("error")), (503, None), "{form}");
        assert_eq!(answer.member("detail"), Some("The password can't be checked now"));
        assert!(answer.head.contains("\r\nRetry-After: 1\r\n"), "{answer:?}");
        assert!(answer.head.contains("\r\nCache-Control: no-store"), "{answer:?}");
    }
    // Other logins go on.
    send(server.address, &post(FORM, "username=bob&password=secret")).token();
    assert_eq!(send(server.address, &post(FORM, "username=bob&password=wrong")).status, 400);
    let log = server.stop();
    let errors: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 2, "{log}");
    assert!(errors[0].contains("a password can't be checked: out of memory"), "{log}");
    assert!(
        log.contains(
            "have 2 different costs (m=262144,t=1,p=1; m=8,t=1,p=1). The first takes longest"
        ),
        "{log}"
    );
}

/// The program with little memory, and with a users file.
#[cfg(unix)]
struct Limited {
    process: Child,
    address: SocketAddr,
    users: PathBuf,
}

#[cfg(unix)]
impl Limited {
    fn start(users: &str) -> Limited {
        let number = RandomState::new().hash_one("a new name in each run");
        let path = env::temp_dir().join(format!("guardhouse-{number:016x}.logins"));
        fs::write(&path, users).unwrap();
        let limited = format!(r#"{LITTLE_MEMORY} && exec "$0" "$@""#);
        let mut process = Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_guardhouse")])
            .args(["--listen", "127.0.0.1:0", "--users"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim_end().strip_prefix("listening on http://").expect(&ready);
        Limited { address: address.parse().unwrap(), process, users: path }
    }

    /// Stops the server, and returns its log.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(self.process.wait().unwrap().success(), "{log}");
        log
    }
}

#[cfg(unix)]
impl Drop for Limited {
    fn drop(&mut self) {
        // This fails if the process has ended, as it should.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.users);
    }
}

// --- Guessing is slow ---

fn send(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    // If the server does not answer, the test fails instead of hanging.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::of(&bytes)
}

#[test]
fn logins_wait_or_get_429_and_other_requests_do_not_wait() {
    // The test decides how long the first login takes.
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
    // Of three more logins, two can wait.
    for _ in 0..3 {
        guess();
    }
    let refused = answers.recv().unwrap();
    assert_eq!((refused.status, refused.member("error")), (429, None));
    assert!(refused.head.contains("\r\nRetry-After: 1\r\n"), "{refused:?}");
    assert!(refused.head.contains("\r\nCache-Control: no-store"), "{refused:?}");
    assert!(answers.try_recv().is_err(), "the other logins wait");
    assert_eq!(send(address, "GET /open HTTP/1.0\r\n\r\n").body, "open");

    // The logins that waited get their tokens.
    drop(go_on);
    for _ in 0..3 {
        answers.recv().unwrap().token();
    }
    assert_eq!(send(address, &post(FORM, RIGHT)).status, 200);
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn hashing_at_full_cost_fits_on_the_stack_of_a_connection() {
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

//! The program from outside: its sockets and signals, what it prints, and its
//! exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

const INVALID: &str = concat!(
    r#"Bearer realm="guardhouse", error="invalid_token", "#,
    r#"error_description="the access token is malformed, unknown or expired""#
);

/// Path, token, the body of a 200, the detail of a 401 for a wrong token.
const GUARDED: [(&str, &str, &str, &str); 4] = [
    (
        "/protected",
        "fake-super-secret-token",
        r#"{"message":"Hello user1! This is a protected route."}"#,
        "Invalid authentication credentials",
    ),
    (
        "/dashboard",
        "valid-token",
        r#"{"message":"Welcome user123 to your dashboard."}"#,
        "Invalid token",
    ),
    ("/users/me", "validtoken", r#"{"username":"user1"}"#, "Invalid token"),
    ("/admin", "secret", r#"{"user":"admin"}"#, "Unauthorized"),
];

/// Every answer of a route with a guard has it.
const NO_STORE: &str = "Cache-Control: no-store\r\n";

// --- The lesson's table, byte for byte ---

#[test]
fn an_open_route_answers_everyone() {
    let server = Running::start(&[]);
    for (path, headers, body) in [
        ("/open", "", r#"{"message":"Anyone can see this."}"#),
        ("/secure", NO_STORE, r#"{"message":"Only verified users."}"#),
    ] {
        let answer = server.get(path, "");
        assert_eq!(answer, json("200 OK", headers, body), "{path}");
        // An open route ignores credentials.
        assert_eq!(server.get(path, "Authorization: Bearer wrong\r\n"), answer, "{path}");
    }
}

#[test]
fn a_guarded_route_answers_requests_with_its_token() {
    let server = Running::start(&[]);
    for (path, token, body, _) in GUARDED {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let answer = server.get(path, &format!("Authorization: {scheme} {token}\r\n"));
            assert_eq!(answer, json("200 OK", NO_STORE, body), "{path}");
        }
    }
}

#[test]
fn a_guarded_route_refuses_all_other_requests() {
    let server = Running::start(&[]);
    for (path, token, _, detail) in GUARDED {
        let missing = json(
            "401 Unauthorized",
            &format!("{NO_STORE}WWW-Authenticate: Bearer realm=\"guardhouse\"\r\n"),
            r#"{"detail":"Not authenticated"}"#,
        );
        let target = format!("{path}?token={token}&access_token={token}");
        assert_eq!(server.get(path, ""), missing, "{path}");
        assert_eq!(server.get(&target, ""), missing, "{target}");
        for credentials in [format!("Basic {token}"), token.to_owned(), String::new()] {
            let header = format!("Authorization: {credentials}\r\n");
            assert_eq!(server.get(path, &header), missing, "{path} {credentials}");
        }
        let invalid = json(
            "401 Unauthorized",
            &format!("{NO_STORE}WWW-Authenticate: {INVALID}\r\n"),
            &format!(r#"{{"detail":"{detail}"}}"#),
        );
        for token in ["", "wrong", &token.to_uppercase(), &format!("{token} ."), "\"a\""] {
            let header = format!("Authorization: Bearer {token}\r\n");
            assert_eq!(server.get(path, &header), invalid, "{path} {token}");
        }
        let twice = format!("Authorization: Bearer {token}\r\n").repeat(2);
        assert!(server.get(path, &twice).starts_with("HTTP/1.1 400 Bad Request\r\n"), "{path}");
    }
}

/// A proxy may keep the client's method, and the length of a body that it does not send.
#[test]
fn auth_takes_every_method_and_waits_for_no_body() {
    let server = Running::start(&["--log-level", "info"]);
    let next = "GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for method in ["GET", "POST", "PROPFIND", "LOCK", "PURGE", "M-SEARCH"] {
        for (token, status) in [("secret", "204"), ("wrong", "401")] {
            let ask = |headers: &str| {
                let head = format!("{method} /auth HTTP/1.1\r\nHost: a\r\n{headers}");
                format!("{head}Authorization: Bearer {token}\r\n\r\n{next}")
            };
            // Without a body the connection stays open.
            let answers = server.exchange(&ask(""));
            assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{method}: {answers}");
            assert!(answers.contains("HTTP/1.1 200 OK\r\n"), "{method}: {answers}");
            assert!(answers.contains("\r\nCache-Control: no-store\r\n"), "{method}: {answers}");
            for body in [
                "Content-Length: 5\r\n",
                "Content-Length: 1048577\r\n",
                "Content-Length: 18446744073709551615\r\n",
                "Transfer-Encoding: chunked\r\n",
                "Content-Length: 5\r\nExpect: 100-continue\r\n",
            ] {
                let answer = server.exchange(&ask(body));
                let begin = format!("HTTP/1.1 {status} ");
                assert!(answer.starts_with(&begin), "{method} {body}: {answer}");
                assert!(answer.contains("\r\nConnection: close\r\n"), "{method} {body}: {answer}");
                assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{method} {body}: {answer}");
            }
        }
    }
    let log = server.stop("TERM").stderr;
    let line = r#"127.0.0.1 - admin […] "PROPFIND /auth HTTP/1.1" 204 0"#;
    assert!(access_lines(&log).iter().any(|logged| logged == line), "{log}");
}

/// At info the log says that a request was refused, and at debug why.
#[test]
fn the_log_shows_each_request_line_and_why_a_request_was_refused() {
    let server = Running::start(&["--log-level", "debug"]);
    server.exchange("GET /open HTTP/1.1\r\n\r\n");
    server.exchange("GET /open HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n");
    server.exchange(&format!("GET /open HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(100)));
    server.exchange(&format!("GET /open HTTP/1.1\r\nX: {}", "x".repeat(17_000)));
    server.exchange("GET /open HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n");
    server.exchange("BREW /open HTTP/1.1\r\nHost: a\r\n\r\n");
    server.exchange("GET /open HTTP/3.0\r\nHost: a\r\n\r\n");
    server.exchange("nonsense\r\n\r\n");
    let log = server.stop("TERM").stderr;
    let statuses = ["400 26", "400 33", "431 28", "431 34", "400 43", "501 27", "505 37"];
    let mut lines: Vec<String> = statuses
        .iter()
        .map(|status| format!("127.0.0.1 - - […] \"GET /open HTTP/1.1\" {status}"))
        .collect();
    lines[5] = lines[5].replace("GET", "BREW");
    lines[6] = lines[6].replace("1.1\"", "3.0\"");
    lines.push("127.0.0.1 - - […] \"-\" 400 35".to_owned());
    assert_eq!(access_lines(&log), lines);
    for reason in [
        "is answered with 400: no Host field\n",
        "is answered with 400: malformed field line\n",
        "is answered with 431: too many fields\n",
        "is answered with 431: the head is too large\n",
        "is answered with 400: malformed Content-Length field\n",
        "is answered with 505: unsupported HTTP version\n",
        "is answered with 400: malformed request line\n",
    ] {
        assert_eq!(log.matches(reason).count(), 1, "{reason} in {log}");
    }
}

#[test]
fn requests_outside_the_table_get_404_or_405() {
    let server = Running::start(&[]);
    let not_found = json("404 Not Found", "", r#"{"detail":"Not Found"}"#);
    assert_eq!(server.get("/nope", ""), not_found);
    let not_allowed = json(
        "405 Method Not Allowed",
        "Allow: GET, HEAD, OPTIONS\r\n",
        r#"{"detail":"Method Not Allowed"}"#,
    );
    for path in ["/open", "/secure", "/protected", "/dashboard", "/users/me", "/admin"] {
        let request = |method: &str| format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(server.exchange(&request("POST")), not_allowed, "{path}");
        assert_eq!(
            server.exchange(&request("OPTIONS")),
            "HTTP/1.1 204 No Content\r\nDate: …\r\nAllow: GET, HEAD, OPTIONS\r\n\r\n",
            "{path}"
        );
    }
}

#[test]
fn head_answers_like_get_without_the_body() {
    let server = Running::start(&[]);
    for (path, token, ..) in GUARDED {
        for headers in [String::new(), format!("Authorization: Bearer {token}\r\n")] {
            let get = server.get(path, &headers);
            let (head, _) = get.split_once("\r\n\r\n").unwrap();
            let answer =
                server.exchange(&format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
            assert_eq!(answer, format!("{head}\r\n\r\n"), "{path}");
        }
    }
}

// --- The command ---

#[test]
fn stdout_has_one_line_which_says_where_the_server_listens() {
    let server = Running::start(&[]);
    let port = server.address.strip_prefix("127.0.0.1:").expect("the address asked for");
    assert!(port.parse::<u16>().is_ok_and(|port| port != 0), "{port}");
    assert!(server.get("/open", "").starts_with("HTTP/1.1 200 OK\r\n"));
    let ended = server.stop("TERM");
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(0), ""));
}

#[test]
fn three_hundred_connections_wait_until_the_server_accepts_them() {
    const CLIENTS: usize = 300;
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    match most.as_deref().map(|most| most.trim().parse::<usize>()) {
        Ok(Ok(most)) if most > CLIENTS => {}
        most => return println!("skipped: the system lets only {most:?} connections wait"),
    }
    let server = Running::start(&[]);
    // While the process is stopped, it accepts nothing; the kernel keeps a queue.
    server.signal("STOP");
    let address = server.address.parse().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(900));
    let clients: Result<Vec<TcpStream>, _> = (0..CLIENTS).map(|_| connect()).collect();
    server.signal("CONT");
    for mut client in clients.expect("the queue has room for all clients") {
        client.write_all(b"GET /open HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[test]
fn sigterm_and_sigint_stop_the_server_with_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let server = Running::start(&[]);
        let mut idle = server.connect();
        assert_eq!(server.stop(signal).status.code(), Some(0), "{signal}");
        assert_eq!(idle.read(&mut [0]).unwrap(), 0, "{signal}: closed, not reset");
    }
}

#[test]
fn wrong_usage_gets_exit_code_2_and_a_text_that_helps() {
    for (arguments, says) in [
        (&["--nope"][..], "unknown option \"--nope\""),
        (&["-x"], "unknown option \"-x\""),
        (&["8000"], "unexpected argument \"8000\""),
        (&["--listen"], "--listen needs a value"),
        (&["--log-level"], "--log-level needs a value"),
        (
            &["--log-level=loud"],
            "\"loud\" is not a log level: use off, error, warn, info, debug or trace",
        ),
        (&["--version=1"], "--version takes no value"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert_eq!(
            text(&output.stderr),
            format!("guardhouse: {says}\nTry: guardhouse --help\n"),
            "{arguments:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_wrong_usage() {
    use std::os::unix::ffi::OsStrExt;
    let output = run(&[OsStr::from_bytes(b"--listen=\xff")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "guardhouse: an argument is not UTF-8\nTry: guardhouse --help\n"
    );
}

#[test]
fn an_address_that_cannot_be_used_gets_exit_code_1_and_advice() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (address, advice) in [
        (&*taken, "stop what listens there, or choose another port: --listen 127.0.0.1:0"),
        ("127.0.0.1:65536", "give a host and a port: --listen 127.0.0.1:8000"),
        ("127.0.0.1", "give a host and a port: --listen 127.0.0.1:8000"),
        // TEST-NET-1 (RFC 5737): no machine has this address.
        ("192.0.2.1:0", "this machine does not have that address: try 127.0.0.1 or 0.0.0.0"),
    ] {
        let output = run(&["--listen", address]);
        assert_eq!(output.status.code(), Some(1), "{address}");
        assert_eq!(text(&output.stdout), "", "{address}");
        let stderr = text(&output.stderr);
        let begin = format!("guardhouse: can't listen on \"{address}\": ");
        assert!(stderr.starts_with(&begin), "{stderr}");
        assert!(stderr.ends_with(&format!("\n{advice}\n")), "{stderr}");
    }
}

#[test]
fn help_and_version_and_routes_go_to_stdout() {
    let version = concat!("guardhouse ", env!("CARGO_PKG_VERSION"), "\n");
    for (arguments, begin) in [
        (["--help"], "A minimal HTTP/1.1 server whose routes are protected by guards.\n\nUsage: "),
        (["-h"], "A minimal HTTP/1.1 server whose routes are protected by guards.\n\nUsage: "),
        (["--version"], version),
        (["-V"], version),
        (["--routes"], "METHOD  PATH           GUARD "),
    ] {
        let output = run(&arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
        assert!(text(&output.stdout).starts_with(begin), "{}", text(&output.stdout));
    }
}

#[test]
fn the_route_table_names_guards_and_where_clients_get_tokens() {
    let output = run(&["--routes"]);
    let rows: Vec<Vec<&str>> =
        text(&output.stdout).lines().map(|row| row.split_whitespace().collect()).collect();
    let bearer = if cfg!(feature = "login") { "Bearer from /token" } else { "Bearer" };
    for row in [
        "GET /open open Anyone may see this.".to_owned(),
        "GET /secure verify_user Behind a guard that lets everyone pass.".to_owned(),
        format!("GET /protected {bearer} Greets the user whose token it is."),
        format!("any /auth Basic or {bearer} Tells a proxy whose token it is, and checks ?scope=."),
    ] {
        assert!(rows.iter().any(|words| words.join(" ") == row), "{row}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_gets_exit_code_1() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&["--help"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("guardhouse: can't write to stdout: "), "{stderr}");
}

// --- The log ---

#[test]
fn the_log_warns_of_tokens_that_cross_a_network_without_encryption() {
    for (address, warns) in [("127.0.0.1:0", false), ("0.0.0.0:0", true)] {
        let server = Running::start(&["--listen", address]);
        assert!(server.get("/open", "").starts_with("HTTP/1.1 200 OK\r\n"));
        let log = server.stop("TERM").stderr;
        assert_eq!(log.contains("clients send their tokens to 0.0.0.0:"), warns, "{log}");
    }
}

#[test]
fn the_log_says_where_the_docs_page_is() {
    for address in ["127.0.0.1:0", "0.0.0.0:0"] {
        let server = Running::start(&["--listen", address, "--log-level", "info"]);
        let log = server.stop("TERM").stderr;
        let line = log.lines().find(|line| line.contains("the routes are at ")).expect("a line");
        let (_, page) = line.split_once("http://").expect("an address");
        let (host, rest) = page.split_once(':').expect("a port");
        assert_eq!(host, if address.starts_with('0') { "localhost" } else { "127.0.0.1" });
        let port: u16 = rest.strip_suffix("/docs").expect("the page").parse().expect("a port");
        assert_ne!(port, 0);
    }
}

#[test]
fn a_client_of_ipv4_is_logged_with_its_own_address_on_a_socket_of_both_families() {
    if TcpListener::bind("[::]:0").is_err() {
        return println!("skipped: this machine has no IPv6");
    }
    let mut server = Running::start(&["--listen", "[::]:0"]);
    let port = server.address.rsplit(':').next().expect("a port");
    server.address = format!("127.0.0.1:{port}");
    if TcpStream::connect(&server.address).is_err() {
        return println!("skipped: a listener for IPv6 does not take IPv4 here");
    }
    server.get("/protected", "Authorization: Bearer fake-super-secret-token\r\n");
    let log = server.stop("TERM").stderr;
    let line = r#"127.0.0.1 - user1 […] "GET /protected HTTP/1.1" 200 53"#;
    assert_eq!(access_lines(&log), [line], "{log}");
}

#[test]
fn probes_are_logged_at_debug_only() {
    for (level, logged) in [("info", 0), ("debug", 3)] {
        let server = Running::start(&["--log-level", level]);
        for path in ["/healthz", "/readyz", "/open"] {
            assert!(server.get(path, "").starts_with("HTTP/1.1 200 OK\r\n"), "{path}");
        }
        server.exchange("HEAD /healthz HTTP/1.0\r\n\r\n");
        // What no probe does is shown.
        server.exchange("POST /healthz HTTP/1.0\r\n\r\n");
        let log = server.stop("TERM").stderr;
        let lines = access_lines(&log);
        let probes = lines.iter().filter(|line| line.contains("z HTTP/1."));
        let probes = probes.filter(|line| line.contains(" 200 ")).count();
        assert_eq!(probes, logged, "{log}");
        assert_eq!(lines.len(), logged + 2, "{log}");
    }
}

#[test]
fn each_request_gets_a_line_in_the_common_log_format() {
    let server = Running::start(&["--log-level", "info"]);
    server.get("/open?a=b", "");
    for (path, token, ..) in GUARDED {
        server.get(path, &format!("Authorization: Bearer {token}\r\n"));
    }
    server.get("/admin", "");
    server.get("/admin", "Authorization: Bearer wrong\r\n");
    server.exchange("HEAD /open HTTP/1.0\r\n\r\n");
    server.exchange("GET /open\r\n\r\n");
    assert_eq!(
        access_lines(&server.stop("TERM").stderr),
        [
            r#"127.0.0.1 - - […] "GET /open HTTP/1.1" 200 34"#,
            r#"127.0.0.1 - user1 […] "GET /protected HTTP/1.1" 200 53"#,
            r#"127.0.0.1 - user123 […] "GET /dashboard HTTP/1.1" 200 48"#,
            r#"127.0.0.1 - user1 […] "GET /users/me HTTP/1.1" 200 20"#,
            r#"127.0.0.1 - admin […] "GET /admin HTTP/1.1" 200 16"#,
            r#"127.0.0.1 - - […] "GET /admin HTTP/1.1" 401 30"#,
            r#"127.0.0.1 - - […] "GET /admin HTTP/1.1" 401 25"#,
            r#"127.0.0.1 - - […] "HEAD /open HTTP/1.0" 200 0"#,
            r#"127.0.0.1 - - […] "-" 400 35"#,
        ]
    );
}

#[test]
fn only_lines_of_the_access_log_have_nothing_in_front() {
    let server = Running::start(&["--log-level", "trace"]);
    server.get("/open", "");
    server.exchange("nonsense\r\n\r\n");
    let log = server.stop("TERM").stderr;
    let levels = ["ERROR [", "WARN  [", "INFO  [", "DEBUG [", "TRACE ["];
    let has_level = |line: &&str| levels.iter().any(|level| line.starts_with(level));
    let (others, access): (Vec<&str>, Vec<&str>) = log.lines().partition(has_level);
    assert_eq!(access.len(), 2, "{log}");
    assert_eq!(access_lines(&log).len(), 2, "{log}");
    assert!(others[0].starts_with("WARN  [guardhouse] no --users file"), "{log}");
    assert!(others.iter().all(|line| line.contains(" [guardhouse")), "{log}");
}

/// Both get the status 400: RFC 6749 §5.2 has it for a wrong password as well.
#[cfg(feature = "login")]
#[test]
fn the_log_tells_a_failed_login_from_a_malformed_one() {
    // The password `secret`, hashed at a low cost.
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";
    let file = std::env::temp_dir().join(format!("guardhouse-logins-{}", std::process::id()));
    std::fs::write(&file, format!("ann:{hash}\n")).unwrap();
    let server = Running::start(&["--users", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    let log_in = |form: &str| {
        let length = form.len();
        let answer = server.exchange(&format!(
            "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
        ));
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    // Failed logins, malformed ones, a scope that the user does not have, a login.
    for failed in ["username=ann&password=guess", "username=eve&password=secret"] {
        assert_eq!(log_in(failed), "400");
    }
    for malformed in ["", "username=ann", "username=ann&password=%", "password=a&password=b"] {
        assert_eq!(log_in(malformed), "400");
    }
    assert_eq!(log_in("username=ann&password=secret&scope=admin"), "400");
    assert_eq!(log_in("username=ann&password=secret"), "200");
    let log = server.stop("TERM").stderr;
    let failed = "INFO  [guardhouse::login] failed login from 127.0.0.1 [";
    let failures: Vec<_> = log.lines().filter_map(|line| line.strip_prefix(failed)).collect();
    assert_eq!(failures.len(), 2, "{log}");
    for time in failures {
        // As in the lines of requests: `06/Nov/1994:08:49:37 +0000`.
        assert!(time.len() == 27 && time.ends_with(" +0000]"), "{log}");
    }
    assert_eq!(access_lines(&log).len(), 8, "{log}");
    assert!(!log.contains("guess") && !log.contains("eve"), "{log}");
}

#[test]
fn no_log_level_shows_a_token() {
    let server = Running::start(&["--log-level", "trace"]);
    for (path, token, ..) in GUARDED {
        for name in ["Authorization: Bearer", "Authorization: Basic", "X-Token:", "Authorization:"]
        {
            server.get(&format!("{path}?token={token}"), &format!("{name} {token}\r\n"));
        }
        let header = format!("Authorization: Bearer {token}\r\n");
        server.get(path, &header.repeat(2));
        server.exchange(&format!("GET {path}?{token} HTTP/1.1\r\n{header}\r\n"));
        server.exchange(&format!("{token} {path} HTTP/1.1\r\nHost: a\r\n{header}\r\n"));
        server.exchange(&format!("GET {path} HTTP/9.9\r\nHost: a\r\n{header}\r\n"));
    }
    let log = server.stop("TERM").stderr;
    assert_eq!(access_lines(&log).len(), GUARDED.len() * 8);
    for (_, token, ..) in GUARDED {
        assert!(!log.contains(token), "{token} in {log}");
    }
}

#[test]
fn a_peer_cannot_forge_a_line_of_the_log() {
    let server = Running::start(&["--log-level", "trace"]);
    let forged = "127.0.0.1 - admin [01/Jan/2030:00:00:00 +0000] \"GET /admin HTTP/1.1\" 200 16";
    let requests = [
        format!("GET /a%0d%0a{} HTTP/1.1\r\nHost: a\r\n\r\n", forged.replace(' ', "%20")),
        "GET /\"%20200%201\\ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        format!("GET /\r{forged} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /\n{forged} HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /\u{202e}\u{85}\u{2028} HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \n{forged}\r\n\r\n"),
        "\x1b]0;title\x07 / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    ];
    for request in &requests {
        server.exchange(request);
    }
    let log = server.stop("TERM").stderr;
    let lines = access_lines(&log);
    assert_eq!(lines.len(), requests.len(), "{log}");
    for line in &lines {
        assert!(line.starts_with("127.0.0.1 - - […] \""), "{line}");
        assert!(line.ends_with("\" 404 22") || line.contains("\" 400 "), "{line}");
        let quotes = line.matches('"').count() - line.matches("\\\"").count();
        assert_eq!(quotes, 2, "{line}");
    }
    let quoted = r#"127.0.0.1 - - […] "GET /\"%20200%201\\ HTTP/1.1" 404 22"#;
    assert!(lines.iter().any(|line| line == quoted), "{log}");
    assert!(log.chars().all(|character| character == '\n' || !character.is_control()), "{log:?}");
}

#[test]
fn a_closed_log_does_not_harm_requests() {
    let mut server = Running::start(&["--log-level", "info"]);
    drop(server.process.stderr.take());
    for _ in 0..3 {
        for (path, token, body, _) in GUARDED {
            let answer = server.get(path, &format!("Authorization: Bearer {token}\r\n"));
            assert_eq!(answer, json("200 OK", NO_STORE, body), "{path}");
        }
        // Two requests on one connection: the connection stays open.
        let twice = "GET /open HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
        assert_eq!(server.exchange(&twice).matches("HTTP/1.1 200 OK").count(), 2);
        assert!(server.exchange("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    }
    assert_eq!(server.stop("TERM").status.code(), Some(0));
}

// --- Helpers ---

/// A server process. It is killed if the test ends first.
struct Running {
    process: Child,
    stdout: BufReader<std::process::ChildStdout>,
    address: String,
}

struct Ended {
    status: ExitStatus,
    /// What came after the line that says where the server listens.
    stdout: String,
    stderr: String,
}

impl Running {
    /// Starts the server, and returns when it listens.
    #[track_caller]
    fn start(arguments: &[&str]) -> Running {
        let mut process = command(&["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let address = ready.strip_prefix("listening on http://");
        let address = address.and_then(|rest| rest.strip_suffix('\n')).expect(&ready).to_owned();
        Running { process, stdout, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        // So that a test without an answer fails, and does not hang.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends this, and returns the whole answer, with the date masked.
    #[track_caller]
    fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_inclusive("\r\n").map(mask_date).collect()
    }

    #[track_caller]
    fn get(&self, target: &str, headers: &str) -> String {
        self.exchange(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address))
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let kill = Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap();
        assert!(kill.success());
    }

    /// Sends a signal, and waits until the process ends.
    fn stop(mut self, signal: &str) -> Ended {
        self.signal(signal);
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let Some(mut pipe) = self.process.stderr.take() {
            pipe.read_to_string(&mut stderr).unwrap();
        }
        self.stdout.read_to_string(&mut stdout).unwrap();
        Ended { status: self.process.wait().unwrap(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // This fails if the process has ended, as it should.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardhouse"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    command(arguments).output().unwrap()
}

#[track_caller]
fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// A whole answer with JSON. `headers` come after those that every answer has.
fn json(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nDate: …\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
}

#[track_caller]
fn mask_date(line: &str) -> &str {
    let Some(date) = line.strip_prefix("Date: ") else { return line };
    // IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    let shape: String = date.trim_end().chars().map(shape).collect();
    assert_eq!(shape, "Aaa, 00 Aaa 0000 00:00:00 AAA");
    "Date: …\r\n"
}

/// The access lines of a log, with the dates masked. They begin with the address of
/// the client; all other lines begin with a level.
#[track_caller]
fn access_lines(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.starts_with("127.0.0.1 "));
    lines
        .map(|line| {
            let (before, rest) = line.split_once('[').expect(line);
            let (date, after) = rest.split_once(']').expect(line);
            let shape: String = date.chars().map(shape).collect();
            assert_eq!(shape, "00/Aaa/0000:00:00:00 +0000", "{line}");
            format!("{before}[…]{after}")
        })
        .collect()
}

fn shape(character: char) -> char {
    match character {
        '0'..='9' => '0',
        'A'..='Z' => 'A',
        'a'..='z' => 'a',
        other => other,
    }
}

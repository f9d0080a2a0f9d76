//! The program and its users file, from outside: what it does not start with, what a
//! reload changes, and what the log says.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{env, process, thread};

const ANN: &str = "ann:s3cret-token-of-ann:read\n";
const ANN_TOKEN: &str = "s3cret-token-of-ann";
const BOB: &str = "bob:s3cret-token-of-bob\n";
const BOB_TOKEN: &str = "s3cret-token-of-bob";

// --- What does not start ---

#[test]
fn a_file_that_is_not_a_whole_users_file_does_not_start_the_server() {
    let file = File::new("wrong");
    for (text, line, word) in [
        (format!("{ANN}bob:s3cret-token-of-bob:read # no admin yet\n"), 2, "#"),
        (format!("{ANN}bob:s3cret-token-of-bob:read,write\n"), 2, "','"),
        (format!("bob:s3cret-token-of-bob:read{ANN}"), 1, "line"),
        (format!("bob:s3cret-token-of-bob{ANN}"), 1, "line"),
        ("ann:abcd\n".to_owned(), 1, "16"),
        ("ann:perm:abcdefghijklmnopqrst\n".to_owned(), 1, "':'"),
        ("ann:1|abcdefghijklmnopqrstuvwxyz\n".to_owned(), 1, "'|'"),
        ("ann:\n".to_owned(), 1, "no token"),
        (format!("{ANN}\nbob:{ANN_TOKEN}\n"), 3, "line 1"),
        ("ann:abNAOHYYmzXE6\n".to_owned(), 1, "DES"),
        ("ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n".to_owned(), 1, "LDAP"),
        ("ann:$apr1$abcdefgh$Ovw7Cg8Q2F8PVF1mDqsGv/\n".to_owned(), 1, "htpasswd"),
        ("ann:argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA\n".to_owned(), 1, "Django"),
        (format!("# team\r{ANN}"), 1, "CR"),
        (format!("# team\r{}", ANN.replace('\n', "\r")), 1, "CR"),
        (format!("ann:{ANN_TOKEN}:read:2027-02-29\n"), 1, "looks like a day"),
        ("ann:e1NTSEF9MGMwYmxGVFhYTnVBTUhFQ1M0dXhyajNaaWVNb1dJbXI=\n".to_owned(), 1, "Base64"),
        (format!("{ANN}bob\u{200b}{BOB}"), 2, "U+200B"),
        (ANN.trim_end().to_owned(), 1, "new line"),
    ] {
        file.write(&text);
        let output = file.run(&["--listen", "127.0.0.1:0", "--users", "FILE"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{text:?}");
        let place = format!("guardhouse: {}, line {line}: ", file.0.display());
        assert!(stderr.starts_with(&place) && stderr[place.len()..].contains(word), "{stderr}");
        for token in [ANN_TOKEN, BOB_TOKEN, "abcdefghijkl", "5en6G6Mez", "abNAOHYY"] {
            assert!(!stderr.contains(token), "{stderr}");
        }
    }
    for text in ["", "\u{feff}"] {
        file.write(text);
        let output = file.run(&["--listen", "127.0.0.1:0", "--users", "FILE"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.ends_with(" is empty, so it may be cut off\n"), "{stderr}");
    }
}

#[test]
fn a_short_token_needs_the_option_that_allows_it() {
    let file = File::new("short");
    file.write("ann:t\n");
    assert_eq!(file.run(&["--listen", "127.0.0.1:0", "--users", "FILE"]).status.code(), Some(1));
    let server = file.start(&["--allow-short-tokens"]);
    assert_eq!(server.status_for("t"), 200);
}

#[test]
fn a_server_without_users_warns_of_that() {
    let file = File::new("nobody");
    file.write("# nobody yet\n");
    let server = file.start(&[]);
    let line = server.log_line(" no users");
    assert!(line.starts_with("WARN ") && line.contains("every guard refuses"), "{line}");
    assert_eq!(server.status_for(ANN_TOKEN), 401);
}

// --- Reloading ---

#[test]
fn the_log_says_what_a_reload_changed() {
    let file = File::new("changes");
    file.write(&[ANN, "ann:another-token-of-ann\n", BOB].concat());
    let server = file.start(&[]);
    server.log_line("users loaded: 2 users, 3 tokens");
    server.signal("HUP");
    server.log_line("users loaded again: nothing changed; now 2 users, 3 tokens");
    for (text, says) in [
        ([ANN, BOB].concat(), "0 added, 0 removed, 1 changed; now 2 users, 2 tokens"),
        (ANN.to_owned(), "0 added, 1 removed, 0 changed; now 1 user, 1 token"),
        (BOB.to_owned(), "1 added, 1 removed, 0 changed; now 1 user, 1 token"),
    ] {
        file.write(&text);
        server.signal("HUP");
        let line = server.log_line("users loaded again: ");
        assert!(line.starts_with("INFO ") && line.ends_with(says), "{line}");
    }
    assert_eq!((server.status_for(ANN_TOKEN), server.status_for(BOB_TOKEN)), (401, 200));
}

#[test]
fn a_file_that_is_not_whole_at_a_reload_leaves_the_old_users_and_an_error_in_the_log() {
    let file = File::new("half");
    file.write(ANN);
    let server = file.start(&[]);
    for text in ["", "ann:s3cr", "ann:s3cr\n", "ann:s3cret-token-of-a", "# team\n", "\u{feff}"] {
        file.write(text);
        server.signal("HUP");
        let line = server.log_line("the server keeps the old users: ");
        assert!(line.starts_with("ERROR "), "{text:?}: {line}");
        assert_eq!(server.status_for(ANN_TOKEN), 200, "{text:?}");
        assert_eq!(server.status_for("s3cr"), 401, "{text:?}");
    }
}

#[test]
fn no_reload_beside_a_program_that_copies_the_file_locks_anybody_out() {
    let file = File::new("copied");
    file.write(ANN);
    let server = file.start(&[]);
    for _ in 0..100 {
        // As `cp` does it: the file is empty, then half of it is there, then all of it.
        let mut copy = fs::File::create(&file.0).unwrap();
        server.signal("HUP");
        copy.write_all(&ANN.as_bytes()[..ANN.len() / 2]).unwrap();
        server.signal("HUP");
        copy.write_all(&ANN.as_bytes()[ANN.len() / 2..]).unwrap();
        assert_eq!(server.status_for(ANN_TOKEN), 200);
    }
    let (code, log) = server.stop("TERM");
    assert_eq!(code, Some(0), "{log}");
    let loads = log.lines().filter(|line| line.contains("users loaded again: "));
    for line in loads {
        assert!(line.ends_with("nothing changed; now 1 user, 1 token"), "{line}");
    }
}

#[test]
fn what_is_not_a_regular_file_at_a_reload_keeps_the_server_from_nothing() {
    let file = File::new("pipe");
    for replace in [&["mkfifo"][..], &["mkdir"], &["ln", "-s", "/dev/zero"]] {
        file.write(ANN);
        let server = file.start(&[]);
        fs::remove_file(&file.0).unwrap();
        let made = Command::new(replace[0]).args(&replace[1..]).arg(&file.0).status().unwrap();
        assert!(made.success());
        for _ in 0..2 {
            server.signal("HUP");
            server.log_line("the server keeps the old users: ");
            assert_eq!(server.status_for(ANN_TOKEN), 200, "{replace:?}");
        }
        let (code, log) = server.stop("TERM");
        assert_eq!(code, Some(0), "{replace:?}: {log}");
        fs::remove_file(&file.0).or_else(|_| fs::remove_dir(&file.0)).unwrap();
    }
}

#[test]
fn users_that_come_through_stdin_are_not_loaded_again_and_the_log_says_so() {
    let file = File::new("stdin");
    file.write(ANN);
    for text in [Some(ANN), None] {
        let mut command = file.command(&["--listen", "127.0.0.1:0", "--users", "/dev/stdin"]);
        match text {
            // Through a pipe.
            Some(_) => command.stdin(Stdio::piped()),
            None => command.stdin(fs::File::open(&file.0).unwrap()),
        };
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let (Some(text), Some(mut stdin)) = (text, process.stdin.take()) {
            stdin.write_all(text.as_bytes()).unwrap();
        }
        let server = Running::ready(process);
        assert_eq!(server.status_for(ANN_TOKEN), 200);
        server.signal("HUP");
        let line = server.log_line("the server keeps the old users: ");
        assert!(line.ends_with("which is read at the start only"), "{line}");
        assert_eq!(server.status_for(ANN_TOKEN), 200);
    }
}

#[test]
fn a_changed_file_is_loaded_without_a_signal_however_it_was_changed() {
    let (file, other) = (File::new("watched"), File::new("watched-other"));
    let link = File::new("watched-link");
    file.write(ANN);
    symlink(&file.0, &link.0).unwrap();
    for by_link in [false, true] {
        file.write(ANN);
        let server = if by_link { &link } else { &file }.start(&["--reload-every", "1"]);
        assert_eq!(server.status_for(BOB_TOKEN), 401);
        let changed = |text: &str, status| {
            let said = server.log_line("users loaded again: ");
            assert!(!said.contains("nothing changed"), "{said}");
            assert_eq!(server.status_for(BOB_TOKEN), status, "{text}");
        };
        // In place, as some editors do it.
        file.write(&[ANN, BOB].concat());
        changed("written", 200);
        // Another file with its name, of the same size.
        other.write(&[ANN, &BOB.replace("bob:s3cret", "bob:secret")].concat());
        fs::rename(&other.0, &file.0).unwrap();
        changed("renamed", 401);
        if by_link {
            // As Kubernetes does it: the link leads to another file.
            other.write(&[BOB, ANN].concat());
            let new_link = File::new("watched-new-link");
            symlink(&other.0, &new_link.0).unwrap();
            fs::rename(&new_link.0, &link.0).unwrap();
            changed("another link", 200);
        }
        let watched = if by_link { &other } else { &file };
        watched.write("ann:s3cr\n");
        server.log_line("the server keeps the old users: ");
        assert_eq!(server.status_for(ANN_TOKEN), 200, "a file that is wrong");
        assert_eq!(server.stop("TERM").0, Some(0));
    }
}

#[test]
fn without_looks_only_a_signal_loads_the_file() {
    let file = File::new("unwatched");
    file.write(ANN);
    let (server, looking) =
        (file.start(&["--reload-every", "0"]), file.start(&["--reload-every", "1"]));
    file.write(&[ANN, BOB].concat());
    looking.log_line("users loaded again: ");
    assert_eq!((looking.status_for(BOB_TOKEN), server.status_for(BOB_TOKEN)), (200, 401));
    server.signal("HUP");
    server.log_line("users loaded again: ");
    assert_eq!(server.status_for(BOB_TOKEN), 200);
}

#[test]
fn a_reload_that_removes_most_users_is_warned_of() {
    let file = File::new("most");
    let cyd = "cyd:s3cret-token-of-cyd\n";
    file.write(&[ANN, BOB, cyd].concat());
    let server = file.start(&[]);
    for (text, warns) in [(ANN.to_owned(), true), (BOB.to_owned(), false)] {
        file.write(&text);
        server.signal("HUP");
        server.log_line("users loaded again: ");
        if warns {
            assert!(server.log_line("more than half").starts_with("WARN "));
        }
    }
    assert!(!server.stop("TERM").1.contains("more than half"));
}

#[test]
fn a_program_that_writes_line_by_line_beside_a_signal_locks_nobody_out() {
    let file = File::new("line-by-line");
    let lines: Vec<String> = (0..20).map(|n| format!("user{n}:s3cret-token-of-{n:02}\n")).collect();
    file.write(&lines.concat());
    let server = file.start(&[]);
    let mut writer = fs::File::create(&file.0).unwrap();
    for (number, line) in lines.iter().enumerate() {
        writer.write_all(line.as_bytes()).unwrap();
        if number == 3 {
            server.signal("HUP");
        }
        // Only time makes a program slow.
        thread::sleep(Duration::from_millis(20));
    }
    let line = server.log_line("users loaded again: ");
    assert!(line.contains("nothing changed"), "{line}");
}

// --- New tokens ---

#[test]
fn new_tokens_are_added_to_a_file_with_which_the_server_then_starts() {
    let file = File::new("append");
    let add = |arguments: &[&str]| {
        let output = file.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        New::printed(&String::from_utf8(output.stdout).unwrap())
    };
    let first = add(&["--new-token", "ann", "reports:read", "--append", "FILE"]);
    assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
    // An editor has taken the last new line away.
    file.write(first.line.trim_end());
    let second = add(&["--new-token", "bob", "--until", "2999-12-31", "--append", "FILE"]);
    assert_eq!(fs::read_to_string(&file.0).unwrap(), first.line + &second.line);
    let server = file.start(&[]);
    for token in [first.token, second.token] {
        assert_eq!(server.status_for(&token), 200);
    }
}

/// What `--new-token` prints: in builds that read hashed tokens, the token is on a line
/// before the line for the file.
struct New {
    token: String,
    line: String,
}

impl New {
    fn printed(stdout: &str) -> New {
        let (token, line) = match stdout.split_once('\n') {
            Some((token, line)) if !line.is_empty() => (token, line),
            _ => (stdout.split(':').nth(1).unwrap(), stdout),
        };
        assert_eq!(line.contains(token), !cfg!(feature = "login"), "{stdout}");
        New { token: token.to_owned(), line: line.to_owned() }
    }
}

#[test]
fn a_line_that_would_be_wrong_is_not_added() {
    let file = File::new("not-added");
    file.write("ann\n");
    let output = file.run(&["--new-token", "bob", "--append", "FILE"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.contains(", line 1: no colon after the name"), "{stderr}");
    for arguments in [&["--new-token", "b:b"][..], &["--new-token", "bob", "a,b"]] {
        let output = file.run(&[arguments, &["--append", "FILE"]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(fs::read_to_string(&file.0).unwrap(), "ann\n");
}

// --- Who else can read the file ---

/// A user and a group that own nothing: `nobody` on many systems.
const OTHER: u32 = 65534;

#[test]
fn the_servers_group_may_read_a_file_of_another_owner_and_the_advice_locks_nobody_out() {
    let id = Command::new("id").arg("-u").output().unwrap();
    if String::from_utf8(id.stdout).unwrap().trim() != "0" {
        return println!("skipped: only root can start the server as another user");
    }
    // With what a shell would read as more than one word.
    let file = File::new("owner's &file");
    file.write(ANN);
    let program = copied_program("program");
    for (owner, group, mode, advice) in [
        (0, OTHER, 0o440, None),
        (0, OTHER, 0o640, None),
        (1, OTHER, 0o640, None),
        (OTHER, 0, 0o600, None),
        (OTHER, OTHER, 0o640, Some("chmod 600 ")),
        (OTHER, 0, 0o404, Some("chmod 600 ")),
        (0, 0, 0o644, Some("chgrp 65534 ")),
        (0, OTHER, 0o444, Some("chgrp 65534 ")),
        (1, 1, 0o604, Some("chgrp 65534 ")),
    ] {
        chown(&file.0, Some(owner), Some(group)).unwrap();
        fs::set_permissions(&file.0, Permissions::from_mode(mode)).unwrap();
        let server = || {
            let mut command = Command::new(&program.0);
            command.uid(OTHER).gid(OTHER);
            command
        };
        assert_advice(server, &file, advice, &format!("{mode:o} of {owner}:{group}"));
    }
}

#[test]
fn root_without_capabilities_is_not_locked_out_by_the_advice() {
    // As `docker --cap-drop ALL` starts it.
    let weak = ["--bounding-set", "-all", "--inh-caps", "-all", "--"];
    let is_root = ["sh", "-c", "test $(id -u) = 0 && grep -q '^CapEff:[[:space:]]*0*$' $0"];
    let mut command = Command::new("setpriv");
    command.args(weak).args(is_root).arg("/proc/self/status").stderr(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        return println!("skipped: only root can drop capabilities, and with setpriv");
    }
    let file = File::new("deployer's file");
    file.write(ANN);
    let program = copied_program("weak-program");
    for (owner, group, mode, advice) in [
        (0, 0, 0o600, None),
        (1, 0, 0o640, None),
        (1, 1, 0o644, Some("chown 0 ")),
        (1, 1, 0o604, Some("chown 0 ")),
        (OTHER, 0, 0o444, Some("chown 0 ")),
        (0, 1, 0o644, Some("chmod 600 ")),
    ] {
        chown(&file.0, Some(owner), Some(group)).unwrap();
        fs::set_permissions(&file.0, Permissions::from_mode(mode)).unwrap();
        let server = || {
            let mut command = Command::new("setpriv");
            command.args(weak).arg(&program.0);
            command
        };
        assert_advice(server, &file, advice, &format!("{mode:o} of {owner}:{group}"));
    }
}

/// A copy of the program, which each user can start. Another process copies it: a program
/// that is open for writing can't be started, and the processes that the other tests start
/// at this moment would have it open.
fn copied_program(name: &str) -> File {
    let program = File::new(name);
    let original = env!("CARGO_BIN_EXE_guardhouse");
    assert!(Command::new("cp").arg(original).arg(&program.0).status().unwrap().success());
    program
}

/// The server can read the file, and its warning begins with this advice or is not there.
/// After the commands of the advice, the server starts and does not warn.
#[track_caller]
fn assert_advice(server: impl Fn() -> Command, file: &File, advice: Option<&str>, what: &str) {
    let start = || {
        let mut command = server();
        command.current_dir("/").args(["--listen", "127.0.0.1:0", "--users"]).arg(&file.0);
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Running::ready(process.unwrap())
    };
    let running = start();
    assert_eq!(running.status_for(ANN_TOKEN), 200, "{what}");
    let log = running.stop("TERM").1;
    let warning = log.lines().find_map(|line| line.split_once("others can read the tokens: "));
    let Some((_, command)) = warning else {
        return assert_eq!(advice, None, "{what}: {log}");
    };
    assert!(command.starts_with(advice.expect(&log)), "{what}: {command}");
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
    let running = start();
    assert_eq!(running.status_for(ANN_TOKEN), 200, "{what}: {command}");
    let log = running.stop("TERM").1;
    assert!(!log.contains("others can read"), "{what}: {command}: {log}");
}

// --- Helpers ---

/// A users file, or the path of one. It is deleted when the test ends.
struct File(PathBuf);

impl File {
    fn new(test: &str) -> File {
        File(env::temp_dir().join(format!("guardhouse-reload-{}-{test}", process::id())))
    }

    /// Writes the file, which only its owner can read.
    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
        fs::set_permissions(&self.0, Permissions::from_mode(0o600)).unwrap();
    }

    /// The program with these arguments; `FILE` is this file.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guardhouse"));
        for argument in arguments {
            match *argument {
                "FILE" => command.arg(&self.0),
                argument => command.arg(argument),
            };
        }
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn start(&self, options: &[&str]) -> Running {
        let arguments = [&["--listen", "127.0.0.1:0", "--users", "FILE"], options].concat();
        let mut command = self.command(&arguments);
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Running::ready(process.unwrap())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// How long a test waits for what must come, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server process. It is killed if the test ends first.
struct Running {
    process: Child,
    /// The lines of its log, as they come.
    log: Receiver<String>,
    address: String,
}

impl Running {
    /// Returns when the server says that it listens.
    #[track_caller]
    fn ready(mut process: Child) -> Running {
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let (lines, log) = channel();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().try_for_each(|line| lines.send(line.unwrap())));
        let Some(address) = ready.trim().strip_prefix("listening on http://") else {
            panic!("the server does not start: {:?}", log.iter().collect::<Vec<_>>());
        };
        Running { process, log, address: address.to_owned() }
    }

    /// The status of an answer to this token.
    fn status_for(&self, token: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // So that a test without an answer fails, and does not hang.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET /users/me HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// The next line of the log that has this text.
    #[track_caller]
    fn log_line(&self, text: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("no line has {text:?}: {error}: {before:#?}"),
            }
        }
    }

    /// Sends a signal, and waits until the process ends. Returns its exit code, and
    /// the rest of its log.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let code = self.process.wait().unwrap().code();
        (code, self.log.iter().map(|line| line + "\n").collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // This fails if the process has ended, as it should.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

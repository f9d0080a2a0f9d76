//! The users file: it is loaded as a whole or not at all, and it can be loaded
//! again while threads look users up.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
#[cfg(unix)]
use std::os::unix::{fs::symlink, net::UnixListener};
use std::path::PathBuf;
#[cfg(unix)]
use std::process::Command;
use std::sync::Arc;
use std::{env, fs, thread};

use guardhouse::users::{Changes, append};
use guardhouse::{User, UsersFile};

const ANN: &str = "s3cret-token-of-ann";
const BOB: &str = "s3cret-token-of-bob";

/// A file that is deleted when the test ends.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> File {
        let number = RandomState::new().hash_one("a new name in each run");
        let file = File(env::temp_dir().join(format!("guardhouse-{number:016x}.users")));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn name(users: &UsersFile, token: &str) -> Option<String> {
    users.by_token(token).map(|user: User| user.name().to_owned())
}

#[test]
fn an_error_names_the_file_and_the_line_and_does_not_show_the_line() {
    let file = File::new("ann:s3cret-token-of-ann\nbob:s3cret of bob\n");
    let error = UsersFile::load(&file.0).unwrap_err().to_string();
    assert!(error.contains(&format!("{}, line 2: ", file.0.display())), "{error}");
    assert!(!error.contains("s3cret"), "{error}");

    let error = UsersFile::load("/nonexistent/users.txt").unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/users.txt can't be read: "), "{error}");
}

#[test]
fn a_reload_replaces_all_users_and_a_wrong_file_replaces_none() {
    let file = File::new("ann:s3cret-token-of-ann\n");
    let users = UsersFile::load(&file.0).unwrap();
    assert_eq!(name(&users, ANN).as_deref(), Some("ann"));

    file.write("bob:s3cret-token-of-bob\n");
    assert_eq!(name(&users, BOB), None, "nothing changes before the reload");
    let changes = users.reload().unwrap();
    assert_eq!(changes, Changes { added: 1, removed: 1, changed: 0 });
    assert_eq!((name(&users, ANN), name(&users, BOB).as_deref()), (None, Some("bob")));

    file.write("ann:s3cret-token-of-ann\nno colon\n");
    assert!(users.reload().is_err());
    assert_eq!((name(&users, ANN), name(&users, BOB).as_deref()), (None, Some("bob")));
    assert_eq!(users.len(), 1);
}

#[test]
fn a_file_that_may_be_cut_off_replaces_no_users_and_does_not_start_a_server() {
    let whole = "# the team\nann:s3cret-token-of-ann:read\nbob:s3cret-token-of-bob:read write\n";
    let file = File::new(whole);
    let users = UsersFile::load(&file.0).unwrap();
    // A program writes the file, and it has written this much of it.
    for length in (0..whole.len()).filter(|length| !whole[..*length].ends_with('\n')) {
        let cut = &whole[..length];
        file.write(cut);
        let error = users.reload().expect_err(cut).to_string();
        assert!(error.contains("cut off"), "{cut:?}: {error}");
        assert!(UsersFile::load(&file.0).is_err(), "{cut:?}");
        assert_eq!(name(&users, ANN).as_deref(), Some("ann"), "{cut:?}");
        assert_eq!(name(&users, BOB).as_deref(), Some("bob"), "{cut:?}");
        let last = cut.rsplit(':').next().unwrap();
        assert!(name(&users, last).is_none() || [ANN, BOB].contains(&last), "{cut:?}");
    }
    // These are whole, and yet they are no file with all users.
    for (text, says) in [
        ("# the team\n", "has no users any more"),
        ("\n", "has no users any more"),
        ("\u{feff}\r\n", "has no users any more"),
        ("ann:s3cr\n", "line 1: the token has 4 of at least 16 characters"),
        ("ann:s3cret-token-of-ann:read\r", "cut off"),
        ("\u{feff}", "cut off"),
    ] {
        file.write(text);
        let error = users.reload().expect_err(text).to_string();
        assert!(error.contains(says), "{text:?}: {error}");
        assert_eq!(users.len(), 2, "{text:?}");
    }
    file.write(whole);
    assert_eq!(users.reload().unwrap().to_string(), "nothing changed");
}

#[test]
fn a_server_can_start_without_users_and_get_them_later() {
    let file = File::new("# nobody yet\n");
    let users = UsersFile::load(&file.0).unwrap();
    assert!(users.is_empty() && users.count().to_string() == "0 users");
    assert_eq!(users.reload().unwrap().to_string(), "nothing changed");
    file.write("ann:s3cret-token-of-ann\n");
    assert_eq!(users.reload().unwrap().to_string(), "1 added, 0 removed, 0 changed");
    assert_eq!(name(&users, ANN).as_deref(), Some("ann"));
}

#[test]
fn short_tokens_need_a_loader_that_allows_them() {
    let file = File::new("ann:t\n");
    let error = UsersFile::load(&file.0).unwrap_err().to_string();
    assert!(error.ends_with("has 1 of at least 16 characters: guardhouse --new-token makes one"));
    let users = UsersFile::load_allowing_short_tokens(&file.0).unwrap();
    assert_eq!(name(&users, "t").as_deref(), Some("ann"));
    file.write("bob:u\n");
    users.reload().unwrap();
    assert_eq!(name(&users, "u").as_deref(), Some("bob"));
}

#[test]
fn text_in_another_encoding_is_refused_and_the_error_says_which_one_is_right() {
    let line = "ann:s3cret-token-of-ann\n";
    let utf16 =
        |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { line.encode_utf16().flat_map(bytes).collect() };
    for (bytes, number) in [
        ([&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(), 1),
        ([&b"\xfe\xff"[..], &utf16(u16::to_be_bytes)].concat(), 1),
        (utf16(u16::to_le_bytes), 1),
        (utf16(u16::to_be_bytes), 1),
        (b"ann:s3cret-token-of-ann\nZo\xeb:s3cret-token-of-zoe\n".to_vec(), 2),
        (b"ann:s3cret-token-of-ann\n\n# Zo\xc3\n".to_vec(), 3),
    ] {
        let file = File::new("");
        fs::write(&file.0, &bytes).unwrap();
        let error = UsersFile::load(&file.0).unwrap_err().to_string();
        assert!(error.contains(&format!(", line {number}: ")), "{error}");
        assert!(error.contains("not UTF-8: save it as UTF-8"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_refused_without_waiting_for_it() {
    let file = File::new("ann:s3cret-token-of-ann\n");
    let users = UsersFile::load(&file.0).unwrap();
    let folder = env::temp_dir();
    for path in [folder.as_path(), "/dev/null".as_ref(), "/dev/zero".as_ref()] {
        let error = UsersFile::load(path).unwrap_err().to_string();
        assert_eq!(error, format!("{} is not a regular file", path.display()));
    }
    let replace = |make: &dyn Fn()| {
        fs::remove_file(&file.0).unwrap();
        make();
        let error = users.reload().unwrap_err().to_string();
        assert_eq!(name(&users, ANN).as_deref(), Some("ann"), "{error}");
        error
    };
    // Nobody writes into this pipe, so to open it would wait for ever.
    let pipe =
        replace(&|| assert!(Command::new("mkfifo").arg(&file.0).status().unwrap().success()));
    assert!(pipe.ends_with("is a pipe or /dev/stdin, which is read at the start only"), "{pipe}");
    let socket = replace(&|| drop(UnixListener::bind(&file.0).unwrap()));
    assert!(socket.ends_with("is not a regular file"), "{socket}");
    let link = replace(&|| symlink("/dev/zero", &file.0).unwrap());
    assert!(link.ends_with("is not a regular file"), "{link}");
    let nowhere = replace(&|| symlink("/nonexistent/users", &file.0).unwrap());
    assert!(nowhere.contains("can't be read: "), "{nowhere}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_at_the_start_only() {
    let pipe = File::new("");
    fs::remove_file(&pipe.0).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe.0).status().unwrap().success());
    let path = pipe.0.clone();
    let writer = thread::spawn(move || fs::write(path, "ann:s3cret-token-of-ann\n").unwrap());
    let users = UsersFile::load(&pipe.0).unwrap();
    writer.join().unwrap();
    assert_eq!(name(&users, ANN).as_deref(), Some("ann"));
    let error = users.reload().unwrap_err().to_string();
    assert!(error.contains("is read at the start only"), "{error}");
}

#[test]
fn a_line_is_added_on_a_line_of_its_own_whatever_the_file_ends_with() {
    const BOB_LINE: &str = "bob:s3cret-token-of-bob:read";
    for (before, after) in [
        ("", "bob:s3cret-token-of-bob:read\n"),
        ("# the team\n", "# the team\nbob:s3cret-token-of-bob:read\n"),
        ("# the team", "# the team\nbob:s3cret-token-of-bob:read\n"),
        (
            "ann:s3cret-token-of-ann:read",
            "ann:s3cret-token-of-ann:read\nbob:s3cret-token-of-bob:read\n",
        ),
        (
            "bob:another-token-of-bob\r\n",
            "bob:another-token-of-bob\r\nbob:s3cret-token-of-bob:read\n",
        ),
    ] {
        let file = File::new(before);
        append(&file.0, BOB_LINE).unwrap();
        assert_eq!(fs::read_to_string(&file.0).unwrap(), after);
        let users = UsersFile::load(&file.0).unwrap();
        assert_eq!(users.by_token(BOB).unwrap().scopes(), ["read"]);
    }
}

#[test]
fn no_line_is_added_if_a_line_would_be_wrong() {
    for (before, says) in [
        ("ann:s3cret-token-of-ann\nno colon\n", ", line 2: no colon"),
        ("ann:s3cret-token-of-bob\n", ", line 2: line 1 has the same token"),
        ("\u{feff}\u{feff}#\n", ", line 1: "),
    ] {
        let file = File::new(before);
        let error = append(&file.0, "bob:s3cret-token-of-bob").unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(fs::read_to_string(&file.0).unwrap(), before);
    }
    let error = append("/nonexistent/users.txt", "bob:s3cret-token-of-bob").unwrap_err();
    assert!(error.to_string().contains("can't be written: "), "{error}");
    let error = append(env::temp_dir(), "bob:s3cret-token-of-bob").unwrap_err().to_string();
    assert!(error.ends_with("is not a regular file"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_file_that_a_line_made() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new("");
    fs::remove_file(&file.0).unwrap();
    append(&file.0, "ann:s3cret-token-of-ann").unwrap();
    assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
    // A mode that somebody has chosen stays.
    fs::set_permissions(&file.0, fs::Permissions::from_mode(0o640)).unwrap();
    append(&file.0, "bob:s3cret-token-of-bob").unwrap();
    assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(UsersFile::load(&file.0).unwrap().len(), 2);
}

#[test]
fn lines_that_several_programs_add_at_once_are_all_whole() {
    let file = File::new("# the team");
    thread::scope(|scope| {
        for number in 0..8 {
            let path = &file.0;
            scope.spawn(move || {
                for line in 0..5 {
                    let line = format!("ann{number}:a-token-with-128-bits-{number}-{line}");
                    append(path, &line).unwrap();
                }
            });
        }
    });
    assert_eq!(UsersFile::load(&file.0).unwrap().count().to_string(), "8 users, 40 tokens");
}

#[test]
fn every_thread_sees_a_reload_and_other_files_do_not_change() {
    let line = |name: &str| format!("{name}:the-same-token-for-all\n");
    let (first, second) = (File::new(&line("ann")), File::new(&line("bob")));
    let token = "the-same-token-for-all";
    let first_users = Arc::new(UsersFile::load(&first.0).unwrap());
    let second_users = UsersFile::load(&second.0).unwrap();
    for _ in 0..3 {
        assert_eq!(name(&first_users, token).as_deref(), Some("ann"));
        assert_eq!(name(&second_users, token).as_deref(), Some("bob"));
    }
    // Threads that look up during the reload see the old users or the new ones.
    let lookups: Vec<_> = (0..4)
        .map(|_| {
            let users = Arc::clone(&first_users);
            thread::spawn(move || {
                loop {
                    match name(&users, token).as_deref() {
                        Some("ann") => {}
                        Some("cyd") => break,
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    first.write(&line("cyd"));
    first_users.reload().unwrap();
    for lookup in lookups {
        lookup.join().unwrap();
    }
    assert_eq!(name(&second_users, token).as_deref(), Some("bob"));
}

#[test]
fn lookups_find_each_of_100_000_users() {
    let mut text = String::new();
    for number in 0..100_000 {
        writeln!(text, "user{number}:a-token-with-128-bits-{number:08x}:read write").unwrap();
    }
    let file = File::new(&text);
    let users = UsersFile::load(&file.0).unwrap();
    assert_eq!(users.len(), 100_000);
    for number in (0..100_000).step_by(997) {
        let token = format!("a-token-with-128-bits-{number:08x}");
        assert_eq!(name(&users, &token), Some(format!("user{number}")));
    }
    assert_eq!(name(&users, "a-token-with-128-bits-ffffffff"), None);
}

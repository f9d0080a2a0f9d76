//! The users file: it is loaded as a whole or not at all, and it can be loaded
//! again while threads look users up.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs, thread};

use guardhouse::{User, UsersFile};

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
    let file = File::new("ann:t0ken-of-ann\nbob:s3cret of bob\n");
    let error = UsersFile::load(&file.0).unwrap_err().to_string();
    assert!(error.contains(&format!("{}, line 2: ", file.0.display())), "{error}");
    assert!(!error.contains("s3cret"), "{error}");

    let error = UsersFile::load("/nonexistent/users.txt").unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/users.txt can't be read: "), "{error}");
}

#[test]
fn a_reload_replaces_all_users_and_a_wrong_file_replaces_none() {
    let file = File::new("ann:t1\n");
    let users = UsersFile::load(&file.0).unwrap();
    assert_eq!(name(&users, "t1").as_deref(), Some("ann"));

    file.write("bob:t2\n");
    assert_eq!(name(&users, "t2"), None, "nothing changes before the reload");
    users.reload().unwrap();
    assert_eq!((name(&users, "t1"), name(&users, "t2").as_deref()), (None, Some("bob")));

    file.write("cyd:t3\nno colon\n");
    assert!(users.reload().is_err());
    assert_eq!((name(&users, "t3"), name(&users, "t2").as_deref()), (None, Some("bob")));
    assert_eq!(users.len(), 1);
}

#[test]
fn every_thread_sees_a_reload_and_other_files_do_not_change() {
    let (first, second) = (File::new("ann:t\n"), File::new("bob:t\n"));
    let first_users = Arc::new(UsersFile::load(&first.0).unwrap());
    let second_users = UsersFile::load(&second.0).unwrap();
    for _ in 0..3 {
        assert_eq!(name(&first_users, "t").as_deref(), Some("ann"));
        assert_eq!(name(&second_users, "t").as_deref(), Some("bob"));
    }
    // Threads that look up during the reload see the old users or the new ones.
    let lookups: Vec<_> = (0..4)
        .map(|_| {
            let users = Arc::clone(&first_users);
            thread::spawn(move || {
                loop {
                    match name(&users, "t").as_deref() {
                        Some("ann") => {}
                        Some("cyd") => break,
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    first.write("cyd:t\n");
    first_users.reload().unwrap();
    for lookup in lookups {
        lookup.join().unwrap();
    }
    assert_eq!(name(&second_users, "t").as_deref(), Some("bob"));
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

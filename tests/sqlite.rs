//! Users in a database: the manual's example with a real SQLite file.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::{env, fs};

use guardhouse::Method::GET;
use guardhouse::{Guard, Request, Response, Route, Routes, User, guard};
use rusqlite::{Connection, OptionalExtension};

thread_local! {
    /// One handle for each thread: no request waits for a lock, and no request
    /// opens a handle.
    static DATABASE: std::cell::RefCell<Option<Connection>> = const { std::cell::RefCell::new(None) };
}

/// A guard that looks tokens up in the table `users(id, secret, name, scopes)`.
///
/// A database compares strings only up to the first byte that differs, so the
/// time of a query could help a client to guess a secret. The query therefore
/// uses only the first half of the token, which is the id of the row and not
/// secret. The second half is compared here, in constant time.
fn by_database(path: PathBuf) -> Guard<User> {
    guard::bearer("guardhouse", move |token| {
        let (id, secret) = token.split_at_checked(token.len() / 2)?;
        let row = DATABASE.with_borrow_mut(|database| {
            if database.is_none() {
                *database = Some(Connection::open(&path)?);
            }
            database.as_ref().map_or(Ok(None), |database| find(database, id))
        });
        let (known, name, scopes) =
            row.inspect_err(|error| log::error!("users can't be looked up: {error}")).ok()??;
        guard::is_same(known.as_bytes(), secret.as_bytes())
            .then(|| User::new(&name, scopes.split_whitespace()))
    })
}

fn find(database: &Connection, id: &str) -> rusqlite::Result<Option<(String, String, String)>> {
    database
        .prepare_cached("SELECT secret, name, scopes FROM users WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

/// A database file that is deleted when the test ends.
struct File(PathBuf);

impl File {
    fn new() -> File {
        let number = RandomState::new().hash_one("a new name in each run");
        File(env::temp_dir().join(format!("guardhouse-{number:016x}.sqlite")))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn with_users(path: &Path) -> Connection {
    let database = Connection::open(path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE users (id TEXT PRIMARY KEY, secret TEXT, name TEXT, scopes TEXT);
             INSERT INTO users VALUES ('0123456789', 'abcdefghij', 'Ann', 'reports:read');",
        )
        .unwrap();
    database
}

#[track_caller]
fn ask(routes: &Routes, token: &str) -> (u16, Vec<u8>) {
    let head = format!("GET /me HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut request = Request::parse(head.as_bytes()).unwrap();
    let response = routes.answer(&mut request);
    (response.status().code(), response.body().to_vec())
}

#[test]
fn a_guard_lets_through_the_users_of_a_database() {
    let file = File::new();
    let database = with_users(&file.0);
    let me = |_: &mut Request, user: User| Response::text(user.name().to_owned());
    let signed_in = by_database(file.0.clone()).scope("reports:read");
    let routes = Routes::new([Route::guarded(GET, "/me", signed_in, me)]);

    assert_eq!(ask(&routes, "0123456789abcdefghij"), (200, b"Ann".to_vec()));
    for wrong in ["0123456789abcdefghix", "0123456789", "a", "0123456780abcdefghij", "'OR'1'='1"] {
        assert_eq!(ask(&routes, wrong).0, 401, "{wrong}");
    }

    // The next request after a user was deleted is refused.
    database.execute("DELETE FROM users", []).unwrap();
    assert_eq!(ask(&routes, "0123456789abcdefghij").0, 401);
}

#[test]
fn without_a_database_the_guard_refuses_every_request() {
    let routes = Routes::new([Route::guarded(
        GET,
        "/me",
        by_database("/nonexistent/users.sqlite".into()),
        |_: &mut Request, user: User| Response::text(user.name().to_owned()),
    )]);
    assert_eq!(ask(&routes, "0123456789abcdefghij").0, 401);
}

//! A small, complete program: copy it to start your own.
//!
//! ```sh
//! cargo run --example start                   # or: -- 127.0.0.1:9000
//! curl -H 'Authorization: Bearer s3cret-of-ann' http://127.0.0.1:8000/me
//! ```

use std::{env, io};

use guardhouse::Method::{GET, POST};
use guardhouse::{Error, Request, Response, Route, Routes, Server, User, Users, guard, json};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let server = Server::bind(address)?;
    println!("listening on http://{}", server.local_addr());
    server.run(routes())
}

/// The table: each row has a method, a path, a guard if it is guarded, and a
/// handler.
pub fn routes() -> Routes {
    // A token, the name of its user, and what the user may do. To keep them in a
    // file, use `UsersFile::load("users.txt")`.
    let users = Users::new([
        ("s3cret-of-ann", User::new("Ann", ["notes:write"])),
        ("s3cret-of-bob", User::new("Bob", [])),
    ]);
    // This guard lets a request pass that has one of these tokens.
    let signed_in = guard::bearer("notes", move |token| users.by_token(token));
    // This one also wants the scope.
    let writer = signed_in.clone().scope("notes:write");
    Routes::new([
        Route::open(GET, "/", home),
        Route::guarded(GET, "/me", signed_in, me),
        Route::guarded(POST, "/notes", writer, add_note),
    ])
}

/// Everyone may see this.
fn home(_: &mut Request) -> Response {
    Response::text("Sign in with a token to write notes.\n")
}

/// The guard gives the handler the user.
fn me(_: &mut Request, user: User) -> Response {
    Response::json(json::object([("username", user.name())]))
}

/// Reading the body can fail: `?` then answers with the right status, such as 400
/// for a body that is cut off.
fn add_note(request: &mut Request, user: User) -> Result<Response, Error> {
    let note = request.body()?;
    Ok(Response::text(format!("{} wrote {} bytes.\n", user.name(), note.len())))
}

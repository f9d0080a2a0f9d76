//! The lesson, from step 3 on: a table of routes, whose rows are open or guarded.
//!
//! The steps after it change how requests come in. They do not change this file.

use std::hint::black_box;
use std::io::{self, Write};
use std::net::TcpStream;

use crate::Request;

/// A user, by name. Only a guard makes one.
pub struct User(&'static str);

impl User {
    /// What handlers show.
    pub fn name(&self) -> &'static str {
        self.0
    }
}

/// A guard finds the user, or refuses the request with a challenge.
pub type Guard<T> = fn(&Request) -> Result<T, Refusal>;
/// The challenge of a 401.
pub struct Refusal(pub &'static str);

/// This guard takes the token from `Authorization: Bearer TOKEN`.
pub fn signed_in(request: &Request) -> Result<User, Refusal> {
    match request.header("Authorization").and_then(|value| value.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => by_token(token),
        _ => Err(Refusal(r#"Bearer realm="steps""#)),
    }
}

fn by_token(token: &str) -> Result<User, Refusal> {
    let is_ann = is_same(token.as_bytes(), b"s3cret-of-ann");
    let refusal = Refusal(r#"Bearer realm="steps", error="invalid_token""#);
    if is_ann { Ok(User("Ann")) } else { Err(refusal) }
}

/// Compares all bytes: `==` stops at the first wrong one, and its time shows where that is.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences = left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right));
    black_box(differences) == 0 && left.len() == right.len()
}

/// A row: a method, a path, and what answers.
pub struct Route(pub &'static str, pub &'static str, pub Answer);
pub type Answer = Box<dyn Fn(&mut Request) -> Response + Send + Sync>;

/// Everyone gets the handler's answer.
pub fn open(handler: fn(&mut Request) -> Response) -> Answer {
    Box::new(handler)
}

/// First the guard, then the handler. Nothing else makes a 401.
pub fn guarded<T: 'static>(guard: Guard<T>, handler: fn(&mut Request, T) -> Response) -> Answer {
    Box::new(move |request| match guard(request) {
        Ok(user) => handler(request, user),
        Err(Refusal(challenge)) => {
            Response::error("401 Unauthorized").with_header("WWW-Authenticate", challenge)
        }
    })
}

/// The answer of the row for this request; without such a row, 404 or 405.
pub fn answer(routes: &[Route], request: &mut Request) -> Response {
    let rows: Vec<_> = routes.iter().filter(|row| row.1 == request.path).collect();
    match rows.iter().find(|row| row.0 == request.method) {
        Some(row) => (row.2)(request),
        None if rows.is_empty() => Response::error("404 Not Found"),
        None => {
            let allowed: Vec<&str> = rows.iter().map(|row| row.0).collect();
            Response::error("405 Method Not Allowed").with_header("Allow", &allowed.join(", "))
        }
    }
}

/// A status, further header lines, and a body.
pub struct Response {
    pub status: &'static str,
    headers: String,
    body: String,
}

impl Response {
    pub fn text(body: impl Into<String>) -> Response {
        Response { status: "200 OK", headers: String::new(), body: body.into() }
    }

    pub fn error(status: &'static str) -> Response {
        Response { status, ..Response::text(format!("{status}\n")) }
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Response {
        self.headers.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// The lines before the body.
    pub fn head(&self, stays_open: bool) -> String {
        let Response { status, headers, body } = self;
        let (length, connection) = (body.len(), if stays_open { "keep-alive" } else { "close" });
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        format!("{head}Connection: {connection}\r\n\r\n")
    }

    pub fn write(&self, mut stream: &TcpStream, stays_open: bool) -> io::Result<()> {
        stream.write_all((self.head(stays_open) + &self.body).as_bytes())
    }
}

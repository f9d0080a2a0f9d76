//! A small API to start from: notes that only their owner can see. It listens on
//! `127.0.0.1:8000`, or on the address that is its argument.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guardhouse::Method::{DELETE, GET, POST};
use guardhouse::{Request, Response, Route, Routes, Server, Status, User, Users, guard};
use serde_json::{Value, json};
use signal_hook::{consts, iterator::Signals};

/// Pages of this origin may call the API from a browser.
const PAGES: &str = "http://localhost:3000";
const WRONG: Status = Status::UNPROCESSABLE_CONTENT;

/// All notes by number: owner and title. Clones share them.
#[derive(Clone, Default)]
struct Notes {
    by_number: Arc<Mutex<BTreeMap<usize, (String, String)>>>,
    /// No number is used twice, so a note has one owner, for the guard and for the handler.
    last: Arc<AtomicUsize>,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, (String, String)>> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self, request: &mut Request, user: User) -> Result<Response, Response> {
        let limit = request.query_param("limit")?.unwrap_or("10".to_owned());
        let limit = limit.parse().map_err(|_| Response::detail(WRONG, "limit is not a number"))?;
        let notes = self.lock();
        let own = notes.iter().filter(|(_, (owner, _))| owner == user.name()).take(limit);
        let list: Value = own.map(|(id, (_, title))| json!({"id": id, "title": title})).collect();
        Ok(Response::json(list.to_string()))
    }

    fn add(&self, request: &mut Request, user: User) -> Result<Response, Response> {
        if !request.has_media_type("application/json") {
            return Err(Response::detail(Status::UNSUPPORTED_MEDIA_TYPE, "send JSON"));
        }
        let sent: Value = serde_json::from_slice(request.body()?).unwrap_or_default();
        let title = sent["title"].as_str().ok_or_else(|| Response::detail(WRONG, "no title"))?;
        let id = self.last.fetch_add(1, Relaxed) + 1;
        let added = Response::json(json!({"id": id, "title": title}).to_string());
        self.lock().insert(id, (user.name().to_owned(), title.to_owned()));
        Ok(added.with_status(Status::CREATED).with_header("Location", format!("/notes/{id}")))
    }

    fn show(&self, request: &mut Request, _: User) -> Result<Response, Response> {
        let (id, notes) = (id(request), self.lock());
        // Another request can have removed it after the guard saw it.
        let removed = || Response::detail(Status::NOT_FOUND, "Not Found");
        let (_, title) = notes.get(&id).ok_or_else(removed)?;
        Ok(Response::json(json!({"id": id, "title": title}).to_string()))
    }

    fn remove(&self, request: &mut Request, _: User) -> Result<Response, Response> {
        self.lock().remove(&id(request));
        Ok(Response::new(Status::NO_CONTENT))
    }
}

/// The number in the path; 0, which no note has, if it is no number.
fn id(request: &Request) -> usize {
    request.param("id").and_then(|id| id.parse().ok()).unwrap_or_default()
}

fn routes() -> Routes {
    let users = [("s3cret-token-of-ann", "ann"), ("s3cret-token-of-bob", "bob")];
    let users = Users::new(users.map(|(token, name)| (token, User::new(name, []))));
    let notes = Notes::default();
    let with = |handler: fn(&Notes, &mut Request, User) -> Result<Response, Response>| {
        let notes = notes.clone();
        move |request: &mut Request, user: User| handler(&notes, request, user)
    };
    let signed_in = guard::bearer("notes", move |token| users.by_token(token));
    let all = notes.clone();
    let own = signed_in.clone().hide_unless("owner", move |request, user| {
        all.lock().get(&id(request)).is_some_and(|(owner, _)| owner == user.name())
    });
    Routes::new([
        Route::open(GET, "/", |_: &mut Request| Response::html("<a href=docs>Try the notes</a>")),
        Route::guarded(GET, "/notes", signed_in.clone(), with(Notes::list)),
        Route::guarded(POST, "/notes", signed_in, with(Notes::add)),
        Route::guarded(GET, "/notes/{id}", own.clone(), with(Notes::show)),
        Route::guarded(DELETE, "/notes/{id}", own, with(Notes::remove)),
    ])
    .documented("Notes", "1.0")
    .map_answers(cors)
}

/// Lets pages of another origin read the answers, and send a token (CORS).
fn cors(request: &Request, answer: Response) -> Response {
    match request.header("Origin") {
        Some(PAGES) => answer
            .with_header("Access-Control-Allow-Origin", PAGES)
            .with_header("Access-Control-Allow-Methods", "GET, POST, DELETE")
            .with_header("Access-Control-Allow-Headers", "Authorization, Content-Type"),
        _ => answer,
    }
    .with_header("Vary", "Origin")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    simple_logger::SimpleLogger::new().with_level(log::LevelFilter::Info).init()?;
    let server = Server::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:8000".to_owned()))?;
    // After a signal, requests that have begun still get their answers.
    let (stop, mut signals) = (server.stop(), Signals::new([consts::SIGTERM, consts::SIGINT])?);
    std::thread::spawn(move || signals.forever().for_each(|_| stop.stop()));
    println!("listening on http://{}", server.local_addr());
    Ok(server.run(routes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardhouse::TestRequest;

    /// Status and body of the answer for a user.
    fn ask(routes: &Routes, user: &str, asked: TestRequest) -> (u16, String) {
        let asked = asked.with_header("Authorization", &format!("Bearer s3cret-token-of-{user}"));
        let answer = routes.answer(&mut asked.parse().expect("a valid request"));
        (answer.status().code(), String::from_utf8_lossy(answer.body()).into_owned())
    }

    #[test]
    fn a_note_is_for_its_owner_alone() {
        let routes = routes();
        let add = TestRequest::new(POST, "/notes").with_header("Content-Type", "application/json");
        assert_eq!(ask(&routes, "ann", add.clone().with_body("[]")).0, 422);
        let add = add.with_body(r#"{"title":"Milk"}"#);
        assert_eq!(ask(&routes, "ann", add.clone()).0, 201);
        for (user, method, target, status, body) in [
            ("ann", GET, "/notes/1", 200, r#"{"id":1,"title":"Milk"}"#),
            ("ann", GET, "/notes?limit=x", 422, r#"{"detail":"limit is not a number"}"#),
            ("bob", GET, "/notes", 200, "[]"),
            ("bob", GET, "/notes/1", 404, r#"{"detail":"Not Found"}"#),
            ("bob", DELETE, "/notes/1", 404, r#"{"detail":"Not Found"}"#),
            ("ann", DELETE, "/notes/1", 204, ""),
            ("ann", GET, "/notes/1", 404, r#"{"detail":"Not Found"}"#),
        ] {
            let answer = ask(&routes, user, TestRequest::new(method, target));
            assert_eq!(answer, (status, body.to_owned()), "{user} {target}");
        }
        // The number of a removed note is not used again.
        assert_eq!(ask(&routes, "bob", add).1, r#"{"id":2,"title":"Milk"}"#);
    }
}

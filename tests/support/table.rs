//! The table that the tests send their requests to.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use guardhouse::Method::{DELETE, GET, POST};
use guardhouse::{Error, Request, Response, Route, Routes, guard};

use super::PATIENCE;

/// The body of `/large`: more than [`guardhouse::Limits::output_bytes`].
pub const LARGE: usize = 100_000;

/// The table.
///
/// `/next` is the request that comes next on a connection. Only bytes of a body,
/// or after a refused request, ask for `/smuggled`: an answer from there is
/// always a bug.
pub fn routes() -> Routes {
    let signed_in = guard::bearer("guardhouse", |token| (token == "letmein").then_some("Ann"));
    Routes::new([
        Route::open(GET, "/", |_: &mut Request| Response::text("home\n")),
        Route::open(POST, "/", echo),
        Route::open(DELETE, "/", |_: &mut Request| Response::text("deleted\n")),
        Route::open(GET, "/next", |_: &mut Request| Response::text("next\n")),
        Route::open(GET, "/smuggled", |_: &mut Request| Response::text("smuggled\n")),
        Route::open(GET, "/~ann", |_: &mut Request| Response::text("Ann's\n")),
        Route::open(GET, "/a%2Fb", |_: &mut Request| Response::text("one segment\n")),
        Route::open(GET, "/items/{item}", |request: &mut Request| {
            Response::text(request.param("item").unwrap_or("none").to_owned())
        }),
        Route::open(GET, "/items/first", |_: &mut Request| Response::text("the first\n")),
        Route::open(GET, "/query", |request: &mut Request| {
            Response::text(request.query().unwrap_or("none").to_owned())
        }),
        Route::open(GET, "/header", |request: &mut Request| {
            Response::text(request.header("X").unwrap_or("no one value").to_owned())
        }),
        Route::open(POST, "/unread", |_: &mut Request| Response::text("unread\n")),
        Route::open(POST, "/some", |request: &mut Request| {
            let mut some = [0; 2];
            stream(request, |body| body.read_exact(&mut some))?;
            Ok::<_, Error>(bytes(some.to_vec()))
        }),
        Route::open(POST, "/stream", |request: &mut Request| {
            let mut all = Vec::new();
            stream(request, |body| body.read_to_end(&mut all))?;
            Ok::<_, Error>(bytes(all))
        }),
        Route::guarded(GET, "/protected", signed_in.clone(), |_: &mut Request, name| {
            Response::text(format!("Hello, {name}.\n"))
        }),
        Route::guarded(POST, "/protected", signed_in, |request: &mut Request, _| echo(request)),
        Route::open(GET, "/split", |_: &mut Request| {
            Response::text("hi").with_header("X-Name", "Ann\r\nSet-Cookie: session=stolen")
        }),
        // It is a panic in every way, except that it prints no message.
        Route::open(GET, "/panic", |_: &mut Request| -> Response {
            std::panic::resume_unwind(Box::new("a handler's bug"))
        }),
        Route::open(GET, "/large", |_: &mut Request| bytes(vec![b'x'; LARGE])),
    ])
}

fn echo(request: &mut Request) -> Result<Response, Error> {
    Ok(bytes(request.body()?.to_vec()))
}

fn bytes(body: Vec<u8>) -> Response {
    Response::text("").with_body("application/octet-stream", body)
}

/// Reads from a request's body as from any stream, and takes the [`Error`] out
/// of the `io::Error` that such a stream gives.
fn stream<T>(
    request: &mut Request,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> Result<T, Error> {
    read(&mut request.body_reader())
        .map_err(|error| error.downcast::<Error>().unwrap_or(Error::BodyTruncated))
}

/// How a test follows the handler of `/held`, and lets it continue.
pub struct Handler {
    begun: Receiver<()>,
    go_on: Sender<()>,
}

impl Handler {
    /// Waits until the handler runs.
    #[track_caller]
    pub fn is_under_way(&self) {
        self.begun.recv_timeout(PATIENCE).expect("the handler of /held runs");
    }

    /// Whether the handler runs, or has run, once more than at the last call.
    pub fn has_begun(&self) -> bool {
        self.begun.try_recv().is_ok()
    }

    /// Lets the handler give its response, once.
    #[track_caller]
    pub fn go_on(&self) {
        self.go_on.send(()).expect("the route is still there");
    }
}

/// `/held`, a route whose handler waits until the test lets it continue.
pub fn held(response: fn() -> Response) -> (Route, Handler) {
    let (entered, begun) = channel();
    let (go_on, wait) = channel();
    let wait = Mutex::new(wait);
    let route = Route::open(GET, "/held", move |_: &mut Request| {
        entered.send(()).expect("the test still runs");
        let wait = wait.lock().expect("no other handler has panicked");
        wait.recv_timeout(PATIENCE).expect("the test lets it continue");
        response()
    });
    (route, Handler { begun, go_on })
}

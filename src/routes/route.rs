//! A row of the route table: a method, a path, a guard or none, and a handler.
//!
//! The table has found the row, and now the row answers the request. **This is
//! where the guard runs before the handler**: [`Route::guarded`] puts both into
//! one function, so no request can reach the handler without the guard.

use std::borrow::Cow;
use std::fmt;

use crate::auth::challenge::Refusal;
use crate::auth::description::Description;
use crate::auth::guard::Guard;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::routes::path::Path;

/// A row of the route table, either *open* or *guarded*.
pub struct Route {
    method: Method,
    path: Path,
    guard: Option<Description>,
    answer: Box<dyn Fn(&mut Request) -> Response + Send + Sync>,
    summary: &'static str,
    examples: Vec<Response>,
}

impl Route {
    /// A route for everyone: it has no guard.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route};
    ///
    /// fn home(_: &mut Request) -> Response {
    ///     Response::text("Welcome.\n")
    /// }
    ///
    /// let row = Route::open(GET, "/", home);
    /// ```
    ///
    /// A handler that wants a user does not compile here. FastAPI accepts the
    /// same mistake, a `Depends` that was forgotten:
    ///
    /// ```compile_fail,E0593
    /// use guardhouse::{Method::GET, Request, Response, Route, User};
    ///
    /// fn me(_: &mut Request, user: User) -> Response {
    ///     Response::text(format!("Hello, {}.\n", user.name()))
    /// }
    ///
    /// let row = Route::open(GET, "/me", me);
    /// ```
    ///
    /// The path may have parameters. `{name}` stands for one whole segment, which
    /// may be anything but empty, and [`Request::param`] gives its value. A literal
    /// segment wins over a parameter, in whatever order the rows stand, so
    /// `/notes/new` and `/notes/{id}` can both have rows.
    ///
    /// FastAPI: `@app.get("/notes/{id}")`; there the order of the routes matters.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, Routes};
    ///
    /// fn note(request: &mut Request) -> Response {
    ///     let id = request.param("id").unwrap_or_default();
    ///     Response::text(format!("This is note {id}.\n"))
    /// }
    ///
    /// let routes = Routes::new([Route::open(GET, "/notes/{id}", note)]);
    /// let mut request = Request::parse(b"GET /notes/7 HTTP/1.0\r\n\r\n")?;
    /// assert_eq!(routes.answer(&mut request).body(), b"This is note 7.\n");
    /// # Ok::<(), guardhouse::Error>(())
    /// ```
    ///
    /// With [`Method::Any`] the row takes every method for which its path has no other
    /// row, except TRACE and CONNECT.
    ///
    /// # Panics
    ///
    /// If no request can match the row: the path does not start with `/`, or it
    /// has a `?`, a `#` or a byte outside visible ASCII, or a `%` without two hexadecimal
    /// digits, or a `%XX` that [`Request::path`] would write in another way, such as `%7E`
    /// (`~`) or `%c3` (`%C3`); or the method is TRACE,
    /// CONNECT or unknown. If a parameter is not a whole segment, its name has
    /// other characters than letters, digits and `_`, or two have the same name.
    #[track_caller]
    pub fn open<R: Into<Response>>(
        method: Method,
        path: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Route {
        Route::new(method, path.into(), None, move |request| handler(request).into())
    }

    /// A route behind a guard. The identity that the guard returns is the
    /// handler's second argument. If the guard refuses the request, the refusal
    /// is the answer, and the handler does not run. Both answers say
    /// `Cache-Control: no-store`, unless the handler's says otherwise.
    ///
    /// ```
    /// use guardhouse::{Error, Method::POST, Request, Response, Route, guard};
    ///
    /// fn add_note(request: &mut Request, author: &str) -> Result<Response, Error> {
    ///     let note = request.body()?;
    ///     Ok(Response::text(format!("{author} wrote {} bytes.\n", note.len())))
    /// }
    ///
    /// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
    /// let row = Route::guarded(POST, "/notes", signed_in, add_note);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Route::open`].
    #[track_caller]
    pub fn guarded<T: 'static, R: Into<Response>>(
        method: Method,
        path: impl Into<Cow<'static, str>>,
        guard: impl Into<Guard<T>>,
        handler: impl Fn(&mut Request, T) -> R + Send + Sync + 'static,
    ) -> Route {
        let guard = guard.into();
        let description = guard.description().clone();
        Route::new(method, path.into(), Some(description), move |request| {
            // Step 1: ask the guard.
            let identity = match guard.check(request) {
                Ok(identity) => identity,
                Err(refusal) => {
                    log_refusal(request, &refusal);
                    return Response::from(refusal);
                }
            };

            // Step 2: run the handler with the identity.
            let response: Response = handler(request, identity).into();
            response.for_one_user()
        })
    }

    #[track_caller]
    fn new(
        method: Method,
        path: Cow<'static, str>,
        guard: Option<Description>,
        answer: impl Fn(&mut Request) -> Response + Send + Sync + 'static,
    ) -> Route {
        let is_possible = method == Method::Any || Method::ALL.contains(&method);
        assert!(is_possible, "no route can have the method {method:?}");
        let shown = path.clone();
        let path = Path::parse(path).unwrap_or_else(|wrong| panic!("{shown:?}: {wrong}"));
        Route { method, path, guard, answer: Box::new(answer), summary: "", examples: Vec::new() }
    }

    /// Answers a request that has this row's method and path.
    pub(crate) fn answer(&self, request: &mut Request) -> Response {
        (self.answer)(request)
    }

    /// Adds a line that says what the row is for. The table as text, the OpenAPI
    /// document and the page at `/docs` show it.
    ///
    /// FastAPI: `@app.get("/", summary="…")`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route};
    ///
    /// let home = |_: &mut Request| Response::text("Welcome.\n");
    /// let row = Route::open(GET, "/", home).with_summary("Greets everyone.");
    /// assert_eq!(row.summary(), "Greets everyone.");
    /// ```
    #[must_use]
    pub fn with_summary(mut self, summary: &'static str) -> Route {
        self.summary = summary;
        self
    }

    /// Adds an example of what the handler answers. The OpenAPI document shows
    /// its status, media type and headers. If two examples have the same status,
    /// it shows the first one. Without any example it shows 200 with a JSON
    /// object.
    ///
    /// FastAPI: `response_class=…`, `responses={…}`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route};
    ///
    /// let home = |_: &mut Request| Response::text("Welcome.\n");
    /// let row = Route::open(GET, "/", home).with_example(Response::text(""));
    /// ```
    #[must_use]
    pub fn with_example(mut self, example: Response) -> Route {
        self.examples.push(example);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path, with its parameters in braces.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    /// The path, taken apart.
    pub(crate) fn pattern(&self) -> &Path {
        &self.path
    }

    /// How the guard describes itself; `None` on an open route.
    #[must_use]
    pub fn guard(&self) -> Option<&Description> {
        self.guard.as_ref()
    }

    /// The guard's description as text; `open` on an open route.
    pub(crate) fn guard_text(&self) -> String {
        self.guard().map_or_else(|| "open".to_owned(), Description::to_string)
    }

    /// The summary; empty if there is none.
    #[must_use]
    pub fn summary(&self) -> &str {
        self.summary
    }

    pub(crate) fn examples(&self) -> &[Response] {
        &self.examples
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method.as_str(), self.path(), self.guard_text())
    }
}

/// The access log says that a request was refused; this says why.
fn log_refusal(request: &Request, refusal: &Refusal) {
    if let Some(peer) = request.peer() {
        log::debug!("a guard refuses a request from {peer}: {}", refusal.reason());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::challenge::{Challenge, Refusal};
    use crate::auth::schemes;
    use crate::http::status::Status;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[track_caller]
    fn answer(route: &Route, request: &str) -> (Status, String) {
        let mut request = Request::parse(request.as_bytes()).expect("a valid request");
        let response = route.answer(&mut request);
        (response.status(), String::from_utf8(response.body().to_vec()).expect("text"))
    }

    #[test]
    fn a_request_that_the_guard_refuses_does_not_run_the_handler() {
        let runs = Arc::new(AtomicUsize::new(0));
        let guard = schemes::bearer("r", |token| (token == "t").then_some("Ann"));
        let counted = Arc::clone(&runs);
        let route = Route::guarded(Method::GET, "/me", guard, move |_: &mut Request, name| {
            counted.fetch_add(1, Relaxed);
            Response::text(name)
        });
        let (status, body) = answer(&route, "GET /me HTTP/1.0\r\n\r\n");
        assert_eq!(status, Status::UNAUTHORIZED);
        assert_eq!(body, r#"{"detail":"Not authenticated"}"#);
        assert_eq!(runs.load(Relaxed), 0);
        let (status, body) = answer(&route, "GET /me HTTP/1.0\r\nAuthorization: Bearer t\r\n\r\n");
        assert_eq!((status, body.as_str()), (Status::OK, "Ann"));
        assert_eq!(runs.load(Relaxed), 1);
    }

    #[test]
    fn no_cache_keeps_what_a_guard_let_through_or_refused() {
        let guard = schemes::api_key("X-Key", "r", |key| (key == "k").then_some("Ann"));
        let route = |handler: fn(&mut Request, &str) -> Response| {
            Route::guarded(Method::GET, "/me", guard.clone(), handler)
        };
        let cache_control = |route: &Route, headers: &str| {
            let head = format!("GET /me HTTP/1.0\r\n{headers}\r\n");
            let mut request = Request::parse(head.as_bytes()).expect("a valid request");
            route.answer(&mut request).header("Cache-Control").map(str::to_owned)
        };
        let plain = route(|_, name| Response::text(name.to_owned()));
        for headers in ["", "X-Key: k\r\n", "X-Key: j\r\n", "X-Key: k\r\nX-Key: k\r\n"] {
            assert_eq!(cache_control(&plain, headers).as_deref(), Some("no-store"), "{headers}");
        }
        let missing = route(|_, _| Response::detail(Status::NOT_FOUND, "no note"));
        assert_eq!(cache_control(&missing, "X-Key: k\r\n").as_deref(), Some("no-store"));
        let refused = Route::guarded(Method::GET, "/me", guard.clone(), |_: &mut Request, _| {
            Err::<Response, _>(Refusal::insufficient(Challenge::new("ApiKey", "r")))
        });
        assert_eq!(cache_control(&refused, "X-Key: k\r\n").as_deref(), Some("no-store"));
        let own = route(|_, _| Response::text("").with_header("Cache-Control", "max-age=5"));
        assert_eq!(cache_control(&own, "X-Key: k\r\n").as_deref(), Some("max-age=5"));
        assert_eq!(cache_control(&own, "").as_deref(), Some("no-store"));
        let open = Route::open(Method::GET, "/", |_: &mut Request| Response::text("all"));
        assert_eq!(cache_control(&open, ""), None);
    }

    #[test]
    fn a_closure_is_a_guard() {
        let nobody = |_: &Request| Err::<(), _>(Refusal::missing(Challenge::new("Bearer", "r")));
        let handler = |_: &mut Request, ()| Response::text("in");
        let route = Route::guarded(Method::GET, "/", nobody, handler);
        assert_eq!(answer(&route, "GET / HTTP/1.0\r\n\r\n").0, Status::UNAUTHORIZED);
    }

    #[test]
    fn the_error_of_a_handler_is_the_answer() {
        let read = |request: &mut Request| request.body().map(|_| Response::text("read"));
        let route = Route::open(Method::POST, "/", read);
        let cut_off = "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nhi";
        let (status, body) = answer(&route, cut_off);
        assert_eq!(status, Status::BAD_REQUEST);
        assert_eq!(body, r#"{"detail":"the connection ended inside the content"}"#);
    }

    #[test]
    #[should_panic(expected = "\"me\": no request has this path")]
    fn a_path_that_no_request_can_have_is_refused() {
        let _ = Route::open(Method::GET, "me", |_: &mut Request| Response::text(""));
    }

    #[test]
    #[should_panic(expected = "no route can have the method TRACE")]
    fn a_method_that_no_route_can_have_is_refused() {
        let _ = Route::open(Method::TRACE, "/", |_: &mut Request| Response::text(""));
    }
}

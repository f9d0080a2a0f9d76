//! The table: which handler answers a method and a path, and who stands before
//! it.
//!
//! A row says *open* or *guarded*; there is no third way to write one. Guard and
//! handler are fused into one closure when the row is made, so that no request
//! can reach the one without the other, and the table needs no types of theirs.

use std::borrow::Cow;
use std::fmt;

use crate::auth::guard::{Description, Guard};
use crate::error::Error;
use crate::http::request::{Method, Request};
use crate::http::response::{Response, Status};

/// A row of the table.
pub struct Route {
    method: Method,
    path: Cow<'static, str>,
    guard: Option<Description>,
    answer: Box<dyn Fn(&mut Request) -> Response + Send + Sync>,
    summary: &'static str,
    answers: Vec<Response>,
}

impl Route {
    /// A route that anyone may take.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route};
    ///
    /// fn home(_: &mut Request) -> Response {
    ///     Response::text("Come in.\n")
    /// }
    ///
    /// let row = Route::open(GET, "/", home);
    /// ```
    ///
    /// A handler that wants to know who is there does not compile here. This is
    /// the missing `Depends` that FastAPI lets pass:
    ///
    /// ```compile_fail,E0593
    /// # use guardhouse::{Method::GET, Request, Response, Route};
    /// # struct User { name: String }
    /// fn me(_: &mut Request, user: User) -> Response {
    ///     Response::text(format!("Hello, {}.\n", user.name))
    /// }
    ///
    /// let row = Route::open(GET, "/me", me);
    /// ```
    ///
    /// It needs a guard that knows:
    ///
    /// ```
    /// # use guardhouse::{Method::GET, Request, Response, Route, guard};
    /// # struct User { name: String }
    /// # fn find(token: &str) -> Option<User> { None }
    /// fn me(_: &mut Request, user: User) -> Response {
    ///     Response::text(format!("Hello, {}.\n", user.name))
    /// }
    ///
    /// let row = Route::guarded(GET, "/me", guard::bearer("guardhouse", find), me);
    /// ```
    ///
    /// # Panics
    ///
    /// If no request can ever match: the path has no `/` in front, has a `?`, a
    /// `#` or an byte outside visible ASCII, or the method is TRACE, CONNECT
    /// or unknown.
    #[track_caller]
    pub fn open<R: Into<Response>>(
        method: Method,
        path: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Route {
        Route::new(method, path.into(), None, move |request| handler(request).into())
    }

    /// A route behind a guard: who is refused gets the refusal, and who passes
    /// becomes the handler's second argument.
    ///
    /// ```
    /// use guardhouse::{Method::POST, Request, Response, Route, Error, guard};
    ///
    /// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
    ///
    /// fn add_note(request: &mut Request, author: &str) -> Result<Response, Error> {
    ///     let note = request.body()?;
    ///     Ok(Response::text(format!("{author} wrote {} bytes.\n", note.len())))
    /// }
    ///
    /// let row = Route::guarded(POST, "/notes", signed_in.clone(), add_note);
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
            match guard.check(request) {
                Ok(identity) => handler(request, identity).into(),
                Err(refusal) => refusal.into(),
            }
        })
    }

    /// Rows that stand behind one guard. Each still says that it is guarded.
    ///
    /// FastAPI: `APIRouter(dependencies=[Depends(get_current_user)])`, but every
    /// handler gets the user.
    ///
    /// ```
    /// use guardhouse::{Method::{GET, POST}, Request, Response, Route, Routes, guard};
    ///
    /// fn list(_: &mut Request, author: &'static str) -> Response { Response::text(author) }
    /// fn add(_: &mut Request, author: &'static str) -> Response { Response::text(author) }
    ///
    /// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
    /// let notes = Route::behind(signed_in).guarded(GET, "/notes", list).guarded(POST, "/notes", add);
    /// let home = Route::open(GET, "/", |_: &mut Request| Response::text("Come in.\n"));
    /// let routes: Routes = notes.into_iter().chain([home]).collect();
    /// ```
    pub fn behind<T: 'static>(guard: impl Into<Guard<T>>) -> Behind<T> {
        Behind { guard: guard.into(), routes: Vec::new() }
    }

    #[track_caller]
    fn new(
        method: Method,
        path: Cow<'static, str>,
        guard: Option<Description>,
        answer: impl Fn(&mut Request) -> Response + Send + Sync + 'static,
    ) -> Route {
        assert!(Method::ALL.contains(&method), "no route can have the method {method:?}");
        assert!(
            path.starts_with('/')
                && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte)),
            "no request has the path {path:?}"
        );
        let answer = Box::new(answer);
        Route { method, path, guard, answer, summary: "", answers: Vec::new() }
    }

    /// This row with a line on what it is for. It stands in the table's text, in
    /// the OpenAPI document and on the page ([`Routes::documented`]).
    ///
    /// FastAPI: `@app.get("/", summary="…")`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route};
    ///
    /// let home = |_: &mut Request| Response::text("Come in.\n");
    /// let row = Route::open(GET, "/", home).summary("Greets everyone.");
    /// assert_eq!(row.about(), "Greets everyone.");
    /// ```
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Route {
        self.summary = summary;
        self
    }

    /// This row with an answer that its handler gives, for the OpenAPI document:
    /// its status, its media type and its fields count, as an example; of two
    /// with one status, the first. A row that says nothing is taken to answer
    /// 200 with a JSON object.
    ///
    /// FastAPI: `response_class=…`, `responses={…}`.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route};
    ///
    /// let home = |_: &mut Request| Response::text("Come in.\n");
    /// let row = Route::open(GET, "/", home).answers(Response::text(""));
    /// ```
    #[must_use]
    pub fn answers(mut self, example: Response) -> Route {
        self.answers.push(example);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the guard says of itself; `None` on an open route.
    #[must_use]
    pub fn guard(&self) -> Option<&Description> {
        self.guard.as_ref()
    }

    /// The summary; empty if there is none.
    #[must_use]
    pub fn about(&self) -> &str {
        self.summary
    }

    /// Examples of what the handler answers.
    pub(crate) fn examples(&self) -> &[Response] {
        &self.answers
    }

    /// Who stands before it, in a word or two.
    pub(crate) fn guarded_by(&self) -> String {
        self.guard.as_ref().map_or_else(|| "open".to_owned(), Description::to_string)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method.as_str(), self.path, self.guarded_by())
    }
}

/// Rows behind one guard, from [`Route::behind`].
pub struct Behind<T> {
    guard: Guard<T>,
    routes: Vec<Route>,
}

impl<T: 'static> Behind<T> {
    /// One more row behind the guard.
    ///
    /// # Panics
    ///
    /// As [`Route::open`].
    #[must_use]
    #[track_caller]
    pub fn guarded<R: Into<Response>>(
        mut self,
        method: Method,
        path: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut Request, T) -> R + Send + Sync + 'static,
    ) -> Behind<T> {
        self.routes.push(Route::guarded(method, path, self.guard.clone(), handler));
        self
    }

    /// The row before, with its [summary](Route::summary).
    ///
    /// ```
    /// use guardhouse::{Method::{DELETE, GET}, Request, Response, Route, Status, guard};
    ///
    /// fn show(_: &mut Request, author: &'static str) -> Response { Response::text(author) }
    /// fn drop(_: &mut Request, _: &'static str) -> Response { Response::new(Status::NO_CONTENT) }
    ///
    /// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
    /// let notes = Route::behind(signed_in)
    ///     .guarded(GET, "/notes", show).summary("Shows all notes.")
    ///     .guarded(DELETE, "/notes", drop).summary("Drops all notes.")
    ///     .answers(Response::new(Status::NO_CONTENT));
    /// let summaries: Vec<String> = notes.into_iter().map(|row| row.about().to_owned()).collect();
    /// assert_eq!(summaries, ["Shows all notes.", "Drops all notes."]);
    /// ```
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Behind<T> {
        let last = self.routes.pop().map(|route| route.summary(summary));
        self.routes.extend(last);
        self
    }

    /// The row before, with an [answer](Route::answers) that it gives, as above.
    #[must_use]
    pub fn answers(mut self, example: Response) -> Behind<T> {
        let last = self.routes.pop().map(|route| route.answers(example));
        self.routes.extend(last);
        self
    }
}

impl<T> IntoIterator for Behind<T> {
    type Item = Route;
    type IntoIter = std::vec::IntoIter<Route>;

    fn into_iter(self) -> Self::IntoIter {
        self.routes.into_iter()
    }
}

/// The table.
///
/// It answers without a socket, which is how routes are tested:
///
/// ```
/// use guardhouse::{Method::GET, Request, Response, Route, Routes};
///
/// let routes = Routes::new([Route::open(GET, "/", |_: &mut Request| Response::text("Hi.\n"))]);
/// let mut request = Request::parse(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
/// assert_eq!(routes.answer(&mut request).body(), b"Hi.\n");
/// # Ok::<(), guardhouse::Error>(())
/// ```
#[derive(Debug)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// A table of these rows.
    ///
    /// # Panics
    ///
    /// If two rows have the same method and path: one would never be reached.
    #[track_caller]
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Routes {
        let routes: Vec<Route> = routes.into_iter().collect();
        for (index, route) in routes.iter().enumerate() {
            let same = |other: &Route| other.method == route.method && other.path == route.path;
            assert!(!routes.iter().take(index).any(same), "the table has {route:?} twice");
        }
        Routes(routes)
    }

    /// The rows, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// Answers a request: by its row, or with 404, 405, 501, or for OPTIONS
    /// with 204 and what is allowed.
    pub fn answer(&self, request: &mut Request) -> Response {
        let method = request.method();
        // HEAD is GET whose content is not sent (RFC 9110 §9.3.2).
        let wanted = [method, if method == Method::HEAD { Method::GET } else { method }];
        for wanted in wanted {
            let matches = |route: &&Route| route.method == wanted && route.path == request.path();
            if let Some(route) = self.0.iter().find(matches) {
                return (route.answer)(request);
            }
        }
        match method {
            Method::Unknown => Error::MethodUnknown.into(),
            Method::CONNECT => Error::Connect.into(),
            // TRACE would send a client's credentials back to whoever reads its
            // answers (RFC 9110 §9.3.8), so no resource has it.
            Method::TRACE => self.not_allowed(request.path()),
            Method::OPTIONS if self.has(request.path()) => {
                Response::new(Status::NO_CONTENT).with_header("Allow", self.allow(request.path()))
            }
            _ if self.has(request.path()) => self.not_allowed(request.path()),
            _ => Response::detail(Status::NOT_FOUND, "Not Found"),
        }
    }

    fn not_allowed(&self, path: &str) -> Response {
        // "The origin server MUST generate an Allow header field in a 405
        // response" (RFC 9110 §15.5.6).
        Response::detail(Status::METHOD_NOT_ALLOWED, "Method Not Allowed")
            .with_header("Allow", self.allow(path))
    }

    /// Whether the table knows a path. `*` is the server itself (RFC 9110 §9.3.7).
    fn has(&self, path: &str) -> bool {
        path == "*" || self.0.iter().any(|route| route.path == path)
    }

    /// The methods of a path, as the Allow field has them.
    fn allow(&self, path: &str) -> String {
        let has = |method: Method| {
            self.0.iter().any(|route| route.method == method && (route.path == path || path == "*"))
        };
        let allowed = |method: &Method| match method {
            Method::HEAD => has(Method::HEAD) || has(Method::GET),
            Method::OPTIONS => self.has(path),
            other => has(*other),
        };
        let names: Vec<&str> = Method::ALL
            .iter()
            .filter(|method| allowed(method))
            .map(|method| method.as_str())
            .collect();
        names.join(", ")
    }
}

/// The table as text, aligned: what `guardhouse --routes` prints.
impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["METHOD", "PATH", "GUARD", "SUMMARY"].map(str::to_owned);
        let rows = self.iter().map(|route| {
            let method = route.method().as_str().to_owned();
            [method, route.path().to_owned(), route.guarded_by(), route.about().to_owned()]
        });
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [methods, paths, guards] = [0, 1, 2].map(width);
        for [method, path, guard, summary] in &rows {
            let line = format!("{method:methods$}  {path:paths$}  {guard:guards$}  {summary}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl IntoIterator for Routes {
    type Item = Route;
    type IntoIter = std::vec::IntoIter<Route>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<I: IntoIterator<Item = Route>>(routes: I) -> Routes {
        Routes::new(routes)
    }
}

impl<const N: usize> From<[Route; N]> for Routes {
    fn from(routes: [Route; N]) -> Routes {
        Routes::new(routes)
    }
}

impl From<Vec<Route>> for Routes {
    fn from(routes: Vec<Route>) -> Routes {
        Routes::new(routes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::challenge::{Challenge, Refusal};
    use crate::auth::guard;

    fn table() -> Routes {
        let guard = guard::bearer("r", |token| (token == "t").then_some("Ann"));
        Routes::new([
            Route::open(Method::GET, "/", |_: &mut Request| Response::text("home")),
            Route::open(Method::POST, "/", |request: &mut Request| {
                request.body().map(<[u8]>::to_vec).map(|body| {
                    Response::new(Status::OK).with_body("application/octet-stream", body)
                })
            }),
            Route::guarded(Method::GET, "/me", guard, |_: &mut Request, name| Response::text(name)),
        ])
    }

    #[track_caller]
    fn answer(request: &str) -> (u16, String, Option<String>) {
        let mut request = Request::parse(request.as_bytes()).expect("a valid request");
        let response = table().answer(&mut request);
        (
            response.status().code(),
            String::from_utf8(response.body().to_vec()).expect("text"),
            response.header("Allow").map(str::to_owned),
        )
    }

    #[test]
    fn a_request_reaches_its_row() {
        assert_eq!(answer("GET / HTTP/1.0\r\n\r\n"), (200, "home".into(), None));
        assert_eq!(answer("HEAD / HTTP/1.0\r\n\r\n"), (200, "home".into(), None));
        let post = "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(answer(post), (200, "hi".into(), None));
    }

    #[test]
    fn a_handlers_error_is_its_answer() {
        let (status, body, _) = answer("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nhi");
        assert_eq!(status, 400);
        assert_eq!(body, r#"{"detail":"the connection ended inside the content"}"#);
    }

    #[test]
    fn a_guard_stands_before_its_handler() {
        let (status, body, _) = answer("GET /me HTTP/1.0\r\nAuthorization: Bearer t\r\n\r\n");
        assert_eq!((status, body.as_str()), (200, "Ann"));
        assert_eq!(answer("GET /me HTTP/1.0\r\n\r\n").0, 401);
        assert_eq!(answer("HEAD /me HTTP/1.0\r\n\r\n").0, 401);
    }

    #[test]
    fn a_closure_is_a_guard() {
        let nobody = |_: &Request| Err::<(), _>(Refusal::missing(Challenge::new("Bearer", "r")));
        let route =
            Route::guarded(Method::GET, "/", nobody, |_: &mut Request, ()| Response::text("in"));
        let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").expect("a valid request");
        assert_eq!(Routes::new([route]).answer(&mut request).status(), Status::UNAUTHORIZED);
    }

    #[test]
    fn what_is_not_in_the_table_is_404_405_or_501() {
        let not_found = (404, r#"{"detail":"Not Found"}"#.to_owned(), None);
        for path in ["/nope", "//", "/me/", "/ME", "/me%2F"] {
            assert_eq!(answer(&format!("GET {path} HTTP/1.0\r\n\r\n")), not_found, "{path}");
        }
        let not_allowed = |allow: &str| {
            (405, r#"{"detail":"Method Not Allowed"}"#.to_owned(), Some(allow.to_owned()))
        };
        assert_eq!(answer("PUT / HTTP/1.0\r\n\r\n"), not_allowed("GET, HEAD, POST, OPTIONS"));
        assert_eq!(answer("POST /me HTTP/1.0\r\n\r\n"), not_allowed("GET, HEAD, OPTIONS"));
        assert_eq!(answer("TRACE / HTTP/1.0\r\n\r\n"), not_allowed("GET, HEAD, POST, OPTIONS"));
        assert_eq!(answer("TRACE /nope HTTP/1.0\r\n\r\n"), not_allowed(""));
        assert_eq!(answer("BREW / HTTP/1.0\r\n\r\n").0, 501);
        assert_eq!(answer("get / HTTP/1.0\r\n\r\n").0, 501);
        assert_eq!(answer("CONNECT a:80 HTTP/1.0\r\n\r\n").0, 501);
    }

    #[test]
    fn options_says_what_is_allowed() {
        let allowed = |allow: &str| (204, String::new(), Some(allow.to_owned()));
        assert_eq!(answer("OPTIONS /me HTTP/1.0\r\n\r\n"), allowed("GET, HEAD, OPTIONS"));
        assert_eq!(answer("OPTIONS * HTTP/1.0\r\n\r\n"), allowed("GET, HEAD, POST, OPTIONS"));
        assert_eq!(answer("OPTIONS /nope HTTP/1.0\r\n\r\n").0, 404);
    }

    #[test]
    fn the_table_is_text_in_columns() {
        let guard = guard::bearer("r", |token| (token == "t").then_some("Ann"));
        let me = |_: &mut Request, name| Response::text(name);
        let behind = Route::behind(guard)
            .guarded(Method::GET, "/me", me)
            .summary("Says who you are.")
            .guarded(Method::DELETE, "/me", me);
        let home = Route::open(Method::GET, "/", |_: &mut Request| Response::text("home"));
        let routes: Routes = [home.summary("Greets.")].into_iter().chain(behind).collect();
        assert_eq!(
            routes.to_string(),
            "METHOD  PATH  GUARD   SUMMARY\n\
             GET     /     open    Greets.\n\
             GET     /me   Bearer  Says who you are.\n\
             DELETE  /me   Bearer\n"
        );
    }

    #[test]
    #[should_panic(expected = "the table has GET / (open) twice")]
    fn a_row_stands_in_the_table_once() {
        let row = || Route::open(Method::GET, "/", |_: &mut Request| Response::text(""));
        let _ = Routes::new([row(), row()]);
    }

    #[test]
    #[should_panic(expected = "no request has the path \"me\"")]
    fn a_path_that_no_request_has_is_refused() {
        let _ = Route::open(Method::GET, "me", |_: &mut Request| Response::text(""));
    }
}

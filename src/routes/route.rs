//! A row of the table: a method, a path, a guard or none, and a handler.

use std::borrow::Cow;
use std::fmt;

use crate::auth::description::Description;
use crate::auth::guard::Guard;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;

/// A row of the table.
pub struct Route {
    pub(crate) method: Method,
    pub(crate) path: Cow<'static, str>,
    guard: Option<Description>,
    pub(crate) answer: Box<dyn Fn(&mut Request) -> Response + Send + Sync>,
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
    /// let row = Route::open(GET, "/", home).with_summary("Greets everyone.");
    /// assert_eq!(row.summary(), "Greets everyone.");
    /// ```
    #[must_use]
    pub fn with_summary(mut self, summary: &'static str) -> Route {
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
    /// let row = Route::open(GET, "/", home).with_example(Response::text(""));
    /// ```
    #[must_use]
    pub fn with_example(mut self, example: Response) -> Route {
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
    pub fn summary(&self) -> &str {
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

    /// The row before, with its [summary](Route::with_summary).
    ///
    /// ```
    /// use guardhouse::{Method::{DELETE, GET}, Request, Response, Route, Status, guard};
    ///
    /// fn show(_: &mut Request, author: &'static str) -> Response { Response::text(author) }
    /// fn drop(_: &mut Request, _: &'static str) -> Response { Response::new(Status::NO_CONTENT) }
    ///
    /// let signed_in = guard::bearer("guardhouse", |token| (token == "abc").then_some("Ann"));
    /// let notes = Route::behind(signed_in)
    ///     .guarded(GET, "/notes", show).with_summary("Shows all notes.")
    ///     .guarded(DELETE, "/notes", drop).with_summary("Drops all notes.")
    ///     .with_example(Response::new(Status::NO_CONTENT));
    /// let summaries: Vec<String> = notes.into_iter().map(|row| row.summary().to_owned()).collect();
    /// assert_eq!(summaries, ["Shows all notes.", "Drops all notes."]);
    /// ```
    #[must_use]
    pub fn with_summary(mut self, summary: &'static str) -> Behind<T> {
        let last = self.routes.pop().map(|route| route.with_summary(summary));
        self.routes.extend(last);
        self
    }

    /// The row before, with an [example](Route::with_example) that it gives, as above.
    #[must_use]
    pub fn with_example(mut self, example: Response) -> Behind<T> {
        let last = self.routes.pop().map(|route| route.with_example(example));
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

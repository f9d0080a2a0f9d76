//! The route table: finds the row for a request.
//!
//! The connection calls [`Routes::answer`] once per request. If a row has the
//! method and the path, that row answers. If not, the table itself answers: 404,
//! 405, 501, or 204 for OPTIONS.

use std::fmt;

use crate::error::Error;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::routes::route::Route;
use crate::routes::tree::Tree;

/// The route table. It answers requests without a socket, so a test of your
/// routes needs none:
///
/// ```
/// use guardhouse::{Method::GET, Request, Response, Route, Routes};
///
/// let routes = Routes::new([Route::open(GET, "/", |_: &mut Request| Response::text("Hi.\n"))]);
/// let mut request = Request::parse(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
/// assert_eq!(routes.answer(&mut request).body(), b"Hi.\n");
/// # Ok::<(), guardhouse::Error>(())
/// ```
pub struct Routes {
    rows: Vec<Route>,
    tree: Tree,
    map: Option<Map>,
}

/// What [`Routes::map_answers`] was given.
type Map = Box<dyn Fn(&Request, Response) -> Response + Send + Sync>;

impl Routes {
    /// A table of these rows. Their order decides nothing.
    ///
    /// # Panics
    ///
    /// If two rows match the same requests: the same method, and paths that differ in
    /// the names of their parameters at most. No request would reach the second row.
    #[track_caller]
    pub fn new(rows: impl IntoIterator<Item = Route>) -> Routes {
        let rows: Vec<Route> = rows.into_iter().collect();
        let mut tree = Tree::default();
        for (number, row) in rows.iter().enumerate() {
            let before =
                tree.add(row.pattern(), number).iter().filter_map(|other| rows.get(*other));
            if let Some(other) = before.into_iter().find(|other| other.method() == row.method()) {
                panic!("{row:?} matches the same requests as {other:?}");
            }
        }
        Routes { rows, tree, map: None }
    }

    /// Passes every answer of the table through one function, with its request: those of
    /// handlers and guards, 404, 405, 501, and the 204 of OPTIONS; also the 500 after a
    /// panic. For headers that all answers need, such as those of CORS or a request id.
    ///
    /// Errors in a head (400, 408, 431 …) do not pass it: there is no request then. A
    /// second call comes after the first.
    ///
    /// Change the answer that `map` gets. If it makes a new one, all headers of the old
    /// one are gone, also the challenge of a 401; only `no-store` and the close of the
    /// connection are kept.
    ///
    /// ```
    /// use guardhouse::{Method::GET, Request, Response, Route, Routes};
    ///
    /// let home = |_: &mut Request| Response::text("Welcome.\n");
    /// let routes = Routes::new([Route::open(GET, "/", home)])
    ///     .map_answers(|_, answer| answer.with_header("X-Frame-Options", "DENY"));
    /// let mut request = Request::parse(b"GET /nope HTTP/1.0\r\n\r\n")?;
    /// assert_eq!(routes.answer(&mut request).header("X-Frame-Options"), Some("DENY"));
    /// # Ok::<(), guardhouse::Error>(())
    /// ```
    #[must_use]
    pub fn map_answers(
        mut self,
        map: impl Fn(&Request, Response) -> Response + Send + Sync + 'static,
    ) -> Routes {
        self.map = Some(match self.map.take() {
            None => Box::new(map),
            Some(first) => Box::new(move |request, answer| map(request, first(request, answer))),
        });
        self
    }

    /// Answers a request.
    ///
    /// The path decides first, then the method: if `/notes/new` has a row for GET only,
    /// a POST to it gets 405, also if `/notes/{id}` has a row for POST.
    pub fn answer<'r>(&'r self, request: &mut Request<'_, 'r>) -> Response {
        let answer = self.own_answer(request);
        self.mapped(request, answer)
    }

    /// The answer after [`map_answers`](Routes::map_answers). It closes the connection
    /// where the answer before did, and what was for one user stays so.
    pub(crate) fn mapped(&self, request: &Request, answer: Response) -> Response {
        let Some(map) = &self.map else { return answer };
        let (closes, no_store) = (answer.closes(), answer.no_store());
        let mapped = map(request, answer.changeable()).closing(closes);
        if no_store { mapped.for_one_user() } else { mapped }
    }

    fn own_answer<'r>(&'r self, request: &mut Request<'_, 'r>) -> Response {
        let method = request.method();

        // Step 1: the rows that match the path, and among them the one for the method.
        let numbers = self.tree.find(request.path());
        if let Some(row) = self.row_for(method, numbers) {
            return match request.set_params(row.pattern().params()) {
                Ok(()) => row.answer(request),
                Err(error) => Response::from(error).ignoring_body(),
            };
        }

        // Step 2: there is no such row, so the table itself answers. Nothing reads the
        // body, and it may be one that never comes.
        self.answer_without_row(request, numbers).ignoring_body()
    }

    fn answer_without_row(&self, request: &Request, numbers: &[usize]) -> Response {
        let allow = self.allow(request.path(), numbers);
        match request.method() {
            Method::Unknown => Error::MethodUnknown.into(),
            Method::CONNECT => Error::Connect.into(),
            // TRACE is 405 on every path, even on one without a row.
            method if allow.is_empty() && method != Method::TRACE => {
                Response::detail(Status::NOT_FOUND, "Not Found")
            }
            Method::OPTIONS => Response::new(Status::NO_CONTENT).with_header("Allow", allow),
            // "The origin server MUST generate an Allow header field in a 405
            // response" (RFC 9110 §15.5.6).
            _ => Response::detail(Status::METHOD_NOT_ALLOWED, "Method Not Allowed")
                .with_header("Allow", allow),
        }
    }

    /// The rows, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.rows.iter()
    }

    /// This table with these rows instead of its own.
    pub(super) fn with_rows(self, change: impl FnOnce(Vec<Route>) -> Vec<Route>) -> Routes {
        let Routes { rows, map, .. } = self;
        Routes { map, ..Routes::new(change(rows)) }
    }

    /// The row for a method, among the rows with these numbers.
    fn row_for(&self, method: Method, numbers: &[usize]) -> Option<&Route> {
        let row = |wanted| self.rows_of(numbers).find(|row| row.method() == wanted);
        match (row(method), method) {
            (Some(row), _) => Some(row),
            // The answer to TRACE would contain the client's credentials (RFC 9110 §9.3.8).
            (None, Method::TRACE) => None,
            // HEAD is GET without the body, which the connection leaves out (RFC 9110
            // §9.3.2).
            (None, Method::HEAD) => row(Method::GET).or_else(|| row(Method::Any)),
            (None, _) => row(Method::Any),
        }
    }

    fn rows_of(&self, numbers: &[usize]) -> impl Iterator<Item = &Route> {
        numbers.iter().filter_map(|number| self.rows.get(*number))
    }

    /// The methods of the rows with these numbers, as the Allow header lists them; empty
    /// if there are none. `*` is the server itself (RFC 9110 §9.3.7), so it has the
    /// methods of all rows.
    fn allow(&self, path: &str, numbers: &[usize]) -> String {
        let mut methods: Vec<Method> = if path == "*" {
            self.rows.iter().map(Route::method).collect()
        } else if numbers.is_empty() {
            return String::new();
        } else {
            self.rows_of(numbers).map(Route::method).collect()
        };
        // These two need no row: the table answers OPTIONS, and GET's row HEAD.
        methods.push(Method::OPTIONS);
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        let takes = |method: &_| methods.contains(method) || methods.contains(&Method::Any);
        let names = Method::ALL.into_iter().filter(takes);
        names.map(Method::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rows).finish()
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<I: IntoIterator<Item = Route>>(rows: I) -> Routes {
        Routes::new(rows)
    }
}

impl<I: IntoIterator<Item = Route>> From<I> for Routes {
    fn from(rows: I) -> Routes {
        Routes::new(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::challenge::{Challenge, Refusal};
    use crate::auth::guard::Guard;
    use crate::auth::schemes;
    use crate::http::response::Closes;

    fn table() -> Routes {
        let guard = schemes::bearer("r", |token| (token == "t").then_some("Ann"));
        Routes::new([
            Route::open(Method::GET, "/", |_: &mut Request| Response::text("home")),
            Route::open(Method::POST, "/", |_: &mut Request| Response::text("posted")),
            Route::guarded(Method::GET, "/me", guard, |_: &mut Request, name| Response::text(name)),
        ])
    }

    /// Status, body and Allow header of the answer.
    #[track_caller]
    fn answer(request: &str) -> (u16, String, Option<String>) {
        let head = format!("{request} HTTP/1.0\r\n\r\n");
        let mut request = Request::parse(head.as_bytes()).expect("a valid request");
        let response = table().answer(&mut request);
        (
            response.status().code(),
            String::from_utf8(response.body().to_vec()).expect("text"),
            response.header("Allow").map(str::to_owned),
        )
    }

    fn not_found() -> (u16, String, Option<String>) {
        (404, r#"{"detail":"Not Found"}"#.to_owned(), None)
    }

    fn not_allowed(allow: &str) -> (u16, String, Option<String>) {
        (405, r#"{"detail":"Method Not Allowed"}"#.to_owned(), Some(allow.to_owned()))
    }

    fn no_content(allow: &str) -> (u16, String, Option<String>) {
        (204, String::new(), Some(allow.to_owned()))
    }

    #[test]
    fn a_request_gets_the_answer_of_its_row() {
        assert_eq!(answer("GET /"), (200, "home".to_owned(), None));
        assert_eq!(answer("POST /"), (200, "posted".to_owned(), None));
        assert_eq!(answer("GET /me").0, 401);
    }

    #[test]
    fn head_gets_the_answer_of_get_and_its_guard_as_well() {
        assert_eq!(answer("HEAD /"), (200, "home".to_owned(), None));
        assert_eq!(answer("HEAD /me").0, 401);
        assert_eq!(answer("HEAD /nope"), not_found());
    }

    #[test]
    fn head_prefers_a_row_of_its_own() {
        let row =
            |method, text| Route::open(method, "/", move |_: &mut Request| Response::text(text));
        let routes = Routes::new([row(Method::GET, "get"), row(Method::HEAD, "head")]);
        let mut request = Request::parse(b"HEAD / HTTP/1.0\r\n\r\n").expect("a valid request");
        assert_eq!(routes.answer(&mut request).body(), b"head");
    }

    #[test]
    fn a_row_for_any_method_takes_those_that_have_no_row() {
        let row =
            |method, text| Route::open(method, "/", move |_: &mut Request| Response::text(text));
        let routes = Routes::new([row(Method::Any, "any"), row(Method::GET, "get")]);
        let answer = |request: &str| {
            let head = format!("{request} HTTP/1.0\r\n\r\n");
            let mut request = Request::parse(head.as_bytes()).expect("a valid request");
            routes.answer(&mut request)
        };
        for method in ["GET", "HEAD"] {
            assert_eq!(answer(&format!("{method} /")).body(), b"get", "{method}");
        }
        for method in ["POST", "OPTIONS", "PROPFIND", "PURGE", "get", "any", "M-SEARCH", "!"] {
            assert_eq!(answer(&format!("{method} /")).body(), b"any", "{method}");
        }
        let all = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        let trace = answer("TRACE /");
        assert_eq!((trace.status().code(), trace.header("Allow")), (405, Some(all)));
        assert_eq!(answer("CONNECT a:80").status().code(), 501);
        assert_eq!(answer("PROPFIND /nope").status().code(), 501);
        assert_eq!(answer("OPTIONS *").header("Allow"), Some(all));
    }

    /// `METHOD PATH` of the row that answers, and the parameter `id`; or the status.
    fn row_that_answers(rows: &[(Method, &'static str)], request: &str) -> String {
        let routes = rows.iter().map(|&(method, path)| {
            Route::open(method, path, move |request: &mut Request| {
                let id = request.param("id").unwrap_or("no id");
                Response::text(format!("{} {path} {id}", method.as_str()))
            })
        });
        let routes: Routes = routes.collect();
        let head = format!("{request} HTTP/1.0\r\n\r\n");
        let mut request = Request::parse(head.as_bytes()).expect("a valid request");
        let response = routes.answer(&mut request);
        match response.status() {
            Status::OK => String::from_utf8_lossy(response.body()).into_owned(),
            status => format!("{} {}", status.code(), response.header("Allow").unwrap_or("-")),
        }
    }

    #[test]
    fn a_row_with_a_parameter_answers_for_each_value() {
        let rows = [
            (Method::GET, "/notes/{id}"),
            (Method::DELETE, "/notes/{id}"),
            (Method::GET, "/notes/new"),
            (Method::POST, "/notes/{id}/tags"),
        ];
        for (request, answer) in [
            ("GET /notes/7", "GET /notes/{id} 7"),
            ("HEAD /notes/7", "GET /notes/{id} 7"),
            ("DELETE /notes/7", "DELETE /notes/{id} 7"),
            ("GET /notes/new", "GET /notes/new no id"),
            ("GET /notes/a%2Fb%20c", "GET /notes/{id} a/b c"),
            ("GET /notes/%6Eew", "GET /notes/new no id"),
            ("POST /notes/7/tags", "POST /notes/{id}/tags 7"),
            // The path decides before the method.
            ("DELETE /notes/new", "405 GET, HEAD, OPTIONS"),
            ("PUT /notes/7", "405 GET, HEAD, DELETE, OPTIONS"),
            ("OPTIONS /notes/7", "204 GET, HEAD, DELETE, OPTIONS"),
            ("GET /notes/", "404 -"),
            ("GET /notes/7/", "404 -"),
            ("GET /notes/%ff", "400 -"),
            ("DELETE /notes/%c3", "400 -"),
            ("PUT /notes/%ff", "405 GET, HEAD, DELETE, OPTIONS"),
        ] {
            assert_eq!(row_that_answers(&rows, request), answer, "{request}");
        }
    }

    #[test]
    fn rows_of_one_path_may_name_its_parameter_differently() {
        let rows = [(Method::GET, "/notes/{note}"), (Method::DELETE, "/notes/{id}")];
        assert_eq!(row_that_answers(&rows, "GET /notes/7"), "GET /notes/{note} no id");
        assert_eq!(row_that_answers(&rows, "DELETE /notes/7"), "DELETE /notes/{id} 7");
    }

    #[test]
    #[should_panic(expected = "GET /{b}/x (open) matches the same requests as GET /{a}/x (open)")]
    fn rows_that_differ_in_the_name_of_a_parameter_only_are_refused() {
        let row = |path| Route::open(Method::GET, path, |_: &mut Request| Response::text(""));
        let _ = Routes::new([row("/{a}/x"), row("/{a}/{b}"), row("/{b}/x")]);
    }

    #[test]
    fn every_answer_passes_the_function_for_all_answers() {
        let named = |request: &Request, answer: Response| {
            let id = request.header("X-Id").unwrap_or("none").to_owned();
            answer.with_header("X-Id", id)
        };
        let routes = table().map_answers(named).documented("t", "1");
        for (request, status) in [
            ("GET /", 200),
            ("GET /docs.txt", 200),
            ("GET /me", 401),
            ("GET /nope", 404),
            ("PUT /", 405),
            ("OPTIONS /", 204),
            ("BREW /", 501),
        ] {
            let head = format!("{request} HTTP/1.0\r\nX-Id: 7\r\n\r\n");
            let mut request = Request::parse(head.as_bytes()).expect("a valid request");
            let answer = routes.answer(&mut request);
            assert_eq!((answer.status().code(), answer.header("X-Id")), (status, Some("7")));
        }
    }

    #[test]
    fn two_spellings_of_one_path_reach_the_same_row() {
        let closed = Guard::new(|_: &Request| Err::<(), _>(Refusal::hidden()));
        let row = |_: &mut Request| Response::text("open");
        let routes = Routes::new([
            Route::guarded(Method::GET, "/caf%C3%A9", closed, |_: &mut Request, ()| {
                Response::text("closed")
            }),
            Route::open(Method::GET, "/{name}", row),
        ]);
        for (path, status) in [("caf%C3%A9", 404), ("caf%c3%a9", 404), ("%63afe", 200)] {
            let head = format!("GET /{path} HTTP/1.0\r\n\r\n");
            let answer = routes.answer(&mut Request::parse(head.as_bytes()).unwrap());
            assert_eq!(answer.status().code(), status, "{path}");
        }
    }

    #[test]
    fn an_answer_with_an_invalid_header_passes_the_function_for_all_answers() {
        let broken = |_: &mut Request| Response::text("").with_header("X-B", "a\nb");
        let routes = Routes::new([Route::open(Method::GET, "/", broken)])
            .map_answers(|_, answer| answer.with_header("X-A", "1"));
        let answer = routes.answer(&mut Request::parse(b"GET / HTTP/1.0\r\n\r\n").unwrap());
        assert_eq!((answer.status().code(), answer.header("X-A")), (500, Some("1")));
        assert_eq!(answer.header("X-B"), None);
    }

    #[test]
    fn two_functions_for_all_answers_run_in_order() {
        let routes = table().map_answers(|_, answer| answer.with_header("X-A", "1")).map_answers(
            |_, answer| match answer.header("X-A") {
                Some("1") => Response::text("second").with_header("X-B", "2"),
                _ => Response::text("no"),
            },
        );
        let mut request = Request::parse(b"GET / HTTP/1.0\r\n\r\n").expect("a valid request");
        assert_eq!(routes.answer(&mut request).body(), b"second");
    }

    #[test]
    fn a_new_response_for_all_answers_closes_what_the_old_one_closed() {
        let routes = Routes::new([Route::open(Method::POST, "/", |request: &mut Request| {
            request.body().map(|_| Response::text("read"))
        })]);
        let routes = routes.map_answers(|_, _| Response::text("another"));
        let cut_off = b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nhi";
        let mut request = Request::parse(cut_off).expect("a valid head");
        assert_eq!(routes.answer(&mut request).closes(), Closes::Always);
    }

    #[test]
    fn a_new_response_for_all_answers_is_stored_no_more_than_the_old_one() {
        let another = |_: &Request, answer: Response| match answer.status() {
            Status::NOT_FOUND => Response::text("none").with_header("Cache-Control", "private"),
            status => Response::text("another").with_status(status),
        };
        let guard = schemes::api_key("X-Key", "r", |key| (key == "k").then_some("Ann"));
        let routes = Routes::new([
            Route::open(Method::GET, "/", |_: &mut Request| Response::text("home")),
            Route::guarded(Method::GET, "/me", guard, |_: &mut Request, name| Response::text(name)),
        ]);
        let routes = routes.map_answers(another);
        for (request, cache_control) in [
            ("GET /me HTTP/1.0\r\nX-Key: k", Some("no-store")),
            ("GET /me HTTP/1.0", Some("no-store")),
            ("GET /nope HTTP/1.0", Some("private")),
            ("GET / HTTP/1.0", None),
        ] {
            let head = format!("{request}\r\n\r\n");
            let mut request = Request::parse(head.as_bytes()).expect("a valid request");
            assert_eq!(
                routes.answer(&mut request).header("Cache-Control"),
                cache_control,
                "{head}"
            );
        }
    }

    #[test]
    fn a_guard_sees_the_parameters() {
        let guard = |request: &Request| match request.param("owner") {
            Some("Ann") => Ok(()),
            _ => Err(Refusal::missing(Challenge::new("Bearer", "r"))),
        };
        let handler = |_: &mut Request, ()| Response::text("Ann's");
        let routes = Routes::new([Route::guarded(Method::GET, "/{owner}/notes", guard, handler)]);
        for (path, status) in [("/Ann/notes", 200), ("/%41nn/notes", 200), ("/Bob/notes", 401)] {
            let head = format!("GET {path} HTTP/1.0\r\n\r\n");
            let mut request = Request::parse(head.as_bytes()).expect("a valid request");
            assert_eq!(routes.answer(&mut request).status().code(), status, "{path}");
        }
    }

    #[test]
    fn a_path_that_no_row_has_is_404() {
        for path in ["/nope", "//", "/me/", "/ME", "/me%2F"] {
            assert_eq!(answer(&format!("GET {path}")), not_found(), "{path}");
        }
        assert_eq!(answer("OPTIONS /nope"), not_found());
    }

    #[test]
    fn a_method_that_the_path_does_not_have_is_405_with_allow() {
        assert_eq!(answer("PUT /"), not_allowed("GET, HEAD, POST, OPTIONS"));
        assert_eq!(answer("POST /me"), not_allowed("GET, HEAD, OPTIONS"));
    }

    #[test]
    fn trace_is_405_on_every_path() {
        assert_eq!(answer("TRACE /"), not_allowed("GET, HEAD, POST, OPTIONS"));
        assert_eq!(answer("TRACE /nope"), not_allowed(""));
    }

    #[test]
    fn connect_and_unknown_methods_are_501() {
        assert_eq!(answer("BREW /").0, 501);
        assert_eq!(answer("get /").0, 501);
        assert_eq!(answer("BREW /nope").0, 501);
        assert_eq!(answer("CONNECT a:80").0, 501);
    }

    #[test]
    fn options_gets_the_methods_of_the_path() {
        assert_eq!(answer("OPTIONS /me"), no_content("GET, HEAD, OPTIONS"));
        assert_eq!(answer("OPTIONS *"), no_content("GET, HEAD, POST, OPTIONS"));
    }

    #[test]
    fn options_for_the_server_is_answered_by_an_empty_table_and_by_no_row() {
        let options = Route::open(Method::OPTIONS, "/", |_: &mut Request| Response::text("row"));
        for routes in [Routes::new([]), Routes::new([options])] {
            let mut request = Request::parse(b"OPTIONS * HTTP/1.0\r\n\r\n").expect("valid");
            let response = routes.answer(&mut request);
            assert_eq!(response.status(), Status::NO_CONTENT);
            assert_eq!(response.header("Allow"), Some("OPTIONS"));
        }
    }

    #[test]
    #[should_panic(expected = "GET / (open) matches the same requests as GET / (open)")]
    fn two_rows_with_the_same_method_and_path_are_refused() {
        let row = || Route::open(Method::GET, "/", |_: &mut Request| Response::text(""));
        let _ = Routes::new([row(), row()]);
    }
}

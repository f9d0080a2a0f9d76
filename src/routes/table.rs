//! The route table: finds the row for a request.
//!
//! The connection calls [`Routes::answer`] once per request. If a row has the
//! method and the path, that row answers. If not, the table itself answers: 404,
//! 405, 501, or 204 for OPTIONS.

use crate::error::Error;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::routes::route::Route;

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
#[derive(Debug)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// A table of these rows. Their order decides nothing.
    ///
    /// # Panics
    ///
    /// If two rows have the same method and path: no request would ever reach
    /// the second one.
    #[track_caller]
    pub fn new(rows: impl IntoIterator<Item = Route>) -> Routes {
        let mut table = Routes(Vec::new());
        for row in rows {
            assert!(table.find(row.method(), row.path()).is_none(), "the table has {row:?} twice");
            table.0.push(row);
        }
        table
    }

    /// Answers a request.
    pub fn answer(&self, request: &mut Request) -> Response {
        let (method, path) = (request.method(), request.path());

        // Step 1: the row with this method and path answers.
        if let Some(row) = self.find(method, path) {
            return row.answer(request);
        }

        // Step 2: HEAD is GET without the body (RFC 9110 §9.3.2). The connection
        // leaves the body out.
        if method == Method::HEAD
            && let Some(row) = self.find(Method::GET, path)
        {
            return row.answer(request);
        }

        // Step 3: a row for any method. It does not get TRACE: the answer to that would
        // contain the client's credentials (RFC 9110 §9.3.8).
        if method != Method::TRACE
            && let Some(row) = self.find(Method::Any, path)
        {
            return row.answer(request);
        }

        // Step 4: no row has this method and path, so the table itself answers.
        let allow = self.allow(path);
        match method {
            Method::Unknown => Error::MethodUnknown.into(),
            Method::CONNECT => Error::Connect.into(),
            // TRACE is 405 on every path, even on one without a row.
            _ if allow.is_empty() && method != Method::TRACE => {
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
        self.0.iter()
    }

    pub(crate) fn into_rows(self) -> Vec<Route> {
        self.0
    }

    fn find(&self, method: Method, path: &str) -> Option<&Route> {
        self.0.iter().find(|row| row.path() == path && row.method() == method)
    }

    /// The methods of a path, as the Allow header lists them; empty if no row has
    /// the path. `*` is the server itself (RFC 9110 §9.3.7), so it has the
    /// methods of all rows.
    fn allow(&self, path: &str) -> String {
        let rows = self.0.iter().filter(|row| path == "*" || row.path() == path);
        let mut methods: Vec<Method> = rows.map(Route::method).collect();
        if methods.is_empty() && path != "*" {
            return String::new();
        }
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
    use crate::auth::schemes;

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
    #[should_panic(expected = "the table has GET / (open) twice")]
    fn two_rows_with_the_same_method_and_path_are_refused() {
        let row = || Route::open(Method::GET, "/", |_: &mut Request| Response::text(""));
        let _ = Routes::new([row(), row()]);
    }
}

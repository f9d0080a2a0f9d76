//! The table: which handler answers a method and a path, and who stands before
//! it.
//!
//! A row says *open* or *guarded*; there is no third way to write one. Guard and
//! handler are fused into one closure when the row is made, so that no request
//! can reach the one without the other, and the table needs no types of theirs.

use crate::error::Error;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::routes::route::Route;

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
    use crate::auth::schemes;

    fn table() -> Routes {
        let guard = schemes::bearer("r", |token| (token == "t").then_some("Ann"));
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
        let guard = schemes::bearer("r", |token| (token == "t").then_some("Ann"));
        let me = |_: &mut Request, name| Response::text(name);
        let behind = Route::behind(guard)
            .guarded(Method::GET, "/me", me)
            .with_summary("Says who you are.")
            .guarded(Method::DELETE, "/me", me);
        let home = Route::open(Method::GET, "/", |_: &mut Request| Response::text("home"));
        let routes: Routes = [home.with_summary("Greets.")].into_iter().chain(behind).collect();
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

//! What operators ask of the server: whether it is well, and, for a proxy in
//! front of something else, who a request is from.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use guardhouse::Method::{self, GET};
use guardhouse::guard::Scoped;
use guardhouse::{Challenge, Guard, Refusal, Request, Response, Route, Status, User, form};

use crate::lesson::REALM;

/// Whether new requests are welcome: until a stop begins.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn new() -> Readiness {
        Readiness(Arc::new(AtomicBool::new(true)))
    }

    /// A stop begins: load balancers are to send new requests elsewhere.
    pub fn end(&self) {
        self.0.store(false, SeqCst);
    }

    fn is_ready(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// Health for a load balancer, and `/auth` for a proxy that asks before it
/// passes a request on: nginx `auth_request`, Traefik `ForwardAuth`, Caddy
/// `forward_auth`. The proxy asks with the method of its own request, or with
/// GET, so `/auth` takes any.
pub fn routes(readiness: Readiness, signed_in: Guard<User>) -> impl Iterator<Item = Route> {
    let passed = Response::new(Status::NO_CONTENT)
        .with_header("X-Auth-User", "ann")
        .with_header("X-Auth-Scopes", "reports:read");
    let auth_rows = Method::ALL.map(|method| {
        Route::guarded(method, "/auth", signed_in.clone(), auth)
            .with_summary("Tells a proxy whose token it is, and checks ?scope=.")
            .with_example(passed.clone())
    });
    let health_rows = [
        Route::open(GET, "/healthz", |_: &mut Request| live())
            .with_summary("Whether the server is up.")
            .with_example(live()),
        Route::open(GET, "/readyz", move |_: &mut Request| ready(readiness.is_ready()))
            .with_summary("Whether new requests are welcome.")
            .with_example(ready(true))
            .with_example(ready(false)),
    ];
    health_rows.into_iter().chain(auth_rows)
}

fn live() -> Response {
    Response::text("live\n")
}

fn ready(is_ready: bool) -> Response {
    if is_ready {
        Response::text("ready\n")
    } else {
        Response::text("stopping\n").with_status(Status::SERVICE_UNAVAILABLE)
    }
}

/// 204 with who it is; 403 if one of `?scope=` is missing.
///
/// Both fields are always there, empty where there is nothing to say, so that
/// a proxy that copies them overwrites what a client made up.
fn auth(request: &mut Request, user: User) -> Result<Response, Refusal> {
    let challenge = || Challenge::new("Bearer", REALM);
    let query = form::parse(request.query().unwrap_or_default())
        .ok_or_else(|| Refusal::malformed(challenge()).with_detail("Malformed query"))?;
    let wanted: Vec<&str> = query
        .iter()
        .filter(|(name, _)| name == "scope")
        .flat_map(|(_, scopes)| scopes.split_whitespace())
        .collect();
    if !wanted.iter().all(|scope| user.has_scope(scope)) {
        let challenge = challenge()
            .with_param("error", "insufficient_scope")
            .with_param("scope", &wanted.join(" "));
        return Err(Refusal::insufficient(challenge));
    }
    Ok(Response::new(Status::NO_CONTENT)
        .with_header("X-Auth-User", user.name().to_owned())
        .with_header("X-Auth-Scopes", user.scopes().join(" ")))
}

/// How long a health check waits, at each step.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks a running server for `http://host:port/path`; the status code that it
/// answers. For images that have no curl.
pub fn health_check(url: &str) -> io::Result<u16> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let rest = url.strip_prefix("http://").ok_or_else(|| invalid("not an http:// URL"))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("a URL is visible ASCII"));
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {authority}\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardhouse::{Routes, Users, guard};

    #[track_caller]
    fn ask(readiness: Readiness, method: &str, target: &str, headers: &str) -> Response {
        let ann = User::new("Ann", ["read", "write"]);
        let bob = User::new("Bob", []);
        let users = Users::new([("a", ann), ("b", bob)]);
        let signed_in = guard::bearer(REALM, move |token| users.by_token(token));
        let head = format!("{method} {target} HTTP/1.0\r\n{headers}\r\n");
        let mut request = Request::parse(head.as_bytes()).expect("a valid request");
        routes(readiness, signed_in).collect::<Routes>().answer(&mut request)
    }

    #[test]
    fn a_stop_is_not_ready_and_still_live() {
        let readiness = Readiness::new();
        let status = |path| ask(readiness.clone(), "GET", path, "").status().code();
        assert_eq!((status("/healthz"), status("/readyz")), (200, 200));
        readiness.end();
        assert_eq!((status("/healthz"), status("/readyz")), (200, 503));
    }

    #[test]
    fn a_proxy_is_told_who_it_is_in_every_method() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = ask(Readiness::new(), method, "/auth", "Authorization: Bearer a\r\n");
            assert_eq!(answer.status(), Status::NO_CONTENT, "{method}");
            assert_eq!(answer.header("X-Auth-User"), Some("Ann"));
            assert_eq!(answer.header("X-Auth-Scopes"), Some("read write"));
            assert_eq!(ask(Readiness::new(), method, "/auth", "").status().code(), 401, "{method}");
        }
        let bob = ask(Readiness::new(), "GET", "/auth", "Authorization: Bearer b\r\n");
        assert_eq!(bob.header("X-Auth-Scopes"), Some(""), "empty, and there");
    }

    #[test]
    fn every_scope_that_the_query_names_is_wanted() {
        let status = |target: &str| {
            ask(Readiness::new(), "GET", target, "Authorization: Bearer a\r\n").status().code()
        };
        assert_eq!(status("/auth?scope=read"), 204);
        assert_eq!(status("/auth?scope=read+write&x=y"), 204);
        assert_eq!(status("/auth?scope=read&scope=write"), 204);
        assert_eq!(status("/auth?scope=%72ead"), 204);
        assert_eq!(status("/auth?scope=admin"), 403);
        assert_eq!(status("/auth?scope=read%20admin"), 403);
        assert_eq!(status("/auth?scope=%7"), 400);
        let refused =
            ask(Readiness::new(), "GET", "/auth?scope=admin", "Authorization: Bearer a\r\n");
        assert_eq!(
            refused.header("WWW-Authenticate"),
            Some(r#"Bearer realm="guardhouse", error="insufficient_scope", scope="admin""#)
        );
    }
}

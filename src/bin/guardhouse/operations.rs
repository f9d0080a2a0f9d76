//! The routes for operators: `/healthz` and `/readyz` say whether the server is
//! well, and `/auth` says to a proxy which user a request is from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use guardhouse::Method::{Any, GET};
use guardhouse::guard::Scoped;
use guardhouse::{Challenge, Guard, Refusal, Request, Response, Route, Status, User, form};

use crate::lesson::REALM;

/// The value of `X-Auth-Scopes` for a user without scopes. No scope can be equal to
/// it, because a scope has no `"` (RFC 6749 §3.3).
const NO_SCOPES: &str = r#""""#;

/// Whether load balancers may send new requests: until a stop begins. Clones
/// share the state.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn new() -> Readiness {
        Readiness(Arc::new(AtomicBool::new(true)))
    }

    /// A stop begins: load balancers must send new requests elsewhere.
    pub fn end(&self) {
        self.0.store(false, SeqCst);
    }

    fn is_ready(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// The rows of the table.
///
/// A load balancer asks `/healthz` and `/readyz`. A proxy asks `/auth` before it
/// passes on a request: nginx `auth_request`, Traefik `ForwardAuth`, Caddy
/// `forward_auth`. Some proxies ask with the method of their own request, some
/// with GET, so `/auth` takes every method.
///
/// A client that does not know a challenge must skip it (RFC 9110 §11.6.1), but docker stops
/// at one for Bearer that does not name a token server, and a browser asks the user for a
/// password when the request of a page's script gets one for Basic. For them, two more
/// rows take one scheme each.
pub fn routes(readiness: Readiness, by_token: Guard<User>, by_name: Guard<User>) -> [Route; 5] {
    // Basic comes first, because nginx before 1.23 passes on the first challenge alone, and
    // a client that knows Bearer has its token already.
    let by_either = by_name.clone().or(by_token.clone());
    let passed = Response::new(Status::NO_CONTENT)
        .with_header("X-Auth-User", "ann")
        .with_header("X-Auth-Scopes", "reports:read");
    [
        Route::open(GET, "/healthz", |_: &mut Request| live())
            .with_summary("Whether the server is up.")
            .with_example(live()),
        Route::open(GET, "/readyz", move |_: &mut Request| ready(readiness.is_ready()))
            .with_summary("Whether new requests are welcome.")
            .with_example(ready(true))
            .with_example(ready(false)),
        Route::guarded(Any, "/auth", by_either, auth)
            .with_summary("Tells a proxy whose token it is, and checks ?scope=.")
            .with_example(passed.clone()),
        Route::guarded(Any, "/auth/basic", by_name, auth)
            .with_summary("The same for a name and a token: docker needs it.")
            .with_example(passed.clone()),
        Route::guarded(Any, "/auth/bearer", by_token, auth)
            .with_summary("The same for a token: the browser shows no window for a password.")
            .with_example(passed),
    ]
}

// Probes come every few seconds, so their lines would hide all others.

fn live() -> Response {
    Response::text("live\n").logged_at_debug()
}

fn ready(is_ready: bool) -> Response {
    let answer = if is_ready {
        Response::text("ready\n")
    } else {
        Response::text("stopping\n").with_status(Status::SERVICE_UNAVAILABLE)
    };
    answer.logged_at_debug()
}

/// Answers 204 with the user's name and scopes, or 403 if the user does not have
/// all scopes of `?scope=`. With `?status=200` it answers 200 instead, because Envoy lets
/// a request pass after no other status.
///
/// The query may have other parameters, also malformed ones: some proxies pass the
/// query of the client on.
///
/// The name is in ASCII ([`in_ascii`]).
///
/// Both headers are always there, and never empty. A proxy that copies them so
/// replaces headers of these names that a client forged. Caddy 2.10.0 to 2.11.1
/// does not copy an empty header, and keeps the one that the client sent.
fn auth(request: &mut Request, user: User) -> Result<Response, Refusal> {
    let challenge = || Challenge::new("Bearer", REALM);
    let query = request.query().unwrap_or_default();
    let scopes = form::values(query, "scope")
        .ok_or_else(|| Refusal::malformed(challenge()).with_detail("Malformed query"))?;
    let required: Vec<&str> = scopes.iter().flat_map(|scopes| scopes.split_whitespace()).collect();
    if !required.iter().all(|scope| user.has_scope(scope)) {
        let challenge = challenge()
            .with_param("error", "insufficient_scope")
            .with_param("scope", &required.join(" "));
        return Err(Refusal::insufficient(challenge));
    }
    let wants_200 = form::values(query, "status")
        .is_some_and(|values| values.iter().any(|value| value == "200"));
    let status = if wants_200 { Status::OK } else { Status::NO_CONTENT };
    let scopes = user.scopes().join(" ");
    let scopes = if scopes.is_empty() { NO_SCOPES.to_owned() } else { scopes };
    Ok(Response::new(status)
        .ignoring_body()
        .with_header("X-Auth-User", in_ascii(user.name()))
        .with_header("X-Auth-Scopes", scopes))
}

/// A name in ASCII: `%` and each character that is not ASCII are percent-encoded, as UTF-8
/// (RFC 3986 §2.1). All other names stay as they are.
///
/// The bytes of a header have no agreed encoding (RFC 9110 §5.5): Node and Python read
/// them as ISO-8859-1, and `müller` would become `mÃ¼ller`.
fn in_ascii(name: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'%' | 0x80.. => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    name.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Guards;
    use guardhouse::{Limits, Routes, exchange};

    /// Ann has the token `a`, Bob `b`, Jörg `j`, and `100% é` has `p`.
    fn guards() -> Guards {
        Guards::for_users(|token: &str| match token {
            "a" => Some(User::new("Ann", ["read", "write"])),
            "b" => Some(User::new("Bob", [])),
            "j" => Some(User::new("Jörg", [])),
            "p" => Some(User::new("100% é", [])),
            _ => None,
        })
    }

    #[track_caller]
    fn ask(readiness: Readiness, method: &str, target: &str, headers: &str) -> Response {
        let head = format!("{method} {target} HTTP/1.0\r\n{headers}\r\n");
        let mut request = Request::parse(head.as_bytes()).expect("a valid request");
        let Guards { by_token, by_name, .. } = guards();
        Routes::new(routes(readiness, by_token, by_name)).answer(&mut request)
    }

    /// The challenges of a refusal by `/auth`.
    #[track_caller]
    fn challenges(headers: &str) -> Vec<String> {
        let Guards { by_token, by_name, .. } = guards();
        let table = Routes::new(routes(Readiness::new(), by_token, by_name));
        let head = format!("GET /auth HTTP/1.0\r\n{headers}\r\n");
        let answer = exchange(&table, &Limits::default(), [head]);
        let lines = String::from_utf8(answer).expect("text");
        let values = lines.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
        values.map(str::to_owned).collect()
    }

    const BASIC: &str = r#"Basic realm="guardhouse", charset="UTF-8""#;

    #[test]
    fn a_server_that_is_stopping_is_live_and_not_ready() {
        let readiness = Readiness::new();
        let status = |path| ask(readiness.clone(), "GET", path, "").status().code();
        assert_eq!((status("/healthz"), status("/readyz")), (200, 200));
        readiness.end();
        assert_eq!((status("/healthz"), status("/readyz")), (200, 503));
    }

    #[test]
    fn auth_says_who_the_user_is_for_every_method() {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "PROPFIND", "LOCK", "PURGE", "x"] {
            let answer = ask(Readiness::new(), method, "/auth", "Authorization: Bearer a\r\n");
            assert_eq!(answer.status(), Status::NO_CONTENT, "{method}");
            assert_eq!(answer.header("X-Auth-User"), Some("Ann"));
            assert_eq!(answer.header("X-Auth-Scopes"), Some("read write"));
            assert_eq!(ask(Readiness::new(), method, "/auth", "").status().code(), 401, "{method}");
        }
        let bob = ask(Readiness::new(), "GET", "/auth", "Authorization: Bearer b\r\n");
        assert_eq!(bob.header("X-Auth-Scopes"), Some(r#""""#), "without scopes");
    }

    #[test]
    fn auth_takes_the_token_as_the_password_of_its_user() {
        // Base64 of the user-id, a colon and the password.
        for (pair, basic, name) in [
            ("Ann:a", "QW5uOmE=", "Ann"),
            ("Bob:b", "Qm9iOmI=", "Bob"),
            ("Jörg:j", "SsO2cmc6ag==", "J%C3%B6rg"),
            ("100% é:p", "MTAwJSDDqTpw", "100%25 %C3%A9"),
        ] {
            let header = format!("Authorization: Basic {basic}\r\n");
            let answer = ask(Readiness::new(), "GET", "/auth", &header);
            assert_eq!(answer.status(), Status::NO_CONTENT, "{pair}");
            assert_eq!(answer.header("X-Auth-User"), Some(name), "{pair}");
        }
        for (pair, basic) in [
            ("Ann:b", "QW5uOmI="),
            ("ann:a", "YW5uOmE="),
            (":a", "OmE="),
            ("Ann:", "QW5uOg=="),
            ("a:", "YTo="),
            ("Ann:a ", "QW5uOmEg"),
            ("Ann :a", "QW5uIDph"),
            ("a:Ann", "YTpBbm4="),
            ("Jörg:j in Latin-1", "SvZyZzpq"),
            ("without a colon", "QW5u"),
            ("not Base64", "!"),
            ("empty", ""),
        ] {
            let header = format!("Authorization: Basic {basic}\r\n");
            let answer = ask(Readiness::new(), "GET", "/auth", &header);
            assert_eq!(answer.status().code(), 401, "{pair}");
            assert_eq!(challenges(&header), [BASIC, r#"Bearer realm="guardhouse""#], "{pair}");
            assert_eq!(answer.header("X-Auth-User"), None, "{pair}");
        }
    }

    #[test]
    fn a_401_of_auth_has_both_challenges_and_basic_comes_first() {
        for (headers, bearer) in [
            ("", r#"Bearer realm="guardhouse""#),
            ("Authorization: Digest a\r\n", r#"Bearer realm="guardhouse""#),
            (
                "Authorization: Bearer x\r\n",
                concat!(
                    r#"Bearer realm="guardhouse", error="invalid_token", "#,
                    r#"error_description="the access token is malformed, unknown or expired""#
                ),
            ),
        ] {
            let answer = ask(Readiness::new(), "GET", "/auth", headers);
            assert_eq!(answer.status().code(), 401, "{headers}");
            assert_eq!(challenges(headers), [BASIC, bearer], "{headers}");
        }
        let both = "Authorization: Basic QW5uOmE=\r\nAuthorization: Bearer a\r\n";
        let twice = ask(Readiness::new(), "GET", "/auth", both);
        assert_eq!(twice.status(), Status::BAD_REQUEST);
    }

    #[test]
    fn auth_requires_the_scopes_of_the_query_of_a_basic_user_as_well() {
        let status = |target: &str| {
            let header = "Authorization: Basic QW5uOmE=\r\n";
            ask(Readiness::new(), "GET", target, header).status().code()
        };
        assert_eq!(status("/auth?scope=read+write"), 204);
        assert_eq!(status("/auth?scope=admin"), 403);
        assert_eq!(status("/auth?scope=%7"), 400);
    }

    #[test]
    fn two_paths_take_one_scheme_each() {
        const TOKEN: &str = "Authorization: Bearer a\r\n";
        const PAIR: &str = "Authorization: Basic QW5uOmE=\r\n";
        const BEARER: &str = r#"Bearer realm="guardhouse""#;
        for (path, own, other, challenge) in
            [("/auth/basic", PAIR, TOKEN, BASIC), ("/auth/bearer", TOKEN, PAIR, BEARER)]
        {
            let passed = ask(Readiness::new(), "PURGE", &format!("{path}?scope=read"), own);
            assert_eq!(passed.header("X-Auth-User"), Some("Ann"), "{path}");
            let forbidden = ask(Readiness::new(), "GET", &format!("{path}?scope=admin"), own);
            assert_eq!(forbidden.status().code(), 403, "{path}");
            for headers in ["", other] {
                let refused = ask(Readiness::new(), "GET", path, headers);
                assert_eq!(refused.status().code(), 401, "{path}");
                assert_eq!(refused.header("WWW-Authenticate"), Some(challenge), "{path}");
            }
        }
    }

    /// Envoy puts the target of the client's request behind its own text.
    #[test]
    fn a_proxy_that_takes_no_other_status_gets_200() {
        let status = |target: &str| {
            ask(Readiness::new(), "GET", target, "Authorization: Bearer a\r\n").status().code()
        };
        assert_eq!(status("/auth?status=200&path=/a/b?c=100%"), 200);
        assert_eq!(status("/auth?status=200&scope=read&path=/"), 200);
        assert_eq!(status("/auth?status=200&path=/orders?page=2&status=open"), 200);
        assert_eq!(status("/auth?status=200&scope=admin&path=/"), 403);
        assert_eq!(status("/auth?status=200&scope=admin&path=/?x&scope=read"), 403);
        for other in ["", "?status=", "?status=201", "?status=2%", "?a=b?status=200"] {
            assert_eq!(status(&format!("/auth{other}")), 204, "{other}");
        }
        let refused = ask(Readiness::new(), "GET", "/auth?status=200&path=/", "");
        assert_eq!(refused.status().code(), 401);
    }

    #[test]
    fn a_name_that_is_ascii_without_a_percent_sign_stays_as_it_is() {
        for (name, ascii) in [
            ("Ann Lee+1", "Ann Lee+1"),
            ("ann@example.org", "ann@example.org"),
            ("a%41", "a%2541"),
            ("Łukasz", "%C5%81ukasz"),
            ("李", "%E6%9D%8E"),
            ("𝒶", "%F0%9D%92%B6"),
        ] {
            assert_eq!(in_ascii(name), ascii);
        }
    }

    #[test]
    fn parameters_that_are_not_for_auth_do_not_change_its_answer() {
        for query in
            ["a=100%", "q=caf%E9", "%", "%zz=%zz", "a=b;c&&=&?", "scopes=admin", "SCOPE=admin"]
        {
            for (scope, status) in [("", 204), ("&scope=read", 204), ("&scope=admin", 403)] {
                let target = format!("/auth?{query}{scope}");
                let answer = ask(Readiness::new(), "GET", &target, "Authorization: Bearer a\r\n");
                assert_eq!(answer.status().code(), status, "{target}");
            }
            let answer = ask(Readiness::new(), "GET", &format!("/auth?{query}"), "");
            assert_eq!(answer.status().code(), 401, "{query}");
        }
    }

    #[test]
    fn auth_requires_every_scope_of_the_query() {
        let status = |target: &str| {
            ask(Readiness::new(), "GET", target, "Authorization: Bearer a\r\n").status().code()
        };
        assert_eq!(status("/auth?scope=read"), 204);
        assert_eq!(status("/auth?scope=read+write&x=y"), 204);
        assert_eq!(status("/auth?scope=read&scope=write"), 204);
        assert_eq!(status("/auth?scope=%72ead"), 204);
        assert_eq!(status("/auth?scope=admin"), 403);
        assert_eq!(status("/auth?scope=read%20admin"), 403);
        assert_eq!(status("/auth?sc%6Fpe=admin"), 403);
        assert_eq!(status("/auth?scope=%7"), 400);
        assert_eq!(status("/auth?scope=read&scope=%ff"), 400);
        let refused =
            ask(Readiness::new(), "GET", "/auth?scope=admin", "Authorization: Bearer a\r\n");
        assert_eq!(
            refused.header("WWW-Authenticate"),
            Some(r#"Bearer realm="guardhouse", error="insufficient_scope", scope="admin""#)
        );
    }
}

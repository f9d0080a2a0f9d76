//! Methods (RFC 9110 §9): the answer to each of them, with and without a body.

use super::row::{check, row};

#[test]
fn head_is_get_without_a_body() {
    check([
        row("HEAD of a text")
            .sends("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .where_head_is([0])
            .with_header("Content-Length", "5")
            .with_header("Content-Type", "text/plain; charset=utf-8")
            .see("RFC 9110 §9.3.2"),
        row("HEAD of something large")
            .sends("HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .where_head_is([0])
            .with_header("Content-Length", "100000")
            .see("RFC 9110 §9.3.2"),
        row("HEAD of a path that does not exist")
            .sends("HEAD /nope HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([404])
            .where_head_is([0])
            .with_header("Content-Length", "22")
            .see("RFC 9110 §9.3.2"),
        row("HEAD of a guarded path")
            .sends("HEAD /protected HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([401])
            .where_head_is([0])
            .with_header("WWW-Authenticate", "Bearer realm=\"guardhouse\"")
            .see("RFC 9110 §9.3.2"),
        row("HEAD of a path that has only POST")
            .sends("HEAD /unread HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([405])
            .where_head_is([0])
            .with_header("Allow", "POST, OPTIONS")
            .see("RFC 9110 §9.3.2"),
        row("HEAD of a handler that panics")
            .sends("HEAD /panic HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([500])
            .where_head_is([0])
            .and_closes()
            .see("RFC 9110 §9.3.2"),
        row("HEAD in HTTP/1.0")
            .sends("HEAD / HTTP/1.0\r\n\r\n")
            .gets([200])
            .where_head_is([0])
            .and_closes()
            .see("RFC 9110 §9.3.2"),
        row("HEAD between two GET")
            .sends(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n\
                 HEAD / HTTP/1.1\r\nHost: a\r\n\r\n\
                 GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 200, 200])
            .where_head_is([1])
            .see("RFC 9112 §6.3"),
    ]);
}

#[test]
fn options_lists_the_allowed_methods() {
    check([
        row("OPTIONS of a path")
            .sends("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([204])
            .with_header("Allow", "GET, HEAD, POST, DELETE, OPTIONS")
            .see("RFC 9110 §9.3.7"),
        row("OPTIONS of a path that has only GET")
            .sends("OPTIONS /next HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([204])
            .with_header("Allow", "GET, HEAD, OPTIONS")
            .see("RFC 9110 §9.3.7"),
        row("OPTIONS of a guarded path: its methods are no secret")
            .sends("OPTIONS /protected HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([204])
            .with_header("Allow", "GET, HEAD, POST, OPTIONS")
            .see("RFC 9110 §9.3.7"),
        row("OPTIONS of a path that does not exist")
            .sends("OPTIONS /nope HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([404])
            .with_detail("Not Found")
            .see("RFC 9110 §9.3.7"),
        row("OPTIONS with a body")
            .sends("OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            .gets([204])
            .and_closes()
            .see("RFC 9110 §9.3.7"),
        row("OPTIONS in HTTP/1.0")
            .sends("OPTIONS * HTTP/1.0\r\n\r\n")
            .gets([204])
            .and_closes()
            .see("RFC 9110 §9.3.7"),
    ]);
}

#[test]
fn a_method_that_the_path_does_not_have_gets_405() {
    let refused = |name, line: &str, allow| {
        row(name)
            .sends(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .gets([405])
            .with_detail("Method Not Allowed")
            .with_header("Allow", allow)
            .see("RFC 9110 §15.5.6")
    };
    check([
        refused("PUT", "PUT /", "GET, HEAD, POST, DELETE, OPTIONS"),
        refused("PATCH", "PATCH /", "GET, HEAD, POST, DELETE, OPTIONS"),
        refused("DELETE", "DELETE /next", "GET, HEAD, OPTIONS"),
        refused("POST", "POST /next", "GET, HEAD, OPTIONS"),
        refused("GET", "GET /unread", "POST, OPTIONS"),
        refused("PUT on a guarded path", "PUT /protected", "GET, HEAD, POST, OPTIONS"),
        refused("PUT on a path with a query", "PUT /?a", "GET, HEAD, POST, DELETE, OPTIONS"),
        row("PUT on a path that does not exist")
            .sends("PUT /nope HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([404])
            .with_detail("Not Found")
            .see("RFC 9110 §15.5.5"),
        row("PUT with a body")
            .sends("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            .gets([405])
            .and_closes()
            .see("RFC 9110 §15.5.6"),
        row("a header that asks for another method")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE\r\n\r\n")
            .gets([200])
            .with_body("home\n")
            .see("RFC 9110 §9.1"),
    ]);
}

#[test]
fn trace_is_never_allowed() {
    let refused = |name, line: &str, allow| {
        row(name)
            .sends(format!("{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer letmein\r\n\r\n"))
            .gets([405])
            .with_detail("Method Not Allowed")
            .with_header("Allow", allow)
            .see("RFC 9110 §9.3.8")
    };
    check([
        refused("TRACE of a path", "TRACE /", "GET, HEAD, POST, DELETE, OPTIONS"),
        refused("TRACE of a guarded path", "TRACE /protected", "GET, HEAD, POST, OPTIONS"),
        refused("TRACE of a path that does not exist", "TRACE /nope", ""),
        row("TRACE of the whole server, which only OPTIONS may ask for")
            .sends("TRACE * HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "malformed request target")
            .see("RFC 9112 §3.2.4"),
    ]);
}

#[test]
fn connect_is_not_implemented() {
    let refused = |name, target: &str| {
        row(name)
            .sends(format!(
                "CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
            ))
            .gets_refused(501, "CONNECT is not implemented")
            .see("RFC 9110 §9.3.6")
    };
    check([
        refused("a tunnel to another port", "a:443"),
        refused("a tunnel to another host", "b:80"),
        refused("a tunnel to an IPv6 address", "[::1]:80"),
        refused("a tunnel to a path", "/next"),
        row("a tunnel without Host")
            .sends("CONNECT a:443 HTTP/1.1\r\n\r\n")
            .gets_refused(400, "no Host field")
            .see("RFC 9112 §3.2"),
    ]);
}

#[test]
fn an_unknown_method_is_not_implemented() {
    let unknown = |name, method: &str| {
        row(name)
            .sends(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"))
            .gets([501])
            .with_detail("unknown method")
            .see("RFC 9110 §9.1, §15.6.2")
    };
    check([
        unknown("a method of another protocol", "BREW"),
        unknown("a method of WebDAV", "PROPFIND"),
        unknown("a method in small letters", "get"),
        unknown("a method in mixed case", "Get"),
        unknown("a method with a letter too many", "GETS"),
        unknown("one letter", "G"),
        unknown("every byte that a method may have", "!#$%&'*+-.^_`|~09"),
        row("an unknown method on a path that does not exist")
            .sends("BREW /nope HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([501])
            .see("RFC 9110 §9.1"),
        row("an unknown method with a body")
            .sends(
                "BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n\
                 GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n.",
            )
            .gets([501])
            .and_closes()
            .see("RFC 9112 §6.3"),
    ]);
}

/// "Content received in a GET request has no generally defined semantics", but
/// it has a length, and must never become the next request.
#[test]
fn a_body_never_becomes_a_request_whatever_the_method() {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let counted = |name, line: &str, status: u16| {
        let length = smuggled.len();
        row(name)
            .sends(format!(
                "{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{smuggled}"
            ))
            .gets([status])
            .see("RFC 9110 §9.3.1, RFC 9112 §6.3; RUSTSEC-2020-0093")
    };
    let chunked = |name, line: &str, status: u16| {
        let length = smuggled.len();
        row(name)
            .sends(format!(
                "{line} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 {length:x}\r\n{smuggled}\r\n0\r\n\r\n"
            ))
            .gets([status])
            .see("RFC 9110 §9.3.1, RFC 9112 §6.3; RUSTSEC-2020-0093")
    };
    check([
        counted("GET with a body", "GET /", 200),
        counted("HEAD with a body", "HEAD /", 200).where_head_is([0]),
        counted("DELETE with a body", "DELETE /", 200).with_body("deleted\n"),
        counted("OPTIONS with a body", "OPTIONS *", 204).and_closes(),
        counted("TRACE with a body", "TRACE /", 405).and_closes(),
        counted("a body for a path that does not exist", "POST /nope", 404).and_closes(),
        counted("a body that its handler does not read", "POST /unread", 200),
        counted("a body that its handler reads in part", "POST /some", 200).with_body("GE"),
        counted("a body for a handler whose answer is malformed", "GET /split", 500),
        chunked("GET with chunks", "GET /", 200),
        chunked("HEAD with chunks", "HEAD /", 200).where_head_is([0]),
        chunked("DELETE with chunks", "DELETE /", 200).with_body("deleted\n"),
        chunked("chunks for a path that does not exist", "POST /nope", 404).and_closes(),
        chunked("chunks that their handler does not read", "POST /unread", 200),
        chunked("chunks that their handler reads in part", "POST /some", 200).with_body("GE"),
    ]);
}

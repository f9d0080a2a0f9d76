//! The request target: its forms (RFC 9112 §3.2), and the path that it means
//! (RFC 3986 §6).

use super::row::{Row, check, row};
use crate::support::get;

#[test]
fn accepts_origin_form() {
    check([
        row("a path").sends(get("/next")).gets([200]).with_body("next\n").see("RFC 9112 §3.2.1"),
        row("a path and a query")
            .sends(get("/query?a=1&b=2"))
            .gets([200])
            .with_body("a=1&b=2")
            .see("RFC 9112 §3.2.1"),
        row("a query with a slash and a question mark in it")
            .sends(get("/query?/?"))
            .gets([200])
            .with_body("/?")
            .see("RFC 3986 §3.4"),
        row("an empty query").sends(get("/query?")).gets([200]).with_body("").see("RFC 3986 §3.4"),
        row("a query with percent signs, which the server does not decode")
            .sends(get("/query?%zz%"))
            .gets([200])
            .with_body("%zz%")
            .see("RFC 9112 §3.2.1"),
    ]);
}

#[test]
fn a_parameter_is_one_whole_segment_and_decoded() {
    let is = |name, target, value| {
        row(name).sends(get(target)).gets([200]).with_body(value).see("RFC 3986 §3.3")
    };
    let no_row = |name, target| row(name).sends(get(target)).gets([404]).see("RFC 3986 §3.3");
    let malformed = |name, target| {
        let row = row(name).sends(get(target)).gets([400]).see("RFC 3986 §2.1");
        row.with_detail("a path parameter is not UTF-8")
    };
    check([
        is("a value", "/items/7", "7"),
        is("an encoded value", "/items/caf%C3%A9", "café"),
        is("an encoded slash, which splits nothing", "/items/a%2Fb", "a/b"),
        is("an encoded slash in small letters", "/items/a%2fb", "a/b"),
        is("a percent sign, decoded once", "/items/%2541", "%41"),
        is("a plus, which is a plus in a path", "/items/a+b", "a+b"),
        is("braces", "/items/{item}", "{item}"),
        is("a literal segment, which wins", "/items/first", "the first\n"),
        is("a literal segment, encoded", "/items/%66irst", "the first\n"),
        is("almost a literal segment", "/items/first%20", "first "),
        no_row("an empty segment", "/items/"),
        no_row("two segments", "/items/a/b"),
        no_row("an empty segment more", "/items/a/"),
        malformed("a byte that UTF-8 never has", "/items/%ff"),
        malformed("half of a character", "/items/%c3"),
        malformed("an overlong slash", "/items/%c0%af"),
    ]);
}

#[test]
fn accepts_absolute_form() {
    let home = |name, target| {
        row(name).sends(get(target)).gets([200]).with_body("home\n").see("RFC 9112 §3.2.2")
    };
    check([
        home("a whole URI", "http://a/"),
        home("a URI without a path, which means /", "http://a"),
        home("a URI without a path but with a query", "http://a?b"),
        home("a scheme in capitals", "HTTP://a/"),
        home("an authority in capitals", "http://A/"),
        home("the default port, which Host leaves out", "http://a:80/"),
        home("an empty port", "http://a:/"),
        row("an IPv6 literal")
            .sends("GET http://[::1]:8000/ HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n")
            .gets([200])
            .see("RFC 3986 §3.2.2"),
        row("HTTP/1.0 without Host")
            .sends("GET http://a/ HTTP/1.0\r\n\r\n")
            .gets([200])
            .and_closes()
            .see("RFC 9112 §3.2.2"),
        row("OPTIONS for a URI without a path")
            .sends("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([204])
            .with_header("Allow", "GET, HEAD, POST, DELETE, OPTIONS")
            .see("RFC 9112 §3.2.4"),
    ]);
}

#[test]
fn refuses_an_authority_that_differs_from_host() {
    let refused = |name, target, host| {
        row(name)
            .sends(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .gets_refused(400, "Host differs from the target's authority")
            .see("RFC 9112 §3.2.2")
    };
    check([
        refused("another name", "http://b/", "a"),
        refused("another port", "http://a:8000/", "a"),
        refused("a name that Host continues", "http://a/", "a.example"),
        refused("the port of https", "http://a:443/", "a"),
    ]);
}

#[test]
fn accepts_the_asterisk_for_options_only() {
    check([
        row("OPTIONS *")
            .sends("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([204])
            .with_header("Allow", "GET, HEAD, POST, DELETE, OPTIONS")
            .see("RFC 9112 §3.2.4"),
        row("GET *")
            .sends("GET * HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "malformed request target")
            .see("RFC 9112 §3.2.4"),
        row("OPTIONS with more than the asterisk")
            .sends("OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets_refused(400, "malformed request target")
            .see("RFC 9112 §3.2.4"),
    ]);
}

#[test]
fn refuses_a_target_in_no_known_form() {
    let refused = |name, target: &str| malformed(name, get(target)).see("RFC 9112 §3.2");
    check([
        refused("a relative path", "next"),
        refused("a dot", "./next"),
        refused("a query alone", "?a"),
        refused("authority-form, which is CONNECT's", "a:80"),
        refused("a backslash for a slash", "\\next"),
        refused("https, without TLS", "https://a/"),
        refused("another scheme", "ftp://a/"),
        refused("a scheme with one slash", "http:/a/"),
        refused("no scheme before the authority's slashes", "://a/"),
        refused("a URI without an authority", "http:///next"),
        refused("a URI with a port and no host", "http://:80/"),
        refused("a user in the authority", "http://ann@a/"),
        refused("a user and a password in the authority", "http://ann:secret@a/"),
        refused("a port with a letter", "http://a:8o/"),
        refused("a port past 65535", "http://a:65536/"),
        refused("a bracket that stays open", "http://[::1/"),
    ]);
}

#[test]
fn refuses_bytes_that_a_uri_must_not_have() {
    let refused = |name, target: &[u8]| {
        let bytes = [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        malformed(name, bytes).see("RFC 9112 §3.2, RFC 3986 §2")
    };
    check([
        refused("a fragment", b"/next#top"),
        refused("an empty fragment", b"/next#"),
        refused("a fragment after a query", b"/query?a#b"),
        refused("UTF-8 that is not encoded", "/caf\u{e9}".as_bytes()),
        refused("a byte past ASCII in the query", b"/query?\xc3\xa9"),
    ]);
}

#[test]
fn refuses_bytes_that_are_no_text() {
    let refused = |name, target: &[u8]| {
        row(name)
            .sends([b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat())
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §3.2")
    };
    check([
        refused("a NUL", b"/\0"),
        refused("an escape character", b"/\x1b[31m"),
        refused("a DEL", b"/\x7f"),
        refused("a byte that is not even UTF-8", b"/\xff"),
    ]);
}

#[test]
fn an_encoded_unreserved_byte_equals_the_plain_byte() {
    let found = |name, target, body| {
        row(name).sends(get(target)).gets([200]).with_body(body).see("RFC 3986 §6.2.2.2")
    };
    check([
        found("an encoded letter", "/%6eext", "next\n"),
        found("an encoded letter, in capital digits", "/%6Eext", "next\n"),
        found("a whole encoded word", "/%6e%65%78%74", "next\n"),
        found("an encoded tilde", "/%7Eann", "Ann's\n"),
        found("an encoded slash, which stays encoded", "/a%2Fb", "one segment\n"),
    ]);
}

/// A proxy in front of the server may guard paths, and must see the same path as
/// the server. So the server does not correct a path.
#[test]
fn a_path_that_only_resembles_a_route_is_not_found() {
    let lost = |name, target| {
        row(name).sends(get(target)).gets([404]).with_detail("Not Found").see("RFC 3986 §6.2.2")
    };
    check([
        lost("another case", "/NEXT"),
        lost("a slash after it", "/next/"),
        lost("two slashes", "//next"),
        lost("a dot segment", "/./next"),
        lost("a dot segment that leads up", "/a/../next"),
        lost("an encoded dot segment", "/%2e/next"),
        lost("an encoded slash in front", "/%2Fnext"),
        lost("two segments where the route has one", "/a/b"),
        lost("a byte that was encoded twice", "/%256eext"),
        lost("an encoded NUL after it", "/next%00"),
        lost("an encoded CRLF after it", "/next%0d%0a"),
        lost("an encoded question mark", "/query%3Fa"),
        lost("a parameter", "/next;a=1"),
        lost("a backslash within", "/a\\..\\next"),
        lost("encoded UTF-8", "/caf%c3%a9"),
        lost("an over-long encoding of a slash", "/%c0%afnext"),
    ]);
}

#[test]
fn refuses_a_malformed_triplet_in_the_path() {
    let refused = |name, target| malformed(name, get(target)).see("RFC 3986 §2.1");
    check([
        refused("a percent sign at the end", "/%"),
        refused("one digit", "/%6"),
        refused("digits that are none", "/%zz"),
        refused("a sign for a digit", "/%+6"),
        refused("a percent sign that should be encoded", "/100%/next"),
        refused("a triplet within a triplet", "/%%36e"),
        refused("a triplet of another encoding", "/%u006e"),
        refused("a triplet cut off by the query", "/%6?e"),
    ]);
}

#[track_caller]
fn malformed(name: &'static str, bytes: impl AsRef<[u8]>) -> Row {
    row(name).sends(bytes).gets_refused(400, "malformed request target")
}

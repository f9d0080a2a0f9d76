//! `Host = uri-host [ ":" port ]`, once (RFC 9112 §3.2, RFC 9110 §7.2).

use super::row::{check, row};

#[test]
fn accepts_one_host() {
    let taken = |name, value: &str| {
        row(name)
            .sends(format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n"))
            .gets([200])
            .see("RFC 9110 §7.2, RFC 3986 §3.2")
    };
    check([
        taken("a name", "example.org"),
        taken("a name and a port", "example.org:8000"),
        taken("a port of no digits", "example.org:"),
        taken("the highest port", "example.org:65535"),
        taken("a name that ends in a dot", "example.org."),
        taken("capitals", "EXAMPLE.org"),
        taken("an IPv4 address", "127.0.0.1:8000"),
        taken("an IPv6 address", "[::1]"),
        taken("an IPv6 address and a port", "[2001:db8::1]:8000"),
        taken("an underscore, as in the names of container networks", "my_service"),
        taken("an encoded byte", "%61"),
        taken("spaces around the value", "  example.org  "),
    ]);
}

#[test]
fn refuses_a_malformed_host() {
    let refused = |name, value: &[u8]| {
        row(name)
            .sends([b"GET / HTTP/1.1\r\nHost: ", value, b"\r\n\r\n"].concat())
            .gets_refused(400, "malformed Host field")
            .see("RFC 9112 §3.2")
    };
    check([
        refused("an empty value", b""),
        refused("only a port", b":80"),
        refused("two hosts in a list", b"a b"),
        refused("a path", b"a/b"),
        refused("a query", b"a?b"),
        refused("a fragment", b"a#b"),
        refused("a URI", b"http://a"),
        refused("a user", b"ann@a"),
        refused("a port with a letter", b"a:8o"),
        refused("a port with a sign", b"a:+80"),
        refused("a negative port", b"a:-80"),
        refused("a port past 65535", b"a:65536"),
        refused("two ports", b"a:80:80"),
        refused("an IPv6 address without brackets", b"::1"),
        refused("a bracket that stays open", b"[::1"),
        refused("brackets with nothing in them", b"[]"),
        refused("brackets around a name", b"[a]"),
        refused("something after the brackets", b"[::1]a"),
        refused("a zone, which has a meaning on one machine only", b"[fe80::1%25eth0]"),
        refused("a malformed triplet", b"a%4"),
        refused("a quoted name", b"\"a\""),
        refused("a backslash", b"a\\b"),
        refused("a byte past ASCII", b"\xc3\xa9"),
    ]);
}

#[test]
fn refuses_no_host_and_two_hosts() {
    check([
        row("no Host in HTTP/1.1")
            .sends("GET / HTTP/1.1\r\n\r\n")
            .gets_refused(400, "no Host field")
            .see("RFC 9112 §3.2"),
        row("no Host with a target that names one")
            .sends("GET http://a/ HTTP/1.1\r\n\r\n")
            .gets_refused(400, "no Host field")
            .see("RFC 9112 §3.2"),
        row("no Host in HTTP/1.0, which does not require it")
            .sends("GET / HTTP/1.0\r\n\r\n")
            .gets([200])
            .and_closes()
            .see("RFC 9112 §3.2"),
        row("one Host in HTTP/1.0")
            .sends("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            .gets([200])
            .and_closes()
            .see("RFC 9112 §3.2"),
        row("a malformed Host in HTTP/1.0")
            .sends("GET / HTTP/1.0\r\nHost: a b\r\n\r\n")
            .gets_refused(400, "malformed Host field")
            .see("RFC 9112 §3.2"),
        row("two that differ")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            .gets_refused(400, "more than one Host field")
            .see("RFC 9112 §3.2"),
        row("two that agree")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")
            .gets_refused(400, "more than one Host field")
            .see("RFC 9112 §3.2"),
        row("two that differ in the case of their name, with others between them")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nhOST: a\r\n\r\n")
            .gets_refused(400, "more than one Host field")
            .see("RFC 9112 §3.2"),
        row("two in HTTP/1.0")
            .sends("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n")
            .gets_refused(400, "more than one Host field")
            .see("RFC 9112 §3.2"),
        row("an empty one and a good one")
            .sends("GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n")
            .gets_refused(400, "more than one Host field")
            .see("RFC 9112 §3.2"),
        row("a good one and one with a space before its colon")
            .sends("GET / HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n")
            .gets_refused(400, "malformed field line")
            .see("RFC 9112 §5.1"),
    ]);
}

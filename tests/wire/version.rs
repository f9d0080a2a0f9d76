//! `HTTP-version = "HTTP/" DIGIT "." DIGIT` (RFC 9112 §2.3).

use super::row::{check, row};

fn get(version: &str) -> String {
    format!("GET / {version}\r\nHost: a\r\n\r\n")
}

#[test]
fn accepts_http_1_1_and_1_0() {
    check([
        row("HTTP/1.1, whose connections stay open")
            .sends(get("HTTP/1.1"))
            .gets([200])
            .see("RFC 9112 §9.3"),
        row("HTTP/1.0, whose connections close")
            .sends(get("HTTP/1.0"))
            .gets([200])
            .and_closes()
            .see("RFC 9112 §9.3"),
    ]);
}

#[test]
fn answers_every_other_version_with_505() {
    let refused = |name, version| {
        row(name)
            .sends(get(version))
            .gets_refused(505, "unsupported HTTP version")
            .see("RFC 9110 §15.6.6")
    };
    check([
        refused("HTTP/0.9, which had no versions", "HTTP/0.9"),
        refused("a minor version that does not exist", "HTTP/1.2"),
        refused("the highest minor version", "HTTP/1.9"),
        refused("HTTP/2, which has no request lines", "HTTP/2.0"),
        refused("HTTP/3", "HTTP/3.0"),
        refused("a major version that does not exist", "HTTP/9.9"),
        refused("version 0.0", "HTTP/0.0"),
    ]);
}

#[test]
fn refuses_a_malformed_version() {
    let refused = |name, version: &str| {
        let spaced = version.contains(' ');
        let detail = if spaced { "malformed request line" } else { "malformed HTTP version" };
        row(name).sends(get(version)).gets_refused(400, detail).see("RFC 9112 §2.3")
    };
    check([
        refused("lower case", "http/1.1"),
        refused("mixed case", "Http/1.1"),
        refused("no minor version", "HTTP/1"),
        refused("a minor version without a digit", "HTTP/1."),
        refused("no dot", "HTTP/11"),
        refused("a comma", "HTTP/1,1"),
        refused("two digits before the dot", "HTTP/01.1"),
        refused("two digits after the dot", "HTTP/1.10"),
        refused("two zeros", "HTTP/1.00"),
        refused("a third number", "HTTP/1.1.1"),
        refused("a sign", "HTTP/+1.1"),
        refused("a letter for a digit", "HTTP/1.x"),
        refused("no slash", "HTTP1.1"),
        refused("a backslash", "HTTP\\1.1"),
        refused("a letter too few", "HTP/1.1"),
        refused("a letter too many", "HTTPS/1.1"),
        refused("another protocol", "ICAP/1.0"),
        refused("a space after the slash", "HTTP/ 1.1"),
        refused("a space before the slash", "HTTP /1.1"),
        refused("something after it", "HTTP/1.1;a"),
        refused("a NUL after it", "HTTP/1.1\0"),
    ]);
}

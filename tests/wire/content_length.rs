//! `Content-Length = 1*DIGIT`, once (RFC 9110 §8.6, RFC 9112 §6.3).

use super::row::{check, row};

/// A request whose length two servers may read in two ways, and the request that
/// an attacker puts after it.
fn with(headers: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\nhello\
         GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    )
}

#[test]
fn accepts_digits_only() {
    let taken = |name, header: &str, body: &str| {
        row(name)
            .sends(format!("POST / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n{body}"))
            .gets([200])
            .with_body(body)
            .see("RFC 9110 §8.6")
    };
    check([
        taken("five bytes", "Content-Length: 5", "hello"),
        taken("a name in capitals", "CONTENT-LENGTH: 5", "hello"),
        taken("no space before it", "Content-Length:5", "hello"),
        taken("spaces and tabs around it", "Content-Length: \t5 \t", "hello"),
        taken("zeros in front", "Content-Length: 0000000000000000000000005", "hello"),
        taken("no body", "Content-Length: 0", ""),
        taken("a body with line ends in it", "Content-Length: 8", "\r\n\r\n\n\r\n\r"),
        taken("a body that looks like chunks", "Content-Length: 10", "5\r\nhello\r\n"),
        taken(
            "a body that looks like a request",
            "Content-Length: 37",
            "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n..",
        ),
        row("no Content-Length means no body")
            .sends("POST / HTTP/1.1\r\nHost: a\r\n\r\n")
            .gets([200])
            .with_body("")
            .see("RFC 9112 §6.3"),
        row("a body may have any byte")
            .sends({
                let all: Vec<u8> = (0..=255).collect();
                [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 256\r\n\r\n", &all[..]].concat()
            })
            .gets([200])
            .with_body((0..=255).collect::<Vec<u8>>())
            .see("RFC 9110 §6.4"),
    ]);
}

#[test]
fn refuses_two_content_lengths() {
    let refused = |name, headers: &str| {
        row(name)
            .sends(with(headers))
            .gets_refused(400, "more than one Content-Length field")
            .see("RFC 9112 §6.3")
    };
    check([
        refused("two that differ", "Content-Length: 5\r\nContent-Length: 0"),
        refused("two that agree", "Content-Length: 5\r\nContent-Length: 5"),
        refused("two whose names differ in case", "Content-Length: 5\r\ncontent-length: 5"),
        refused("two that differ in zeros", "Content-Length: 5\r\nContent-Length: 05"),
        refused("two with others between them", "Content-Length: 0\r\nX: 1\r\nContent-Length: 5"),
        refused("a good one and an empty one", "Content-Length: 5\r\nContent-Length:"),
        refused("three", "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 5"),
    ]);
}

#[test]
fn refuses_everything_that_is_not_digits_only() {
    let refused = |name, header: &str, source| {
        row(name)
            .sends(with(header))
            .gets_refused(400, "malformed Content-Length field")
            .see(source)
    };
    check([
        refused("nothing", "Content-Length:", "RFC 9110 §8.6"),
        refused("spaces", "Content-Length:   ", "RFC 9110 §8.6"),
        refused("a list of two that agree", "Content-Length: 5, 5", "RFC 9112 §6.3"),
        refused("a list without spaces", "Content-Length: 5,5", "RFC 9112 §6.3"),
        refused("a list of two that differ", "Content-Length: 5, 0", "RFC 9112 §6.3"),
        refused("a list with an empty member", "Content-Length: 5,", "RFC 9112 §6.3"),
        refused("a plus sign", "Content-Length: +5", "RFC 9110 §8.6; RUSTSEC-2021-0078"),
        refused("a minus sign", "Content-Length: -5", "RFC 9110 §8.6; CVE-2023-34188"),
        refused("a minus sign and a zero", "Content-Length: -0", "RFC 9110 §8.6; CVE-2023-34188"),
        refused("only a sign", "Content-Length: +", "RFC 9110 §8.6"),
        refused("hexadecimal digits", "Content-Length: 0x5", "RFC 9110 §8.6"),
        refused("a hexadecimal digit", "Content-Length: A", "RFC 9110 §8.6"),
        refused("a fraction", "Content-Length: 5.0", "RFC 9110 §8.6"),
        refused("an exponent", "Content-Length: 5e0", "RFC 9110 §8.6"),
        refused("an underscore between digits", "Content-Length: 0_5", "RFC 9110 §8.6"),
        refused("a space between digits", "Content-Length: 0 5", "RFC 9110 §8.6"),
        refused("something after the digits", "Content-Length: 5 bytes", "RFC 9110 §8.6"),
        refused("a parameter", "Content-Length: 5;a", "RFC 9110 §8.6"),
        refused("quotes", "Content-Length: \"5\"", "RFC 9110 §8.6"),
        refused("a word", "Content-Length: five", "RFC 9110 §8.6"),
        refused("digits of another script", "Content-Length: \u{665}", "RFC 9110 §8.6"),
        refused("a digit in superscript", "Content-Length: \u{b2}", "RFC 9110 §8.6"),
    ]);
}

#[test]
fn a_number_past_64_bits_does_not_wrap() {
    let refused = |name, length: &str| {
        row(name)
            .sends(with(&format!("Content-Length: {length}")))
            .gets_refused(400, "malformed Content-Length field")
            .see("RFC 9110 §8.6")
    };
    check([
        refused("2^64", "18446744073709551616"),
        refused("2^64 + 5, which would wrap to 5", "18446744073709551621"),
        refused("thirty nines", "999999999999999999999999999999"),
        row("2^64 - 1 is a number, and too large")
            .sends(with("Content-Length: 18446744073709551615"))
            .gets_refused(413, "the content is too large")
            .see("RFC 9110 §15.5.14"),
        row("2^63 is not negative, and too large")
            .sends(with("Content-Length: 9223372036854775808"))
            .gets_refused(413, "the content is too large")
            .see("RFC 9110 §15.5.14"),
    ]);
}

#[test]
fn a_body_ends_where_its_length_says() {
    check([
        row("what follows the body is the next request")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                 GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 200])
            .with_body("next\n")
            .see("RFC 9112 §6.3"),
        row("a length that is too short: the rest is part of the next method")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nhello\
                 GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 501])
            .with_detail("unknown method")
            .see("RFC 9112 §6.3"),
        row("a length that is too long, and a client that closes its side")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhello")
            .and_half_closes()
            .gets_refused(400, "the connection ended inside the content")
            .see("RFC 9112 §8"),
        row("a length that is too long: the body has the next request's first bytes")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhello\
                 GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            )
            .gets([200, 400])
            .with_detail("malformed request line")
            .and_closes()
            .see("RFC 9112 §6.3"),
    ]);
}

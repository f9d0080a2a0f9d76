//! `Transfer-Encoding: chunked`, once, alone, in HTTP/1.1 (RFC 9112 §6.1).
//!
//! A proxy in front of the server may understand another coding, or see one
//! header where the server sees two. So the server refuses everything that two
//! programs may read in two ways.

use super::row::{check, row};

/// A request that ends in one place by its Content-Length, and in another by its
/// chunks.
fn with(headers: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n0\r\n\r\n\
         GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    )
}

#[test]
fn accepts_chunked_alone() {
    let taken = |name, header: &str| {
        row(name)
            .sends(format!("POST / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
            .gets([200])
            .with_body("hello")
            .see("RFC 9112 §6.1, §7")
    };
    check([
        taken("chunked", "Transfer-Encoding: chunked"),
        taken("chunked in capitals", "Transfer-Encoding: CHUNKED"),
        taken("chunked in mixed case", "transfer-encoding: cHuNkEd"),
        taken("spaces and tabs around it", "Transfer-Encoding: \t chunked \t"),
        taken("no space before it", "Transfer-Encoding:chunked"),
    ]);
}

#[test]
fn refuses_a_content_length_beside_transfer_encoding() {
    let refused = |name, headers: &str, source| {
        row(name)
            .sends(with(headers))
            .gets_refused(400, "both Transfer-Encoding and Content-Length")
            .see(source)
    };
    check([
        refused(
            "the length first: CL.TE",
            "Content-Length: 40\r\nTransfer-Encoding: chunked",
            "RFC 9112 §6.1; CVE-2024-6827",
        ),
        refused(
            "the coding first: TE.CL",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "RFC 9112 §6.1; CVE-2024-6827",
        ),
        refused(
            "a length of 0",
            "Content-Length: 0\r\nTransfer-Encoding: chunked",
            "RFC 9112 §6.1; CVE-2024-6827",
        ),
        refused(
            "a length that is malformed as well",
            "Content-Length: +5\r\nTransfer-Encoding: chunked",
            "RFC 9112 §6.1",
        ),
        refused(
            "a coding that is unknown as well",
            "Content-Length: 5\r\nTransfer-Encoding: gzip",
            "RFC 9112 §6.1; CVE-2024-1135",
        ),
        refused(
            "a coding that is empty as well",
            "Content-Length: 5\r\nTransfer-Encoding:",
            "RFC 9112 §6.1",
        ),
        row("both, and two lengths")
            .sends(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 5"))
            .gets_refused(400, "more than one Content-Length field")
            .see("RFC 9112 §6.3"),
    ]);
}

#[test]
fn refuses_two_transfer_encodings() {
    let refused = |name, headers: &str| {
        row(name)
            .sends(with(headers))
            .gets_refused(400, "malformed Transfer-Encoding field")
            .see("RFC 9112 §6.3; RUSTSEC-2021-0020")
    };
    check([
        refused("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        refused("an unknown one second", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
        refused("an unknown one first", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked"),
        refused("identity second", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        refused("names that differ in case", "Transfer-Encoding: chunked\r\ntransfer-encoding: x"),
        refused("an empty one first", "Transfer-Encoding:\r\nTransfer-Encoding: chunked"),
    ]);
}

#[test]
fn refuses_chunked_among_other_codings() {
    let refused = |name, value: &str| {
        row(name)
            .sends(with(&format!("Transfer-Encoding: {value}")))
            .gets_refused(400, "malformed Transfer-Encoding field")
            .see("RFC 9112 §6.1; CVE-2024-1135")
    };
    check([
        refused("chunked last, on top of gzip", "gzip, chunked"),
        refused("chunked first", "chunked, gzip"),
        refused("chunked twice in a list", "chunked, chunked"),
        refused("identity before it", "identity, chunked"),
        refused("identity after it", "chunked, identity"),
        refused("an empty member after it", "chunked,"),
        refused("an empty member before it", ", chunked"),
        refused("a parameter", "chunked;a=b"),
        refused("a parameter and spaces", "chunked ; a"),
        refused("quotes", "\"chunked\""),
        refused("a space within", "chun ked"),
        refused("something after it", "chunked x"),
        refused("a byte past ASCII after it", "chunked\u{a0}"),
        refused("brackets", "[chunked]"),
        refused("nothing", ""),
        refused("a comma", ","),
    ]);
}

#[test]
fn answers_every_other_coding_with_501() {
    let refused = |name, value: &str, source| {
        row(name)
            .sends(with(&format!("Transfer-Encoding: {value}")))
            .gets_refused(501, "unknown transfer coding")
            .see(source)
    };
    check([
        refused("gzip", "gzip", "RFC 9112 §6.1"),
        refused("two of them", "gzip, deflate", "RFC 9112 §6.1"),
        refused("identity, which HTTP no longer has", "identity", "RFC 9112 §7; RUSTSEC-2020-0031"),
        refused("a letter before it", "xchunked", "RFC 9112 §6.1; RUSTSEC-2020-0031"),
        refused("a letter after it", "chunkedx", "RFC 9112 §6.1; RUSTSEC-2020-0031"),
        refused("a letter too few", "chunke", "RFC 9112 §6.1; CVE-2024-1135"),
        refused("a hyphen", "x-chunked", "RFC 9112 §6.1; CVE-2024-1135"),
        refused("a quote that is a token's byte", "'chunked'", "RFC 9112 §6.1; RUSTSEC-2020-0031"),
    ]);
}

#[test]
fn refuses_transfer_encoding_in_http_1_0() {
    check([
        row("chunked in HTTP/1.0")
            .sends("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            .gets_refused(400, "Transfer-Encoding before HTTP/1.1")
            .see("RFC 9112 §6.1; RUSTSEC-2026-0034"),
        row("chunked in HTTP/1.0 with keep-alive")
            .sends(
                "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n\
                 0\r\n\r\nGET /smuggled HTTP/1.0\r\n\r\n",
            )
            .gets_refused(400, "Transfer-Encoding before HTTP/1.1")
            .see("RFC 9112 §6.1; RUSTSEC-2026-0034"),
        row("chunked beside a length in HTTP/1.0")
            .sends(
                "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
                 0\r\n\r\n",
            )
            .gets_refused(400, "both Transfer-Encoding and Content-Length")
            .see("RFC 9112 §6.1; RUSTSEC-2026-0034"),
        row("Transfer-Encoding named as an option of the connection")
            .sends(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: Transfer-Encoding\r\n\
                 Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            )
            .gets([200])
            .with_body("hello")
            .see("RFC 9110 §7.6.1"),
        row("TE, which is about the answer and not about the request")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nTE: chunked\r\nConnection: TE\r\n\r\n")
            .gets([200])
            .with_body("")
            .see("RFC 9110 §10.1.4"),
    ]);
}

//! Every limit: one byte below it, exactly at it, and one byte above it.

use guardhouse::Limits;

use super::chunks::chunked;
use super::row::{Row, check, check_with, row};
use crate::support::patient_limits;

#[test]
fn a_target_has_at_most_8_kib() {
    let get = |name, length: usize| {
        let target = format!("/query?{}", "q".repeat(length - "/query?".len()));
        row(name)
            .sends(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .see("RFC 9112 §3, RFC 9110 §15.5.15")
    };
    check([
        get("8,191 bytes", 8191).gets([200]),
        get("8,192 bytes", 8192).gets([200]),
        get("8,193 bytes", 8193).gets_refused(414, "the request target is too long"),
        get("more than a whole head", 20_000).gets_refused(414, "the request target is too long"),
        row("a target that never ends")
            .sends(format!("GET /{}", "a".repeat(20_000)))
            .gets_refused(414, "the request target is too long")
            .see("RFC 9110 §15.5.15"),
    ]);
}

#[test]
fn a_head_has_at_most_16_kib() {
    let get = |name, length: usize| {
        let (before, behind) = ("GET / HTTP/1.1\r\nHost: a\r\nX: ", "\r\n\r\n");
        let value = "v".repeat(length - before.len() - behind.len());
        row(name).sends(format!("{before}{value}{behind}")).see("RFC 6585 §5")
    };
    check([
        get("16,383 bytes", 16_383).gets([200]),
        get("16,384 bytes", 16_384).gets([200]),
        get("16,385 bytes", 16_385).gets_refused(431, "the head is too large"),
        row("16,384 bytes after blank lines, which are not part of the head")
            .sends(format!(
                "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
                "v".repeat(16_384 - 32)
            ))
            .gets([200])
            .see("RFC 9112 §2.2"),
        row("16,384 bytes after another request")
            .sends(format!(
                "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
                "v".repeat(16_384 - 32)
            ))
            .gets([200, 200])
            .see("RFC 6585 §5"),
        row("a header that never ends")
            .sends(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "v".repeat(20_000)))
            .gets_refused(431, "the head is too large")
            .see("RFC 6585 §5"),
        row("a request line that never ends, with a short target")
            .sends(format!("GET / HTTP/1.1{}", "1".repeat(20_000)))
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §3"),
        row("a method that never ends")
            .sends("G".repeat(20_000))
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §3"),
        row("a target that is not too long, and a version that never ends")
            .sends(format!("GET /{} {}", "a".repeat(8_000), "H".repeat(20_000)))
            .gets_refused(400, "malformed request line")
            .see("RFC 9112 §3"),
        row("headers that never end")
            .sends(format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "X: 1\r\n".repeat(4000)))
            .gets_refused(431, "the head is too large")
            .see("RFC 6585 §5"),
    ]);
}

#[test]
fn a_head_has_at_most_100_headers() {
    let get = |name, count: usize| {
        let others = "X: 1\r\n".repeat(count - 1);
        row(name).sends(format!("GET / HTTP/1.1\r\nHost: a\r\n{others}\r\n")).see("RFC 6585 §5")
    };
    check([
        get("99 headers", 99).gets([200]),
        get("100 headers", 100).gets([200]),
        get("101 headers", 101).gets_refused(431, "too many fields"),
    ]);
}

#[test]
fn a_body_has_at_most_1_mib() {
    let see = "RFC 9110 §15.5.14; RUSTSEC-2022-0055";
    let counted = |name, length: usize, sent: usize| {
        row(name)
            .sends(format!(
                "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}",
                "c".repeat(sent)
            ))
            .see(see)
    };
    let read = |name, length: usize| {
        row(name)
            .sends(format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}",
                "c".repeat(length)
            ))
            .gets([200])
            .with_body("c".repeat(length))
            .see(see)
    };
    check([
        read("one byte below", (1 << 20) - 1),
        read("exactly as much", 1 << 20),
        counted("one byte more, which the handler does not read", (1 << 20) + 1, 0)
            .gets([200])
            .and_closes(),
        row("one byte more, which the handler reads, and none of it is sent")
            .sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
            .gets_refused(413, "the content is too large")
            .see(see),
        row("one byte more, for a handler that reads a stream")
            .sends("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
            .gets_refused(413, "the content is too large")
            .see(see),
        row("one byte more, for a path that is not found")
            .sends("POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
            .gets([404])
            .and_closes()
            .see(see),
        row("chunks, exactly as much")
            .sends(chunked(&format!("100000\r\n{}\r\n0\r\n\r\n", "c".repeat(1 << 20))))
            .gets([200])
            .with_body("c".repeat(1 << 20))
            .see(see),
        row("a chunk of one byte more, and none of it is sent")
            .sends(chunked("100001\r\n"))
            .gets_refused(413, "the content is too large")
            .see(see),
        row("chunks that together have one byte more")
            .sends(chunked(&format!("FFFFF\r\n{}\r\n2\r\n", "c".repeat((1 << 20) - 1))))
            .gets_refused(413, "the content is too large")
            .see(see),
    ]);
}

#[test]
fn a_chunk_line_has_at_most_256_bytes() {
    let see = "RFC 9112 §7.1.1; CVE-2023-39326";
    let line = |name, length: usize| {
        let name_of_extension = "a".repeat(length - "5;\r\n".len());
        row(name).sends(chunked(&format!("5;{name_of_extension}\r\nhello\r\n0\r\n\r\n"))).see(see)
    };
    check([
        line("255 bytes", 255).gets([200]).with_body("hello"),
        line("256 bytes", 256).gets([200]).with_body("hello"),
        line("257 bytes", 257).gets_refused(400, "malformed chunk"),
        row("a chunk line that never ends")
            .sends(chunked(&format!("5;{}", "a".repeat(1000))))
            .gets_refused(400, "malformed chunk")
            .see(see),
    ]);
}

#[test]
fn all_chunk_extensions_have_at_most_16_kib() {
    let chunks = |name, length: usize| {
        let chunk = format!("1;{}\r\na\r\n", "x".repeat(127));
        let last = "x".repeat(length - 127 * 128 - ";".len());
        row(name)
            .sends(chunked(&format!("{}0;{last}\r\n\r\n", chunk.repeat(127))))
            .see("RFC 9112 §7.1.1; CVE-2023-39326")
    };
    check([
        chunks("16,383 bytes of extensions", 16_383).gets([200]).with_body("a".repeat(127)),
        chunks("16,384 bytes of extensions", 16_384).gets([200]).with_body("a".repeat(127)),
        chunks("16,385 bytes of extensions", 16_385).gets_refused(400, "malformed chunk"),
    ]);
}

#[test]
fn trailers_have_at_most_4_kib() {
    let trailers = |name, length: usize| {
        let value = "t".repeat(length - "X: \r\n".len());
        row(name).sends(chunked(&format!("0\r\nX: {value}\r\n\r\n"))).see("RFC 9112 §7.1.2")
    };
    let too_long = "malformed trailer section";
    check([
        trailers("4,095 bytes", 4095).gets([200]),
        trailers("4,096 bytes", 4096).gets([200]),
        trailers("4,097 bytes", 4097).gets_refused(400, too_long),
        row("many short ones")
            .sends(chunked(&format!("0\r\n{}\r\n", "X: 1\r\n".repeat(682))))
            .gets([200])
            .see("RFC 9112 §7.1.2"),
        row("too many short ones")
            .sends(chunked(&format!("0\r\n{}\r\n", "X: 1\r\n".repeat(683))))
            .gets_refused(400, too_long)
            .see("RFC 9112 §7.1.2"),
        row("trailers that never end")
            .sends(chunked(&format!("0\r\n{}", "X: 1\r\n".repeat(1000))))
            .gets_refused(400, too_long)
            .see("RFC 9112 §7.1.2"),
    ]);
}

#[test]
fn the_server_drains_an_unread_body_up_to_64_kib() {
    let see = "RFC 9112 §9.3; RUSTSEC-2020-0093";
    let counted = |name, length: usize| {
        row(name)
            .sends(format!(
                "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}",
                "d".repeat(length)
            ))
            .gets([200])
            .see(see)
    };
    let in_chunks = |name, length: usize| {
        // The server drains the chunk's line, which has six bytes, and its data.
        let data = "d".repeat(length - "FFFF\r\n".len());
        row(name)
            .sends(format!(
                "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 {:04X}\r\n{data}\r\n0\r\n\r\n",
                data.len()
            ))
            .gets([200])
            .see(see)
    };
    check([
        counted("65,535 bytes", 65_535),
        counted("65,536 bytes", 65_536),
        counted("65,537 bytes, which are too many", 65_537).and_closes(),
        in_chunks("65,535 bytes in chunks", 65_535),
        in_chunks("65,536 bytes in chunks", 65_536),
        in_chunks("65,537 bytes in chunks, which no header announces", 65_537).and_closes_unsaid(),
        row("two bytes that the handler reads, and 65,536 more")
            .sends(format!(
                "POST /some HTTP/1.1\r\nHost: a\r\nContent-Length: 65538\r\n\r\n{}",
                "d".repeat(65_538)
            ))
            .gets([200])
            .with_body("dd")
            .see(see),
    ]);
}

/// Other limits than the defaults, so small that a row shows all of its bytes.
#[test]
fn every_limit_can_be_set() {
    let limits = Limits {
        blank_lines: 0,
        target_bytes: 10,
        head_bytes: 100,
        headers: 3,
        body_bytes: 10,
        chunk_line_bytes: 8,
        chunk_extension_bytes: 6,
        trailer_bytes: 12,
        drain_bytes: 6,
        output_bytes: 64,
        ..patient_limits()
    };
    let set = |name, bytes: &str| -> Row { row(name).sends(bytes).see("Limits") };
    let chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let unread = "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length:";
    check_with(
        limits,
        [
            set("no blank line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .gets_refused(400, "too many blank lines before the request line"),
            set("a target of 10", "GET /query?123 HTTP/1.1\r\nHost: a\r\n\r\n").gets([200]),
            set("a target of 11", "GET /query?1234 HTTP/1.1\r\nHost: a\r\n\r\n")
                .gets_refused(414, "the request target is too long"),
            row("a head of 100")
                .sends(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(68)))
                .gets([200])
                .see("Limits"),
            row("a head of 101")
                .sends(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(69)))
                .gets_refused(431, "the head is too large")
                .see("Limits"),
            set("3 headers", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n").gets([200]),
            set("4 headers", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\nX: 3\r\n\r\n")
                .gets_refused(431, "too many fields"),
            set(
                "a body of 10",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
            )
            .gets([200]),
            set("a body of 11", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
                .gets_refused(413, "the content is too large"),
            set("chunks of 10", &format!("{chunks}9\r\n012345678\r\n1\r\n9\r\n0\r\n\r\n"))
                .gets([200]),
            set("chunks of 11", &format!("{chunks}9\r\n012345678\r\n2\r\n"))
                .gets_refused(413, "the content is too large"),
            set("a chunk line of 8", &format!("{chunks}1;aaaa\r\n1\r\n0\r\n\r\n")).gets([200]),
            set("a chunk line of 9", &format!("{chunks}1;aaaaa\r\n1\r\n0\r\n\r\n"))
                .gets_refused(400, "malformed chunk"),
            set("extensions of 6", &format!("{chunks}1;aa\r\n1\r\n0;bb\r\n\r\n")).gets([200]),
            set("extensions of 7", &format!("{chunks}1;aa\r\n1\r\n0;bbb\r\n\r\n"))
                .gets_refused(400, "malformed chunk"),
            set("trailers of 12", &format!("{chunks}0\r\nX: 1\r\nY: 2\r\n\r\n")).gets([200]),
            set("trailers of 13", &format!("{chunks}0\r\nX: 1\r\nY: 22\r\n\r\n"))
                .gets_refused(400, "malformed trailer section"),
            set("6 bytes to drain", &format!("{unread} 6\r\n\r\n012345")).gets([200]),
            set("7 bytes to drain", &format!("{unread} 7\r\n\r\n0123456")).gets([200]).and_closes(),
            set(
                "more answers than one write gathers",
                &"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5),
            )
            .gets([200; 5]),
        ],
    );
}

//! `chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF` (RFC 9112 §7.1).

use super::row::{check, row};

/// A request with these chunks.
pub fn chunked(chunks: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

/// Chunks that a proxy in front of the server may read in another way, and the
/// request that an attacker puts after them.
fn doubtful(chunks: &str) -> String {
    chunked(chunks) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
}

#[test]
fn chunks_are_joined() {
    let joined = |name, chunks: &str, body| {
        row(name).sends(chunked(chunks)).gets([200]).with_body(body).see("RFC 9112 §7.1")
    };
    check([
        joined("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        joined("two chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"),
        joined("a chunk a byte", "1\r\nh\r\n1\r\ni\r\n1\r\n!\r\n0\r\n\r\n", "hi!"),
        joined("only the last chunk", "0\r\n\r\n", ""),
        joined("a size in small letters", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        joined("a size in capitals", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        joined("zeros before a size", "005\r\nhello\r\n0\r\n\r\n", "hello"),
        joined("a size of sixteen digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"),
        joined("a last chunk of many zeros", "5\r\nhello\r\n000\r\n\r\n", "hello"),
        joined("line ends within a chunk", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
        joined("a last chunk within a chunk", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
    ]);
}

#[test]
fn a_stream_reads_the_same_bytes() {
    check([
        row("chunks as a stream")
            .sends(
                "POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            )
            .gets([200])
            .with_body("hello")
            .see("RFC 9112 §7.1"),
        row("a malformed chunk in a stream")
            .sends(
                "POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 2\r\nhe\r\nx\r\n",
            )
            .gets_refused(400, "malformed chunk")
            .see("RFC 9112 §7.1"),
        row("a stream whose handler reads only its beginning")
            .sends(
                "POST /some HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 1\r\nh\r\n4\r\nello\r\n0\r\nX: 1\r\n\r\n",
            )
            .gets([200])
            .with_body("he")
            .see("RFC 9112 §9.3; RUSTSEC-2020-0093"),
    ]);
}

#[test]
fn ignores_well_formed_extensions() {
    let joined = |name, body: &str| {
        row(name).sends(chunked(body)).gets([200]).with_body("hello").see("RFC 9112 §7.1.1")
    };
    check([
        joined("a name", "5;a\r\nhello\r\n0\r\n\r\n"),
        joined("a name and a value", "5;a=b\r\nhello\r\n0\r\n\r\n"),
        joined("two extensions", "5;a=b;c\r\nhello\r\n0\r\n\r\n"),
        joined("whitespace wherever it is allowed", "5 \t; a = b ;c\r\nhello\r\n0\r\n\r\n"),
        joined("a quoted value", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"),
        joined("an empty quoted value", "5;a=\"\"\r\nhello\r\n0\r\n\r\n"),
        joined("a quoted semicolon", "5;a=\";b\"\r\nhello\r\n0\r\n\r\n"),
        joined("a quoted quote", "5;a=\"\\\"\"\r\nhello\r\n0\r\n\r\n"),
        joined("an extension of the last chunk", "5\r\nhello\r\n0;a=b\r\n\r\n"),
        joined("bytes past ASCII in quotes", "5;a=\"\u{e9}\"\r\nhello\r\n0\r\n\r\n"),
    ]);
}

#[test]
fn refuses_extensions_that_two_parsers_may_end_in_two_places() {
    let refused = |name, line: &str| {
        row(name)
            .sends(doubtful(&format!("{line}hello\r\n0\r\n\r\n")))
            .gets_refused(400, "malformed chunk")
            .see("RFC 9112 §7.1.1; CVE-2025-55315")
    };
    check([
        refused("a bare LF in an extension", "5;a\nb\r\n"),
        refused("a bare LF after an extension", "5;a\n"),
        refused("a bare CR in an extension", "5;a\rb\r\n"),
        refused("a bare CR before the CRLF", "5;a\r\r\n"),
        refused("a bare LF within quotes", "5;a=\"b\nc\"\r\n"),
        refused("a CRLF within quotes", "5;a=\"b\r\nc\"\r\n"),
        refused("an escaped LF within quotes", "5;a=\"\\\n\"\r\n"),
        refused("a NUL", "5;a\0\r\n"),
        refused("a NUL within quotes", "5;a=\"\0\"\r\n"),
        refused("a DEL within quotes", "5;a=\"\x7f\"\r\n"),
        refused("a quote that stays open", "5;a=\"b\r\n"),
        refused("a quote that is escaped and stays open", "5;a=\"\\\"\r\n"),
        refused("something after a quote", "5;a=\"b\"c\r\n"),
    ]);
}

#[test]
fn refuses_malformed_extensions() {
    let refused = |name, line: &str| {
        row(name)
            .sends(doubtful(&format!("{line}\r\nhello\r\n0\r\n\r\n")))
            .gets_refused(400, "malformed chunk")
            .see("RFC 9112 §7.1.1; CVE-2022-24761")
    };
    check([
        refused("a semicolon and no name", "5;"),
        refused("two semicolons", "5;;a"),
        refused("a semicolon too many at the end", "5;a;"),
        refused("an equals sign and no value", "5;a="),
        refused("an equals sign and no name", "5;=b"),
        refused("two values", "5;a=b=c"),
        refused("two names", "5;a b"),
        refused("no semicolon", "5 a"),
        refused("a comma for a semicolon", "5,a"),
        refused("a byte that no name may have", "5;a@b"),
        refused("a byte past ASCII in a name", "5;\u{e9}"),
    ]);
}

#[test]
fn refuses_a_size_that_is_not_hexadecimal_digits_only() {
    let refused = |name, size: &str, source| {
        row(name)
            .sends(doubtful(&format!("{size}\r\nhello\r\n0\r\n\r\n")))
            .gets_refused(400, "malformed chunk")
            .see(source)
    };
    check([
        refused("a prefix", "0x5", "RFC 9112 §7.1; CVE-2022-24761"),
        refused("a plus sign", "+5", "RFC 9112 §7.1; CVE-2022-24761"),
        refused("a minus sign", "-5", "RFC 9112 §7.1; CVE-2023-47627"),
        refused("an underscore", "0_5", "RFC 9112 §7.1; CVE-2023-47627"),
        refused("a space in front", " 5", "RFC 9112 §7.1; CVE-2023-47627"),
        refused("a tab in front", "\t5", "RFC 9112 §7.1; CVE-2023-47627"),
        refused("a space after it", "5 ", "RFC 9112 §7.1"),
        refused("a tab after it", "5\t", "RFC 9112 §7.1"),
        refused("nothing", "", "RFC 9112 §7.1"),
        refused("only an extension", ";a", "RFC 9112 §7.1"),
        refused("a letter that is no digit", "g", "RFC 9112 §7.1"),
        refused("a digit and a letter that is none", "5g", "RFC 9112 §7.1; CVE-2022-24761"),
        refused("a suffix", "5h", "RFC 9112 §7.1"),
        refused("a fraction", "5.0", "RFC 9112 §7.1"),
        refused("quotes", "\"5\"", "RFC 9112 §7.1"),
        refused("digits of another script", "\u{665}", "RFC 9112 §7.1; CVE-2023-47627"),
        refused("a NUL after it", "5\0", "RFC 9112 §7.1"),
        refused("seventeen digits", "00000000000000005", "RFC 9112 §7.1"),
        refused(
            "2^64, which would wrap to 0",
            "10000000000000000",
            "RFC 9112 §7.1; RUSTSEC-2021-0079",
        ),
        refused(
            "2^64 + 5, which would wrap to 5",
            "10000000000000005",
            "RFC 9112 §7.1; RUSTSEC-2021-0079",
        ),
    ]);
}

#[test]
fn sizes_do_not_overflow() {
    let refused = |name, body: &str| {
        row(name)
            .sends(doubtful(body))
            .gets_refused(413, "the content is too large")
            .see("RFC 9112 §7.1; RUSTSEC-2021-0079")
    };
    check([
        refused("2^64 - 1", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        refused("2^63", "8000000000000000\r\nhello\r\n0\r\n\r\n"),
        refused("2^32 + 5, which is 5 in 32 bits", "100000005\r\nhello\r\n0\r\n\r\n"),
        refused(
            "a second size that makes the sum 0",
            "1\r\nh\r\nFFFFFFFFFFFFFFFF\r\nello\r\n0\r\n\r\n",
        ),
    ]);
}

#[test]
fn refuses_line_ends_that_are_not_crlf() {
    let refused = |name, body: &str, source| {
        row(name).sends(doubtful(body)).gets_refused(400, "malformed chunk").see(source)
    };
    check([
        refused(
            "a bare LF after the size",
            "5\nhello\r\n0\r\n\r\n",
            "RFC 9112 §7.1; CVE-2025-22871",
        ),
        refused(
            "a bare CR after the size",
            "5\rhello\r\n0\r\n\r\n",
            "RFC 9112 §7.1; CVE-2025-22871",
        ),
        refused("two CR after the size", "5\r\r\nhello\r\n0\r\n\r\n", "RFC 9112 §7.1"),
        refused(
            "a bare LF after the data",
            "5\r\nhello\n0\r\n\r\n",
            "RFC 9112 §7.1; CVE-2025-22871",
        ),
        refused(
            "a bare CR after the data",
            "5\r\nhello\r0\r\n\r\n",
            "RFC 9112 §7.1; CVE-2025-43859",
        ),
        refused(
            "two other bytes after the data",
            "5\r\nhelloXX0\r\n\r\n",
            "RFC 9112 §7.1; CVE-2025-43859",
        ),
        refused(
            "LF before CR after the data",
            "5\r\nhello\n\r0\r\n\r\n",
            "RFC 9112 §7.1; CVE-2025-43859",
        ),
        refused(
            "a space before the CRLF after the data",
            "5\r\nhello \r\n0\r\n\r\n",
            "RFC 9112 §7.1",
        ),
        refused("nothing after the data", "5\r\nhello0\r\n\r\n", "RFC 9112 §7.1; CVE-2025-43859"),
        refused("two CRLF after the data", "5\r\nhello\r\n\r\n0\r\n\r\n", "RFC 9112 §7.1"),
        refused("data longer than its size", "4\r\nhello\r\n0\r\n\r\n", "RFC 9112 §7.1"),
        refused("data shorter than its size", "6\r\nhello\r\n0\r\n\r\n", "RFC 9112 §7.1"),
        refused(
            "a bare LF after the last size",
            "5\r\nhello\r\n0\n\r\n",
            "RFC 9112 §7.1; CVE-2025-22871",
        ),
    ]);
}

#[test]
fn refuses_chunks_that_end_too_early() {
    let refused = |name, body: &str| {
        row(name)
            .sends(chunked(body))
            .and_half_closes()
            .gets_refused(400, "the connection ended inside the content")
            .see("RFC 9112 §8")
    };
    check([
        refused("before the first size", ""),
        refused("within a size line", "5"),
        refused("within a size line's CRLF", "5\r"),
        refused("before a chunk's data", "5\r\n"),
        refused("within a chunk's data", "5\r\nhel"),
        refused("before the CRLF after a chunk", "5\r\nhello"),
        refused("within the CRLF after a chunk", "5\r\nhello\r"),
        refused("before the last chunk", "5\r\nhello\r\n"),
        refused("before the trailer section", "5\r\nhello\r\n0\r\n"),
        refused("within the last CRLF", "5\r\nhello\r\n0\r\n\r"),
    ]);
}

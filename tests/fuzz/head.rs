//! Whatever the bytes are: a head that the parser accepts is well-formed in every
//! way, and one that it refuses gets one of the known statuses.

#![no_main]

use guardhouse::{Error, Header, Limits, Method, Request, Response, Route, Routes, Version};
use libfuzzer_sys::fuzz_target;

const HEAD_BYTES: usize = 16 * 1024;
const TARGET_BYTES: usize = 8 * 1024;

fuzz_target!(|bytes: &[u8]| {
    match Request::parse(bytes) {
        Ok(mut request) => {
            check_head(bytes);
            check_target(&request);
            check_headers(bytes, &request);
            check_framing(&request);
            // Every accepted head gets an answer.
            let routes = Routes::new([Route::open(Method::GET, "/", |_: &mut Request| {
                Response::text("home")
            })]);
            let status = routes.answer(&mut request).status().code();
            assert!([200, 204, 404, 405, 501].contains(&status), "{status}");
        }
        Err(error) => {
            let status = error.status();
            assert!([400, 413, 414, 417, 431, 501, 505].contains(&status), "{status}");
            assert_eq!(Response::from(error).status().code(), status);
        }
    }
});

/// The head ends at the first blank line after its request line, all its lines
/// end with CRLF, and a part of it is not a head.
fn check_head(bytes: &[u8]) {
    let mut begin = 0;
    while bytes[begin..].starts_with(b"\r\n") {
        begin += 2;
    }
    assert!(begin <= 8, "blank lines");
    let length = bytes[begin..].windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert!(length <= HEAD_BYTES);
    let head = &bytes[begin..begin + length];
    for (at, byte) in head.iter().enumerate() {
        match byte {
            b'\r' => assert_eq!(head.get(at + 1), Some(&b'\n'), "bare CR"),
            b'\n' => assert_eq!(head[at - 1], b'\r', "bare LF"),
            _ => {}
        }
    }
    let refused = |end: usize| Request::parse(&bytes[..end]).err();
    assert_eq!(refused(begin + length - 1), Some(Error::HeadTruncated));
    assert_eq!(refused(begin + length / 2), Some(Error::HeadTruncated));
    assert!(refused(begin + length).is_none(), "the bytes after a head belong to it");
}

fn check_target(request: &Request) {
    let path = request.path();
    match request.method() {
        Method::CONNECT => assert_eq!(path, ""),
        Method::OPTIONS if path == "*" => assert_eq!(request.query(), None),
        _ => assert!(path.starts_with('/')),
    }
    let query = request.query().unwrap_or_default();
    assert!(path.len() + query.len() <= TARGET_BYTES);
    assert!(path.bytes().chain(query.bytes()).all(|byte| byte.is_ascii_graphic()));
    assert!(!path.contains(['?', '#']) && !query.contains('#'));
    // Only reserved bytes are still encoded.
    for encoded in path.split('%').skip(1) {
        let byte = u8::from_str_radix(&encoded[..2], 16).unwrap();
        assert!(!byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte), "{path}");
    }
}

fn check_headers(bytes: &[u8], request: &Request) {
    assert!(request.headers().len() <= Limits::DEFAULT.headers);
    for Header { name, value } in request.headers() {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        assert!(!name.is_empty() && name.bytes().all(token), "{name:?}");
        let text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        assert!(value.iter().all(text), "{value:?}");
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        assert!(!blank(value.first()) && !blank(value.last()), "{value:?}");
        // Both borrow from the bytes that were sent.
        let sent = bytes.as_ptr_range();
        assert!(sent.contains(&name.as_ptr()));
        assert!(value.is_empty() || sent.contains(&value.as_ptr()));
    }
    let hosts = values(request, "Host");
    match request.version() {
        Version::Http11 => assert_eq!(hosts.len(), 1),
        Version::Http10 => assert!(hosts.len() <= 1),
    }
    for host in hosts {
        let plain = |byte: &u8| byte.is_ascii_graphic() && !b"/?#@\\\"<>".contains(byte);
        assert!(!host.is_empty() && host.iter().all(plain), "{host:?}");
    }
}

fn check_framing(request: &Request) {
    let (lengths, codings) =
        (values(request, "Content-Length"), values(request, "Transfer-Encoding"));
    assert!(lengths.len() + codings.len() <= 1, "framed twice");
    for length in lengths {
        assert!(!length.is_empty() && length.iter().all(u8::is_ascii_digit), "{length:?}");
    }
    for coding in codings {
        assert!(coding.eq_ignore_ascii_case(b"chunked"), "{coding:?}");
        assert_eq!(request.version(), Version::Http11);
    }
    for expectation in values(request, "Expect") {
        assert!(expectation.eq_ignore_ascii_case(b"100-continue"), "{expectation:?}");
    }
}

fn values<'r>(request: &'r Request, name: &str) -> Vec<&'r [u8]> {
    let named = request.headers().iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value).collect()
}

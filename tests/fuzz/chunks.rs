//! A chunked body is the same whether a handler reads it whole, as a stream, or
//! from a connection that brings it in pieces. A simpler decoder reads the same
//! bytes, and the next request begins right after the chunks.
//!
//! The first byte says how to cut the rest, which is the chunks.

#![no_main]

use std::io::Read;

use guardhouse::Method::{GET, POST};
use guardhouse::{Error, Limits, Request, Response, Route, Routes, Status, exchange};
use libfuzzer_sys::fuzz_target;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

fuzz_target!(|input: &[u8]| {
    let Some((cut, chunks)) = input.split_first() else { return };
    let bytes = [HEAD, chunks].concat();
    let whole = whole(&bytes);
    assert_eq!(streamed(&bytes, usize::from(*cut % 64) + 1), whole, "streamed");

    let pieces = bytes.chunks(usize::from(*cut) + 1);
    let answer = exchange(&routes(), &Limits::default(), pieces);
    match &whole {
        Ok(body) => {
            let expected = [b"\r\n\r\n<", &body[..], b">"].concat();
            assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", answer.escape_ascii());
            assert!(contains(&answer, &expected), "{}", answer.escape_ascii());
        }
        Err(error) => {
            let status = format!("HTTP/1.1 {} ", error.status());
            assert!(answer.starts_with(status.as_bytes()), "{}", answer.escape_ascii());
            assert!(contains(&answer, b"\r\nConnection: close\r\n"), "{}", answer.escape_ascii());
            assert!(answer.ends_with(format!("{{\"detail\":\"{error}\"}}").as_bytes()));
        }
    }

    if let Ok(body) = whole {
        let (decoded, end) = decode(chunks).expect("chunks that the server accepts");
        assert_eq!(decoded, body, "decoded another way");
        let pipelined = [HEAD, &chunks[..end], NEXT].concat();
        let pieces = pipelined.chunks(usize::from(*cut) + 1);
        let answer = exchange(&routes(), &Limits::default(), pieces);
        assert!(answer.ends_with(b"\r\n\r\nnext"), "{}", answer.escape_ascii());
        // No handler reads the body, and it still does not become the next request.
        let dropped = [b"PUT", &pipelined[4..]].concat();
        if end <= 64 * 1024 {
            let answer = exchange(&routes(), &Limits::default(), [dropped]);
            assert!(answer.starts_with(b"HTTP/1.1 405 "), "{}", answer.escape_ascii());
            assert!(answer.ends_with(b"\r\n\r\nnext"), "{}", answer.escape_ascii());
        }
    }
});

fn routes() -> Routes {
    let echo = |request: &mut Request| -> Result<Response, Error> {
        let body = [b"<", request.body()?, b">"].concat();
        Ok(Response::new(Status::OK).with_body("application/octet-stream", body))
    };
    Routes::new([
        Route::open(POST, "/", echo),
        Route::open(GET, "/next", |_: &mut Request| Response::text("next")),
    ])
}

fn whole(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    Request::parse(bytes).expect("a valid head").body().map(<[u8]>::to_vec)
}

fn streamed(bytes: &[u8], size: usize) -> Result<Vec<u8>, Error> {
    let mut request = Request::parse(bytes).expect("a valid head");
    let (mut body, mut piece) = (Vec::new(), vec![0; size]);
    loop {
        match request.body_reader().read(&mut piece) {
            Ok(0) => return Ok(body),
            Ok(count) => body.extend_from_slice(&piece[..count]),
            Err(error) => {
                let inner = error.into_inner().expect("an error of ours");
                return Err(*inner.downcast().expect("an error of ours"));
            }
        }
    }
}

/// The body, and the length of its chunks: the pseudo-code of RFC 9112 §7.1.3,
/// which checks nothing.
fn decode(chunks: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    let line = |at: usize| {
        let length = chunks.get(at..)?.windows(2).position(|two| two == b"\r\n")?;
        Some((&chunks[at..at + length], at + length + 2))
    };
    loop {
        let (size, data) = line(at)?;
        let digits = size.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = usize::from_str_radix(str::from_utf8(&size[..digits]).ok()?, 16).ok()?;
        if size == 0 {
            at = data;
            break;
        }
        body.extend_from_slice(chunks.get(data..data + size)?);
        at = data + size + 2;
    }
    loop {
        let (trailer, next) = line(at)?;
        at = next;
        if trailer.is_empty() {
            return Some((body, at));
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

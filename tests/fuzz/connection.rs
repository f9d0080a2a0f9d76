//! A connection's answers depend on the bytes that were sent, and never on how
//! they were cut into pieces. Each answer is well-formed, and nothing follows an
//! answer that says `Connection: close`.
//!
//! The first byte chooses the limits, and the next two say how to cut the rest.

#![no_main]

use std::io::Read;
use std::time::Duration;

use guardhouse::Method::{GET, POST};
use guardhouse::{Error, Limits, Request, Response, Route, Routes, Status, exchange, guard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [options, first, second, bytes @ ..] = input else { return };
    let limits = limits(*options);
    let routes = routes();

    let whole = masked(exchange(&routes, &limits, [bytes]));
    let seed = u16::from_be_bytes([*first, *second]);
    let pieces = masked(exchange(&routes, &limits, pieces(bytes, seed)));
    assert_eq!(whole.escape_ascii().to_string(), pieces.escape_ascii().to_string());

    let had_head = bytes.windows(5).any(|five| five == b"HEAD ");
    let mut rest = &whole[..];
    let mut continued = false;
    while !rest.is_empty() {
        let answer;
        (answer, rest) = take_answer(rest, had_head)
            .unwrap_or_else(|| panic!("malformed answer: {}", rest.escape_ascii()));
        // A final answer follows each interim one.
        assert!(!(answer.interim && continued), "two interim answers");
        continued = answer.interim;
        assert!(
            !answer.close || rest.is_empty(),
            "after Connection: close: {}",
            rest.escape_ascii()
        );
    }
    assert!(!continued, "no final answer");
});

/// Limits that an input of a few hundred bytes reaches, or the default ones.
fn limits(options: u8) -> Limits {
    let small = Limits {
        blank_lines: 1,
        target_bytes: 64,
        head_bytes: 256,
        headers: 8,
        body_bytes: 100,
        chunk_line_bytes: 24,
        chunk_extension_bytes: 48,
        trailer_bytes: 32,
        drain_bytes: 40,
        output_bytes: 300,
        ..Limits::default()
    };
    let limits = if options & 1 == 0 { small } else { Limits::default() };
    // No test waits for a peer, so no timeout may pass, however slow the machine is.
    let hour = Duration::from_secs(3600);
    Limits { head_timeout: hour, body_timeout: hour, drain_timeout: hour, ..limits }
}

/// No handler sends bytes that the peer chose, so that the target can tell where
/// each answer ends.
fn routes() -> Routes {
    let signed_in = guard::bearer("fuzz", |token| (token == "t").then_some("Ann"));
    let read = |request: &mut Request| -> Result<Response, Error> {
        Ok(Response::text(sum(request.body()?)))
    };
    // This handler does not report that the body is malformed.
    let swallow = |request: &mut Request| match request.body() {
        Ok(body) => Response::text(sum(body)),
        Err(_) => Response::text("swallowed"),
    };
    let part = |request: &mut Request| {
        let mut start = Vec::new();
        match request.body_reader().take(4).read_to_end(&mut start) {
            Ok(_) => Response::text(sum(&start)),
            Err(_) => Response::text("broken"),
        }
    };
    Routes::new([
        Route::open(GET, "/", |_: &mut Request| Response::text("home")),
        Route::open(POST, "/", read),
        Route::open(POST, "/swallow", swallow),
        Route::open(POST, "/part", part),
        Route::open(POST, "/drop", |_: &mut Request| Response::text("dropped")),
        Route::open(GET, "/none", |_: &mut Request| Response::new(Status::NO_CONTENT)),
        Route::open(GET, "/large", |_: &mut Request| Response::text("large ".repeat(100))),
        Route::guarded(GET, "/me", signed_in.clone(), |_: &mut Request, name| Response::text(name)),
        Route::guarded(POST, "/me", signed_in, move |request: &mut Request, _| read(request)),
    ])
}

/// What an answer says about a body, instead of its bytes.
fn sum(bytes: &[u8]) -> String {
    let sum = bytes
        .iter()
        .fold(5381_u32, |sum, byte| sum.wrapping_mul(33).wrapping_add(u32::from(*byte)));
    format!("{} bytes, {sum:08x}", bytes.len())
}

/// Pieces of one byte, of a few, or of a few hundred.
fn pieces(bytes: &[u8], seed: u16) -> Vec<&[u8]> {
    let (mut rest, mut state, mut pieces) = (bytes, u32::from(seed), Vec::new());
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let most = [1, 3, 16, 300][usize::from(seed % 4)];
        let (piece, behind) = rest.split_at(((state >> 16) as usize % most + 1).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

const DATE: &[u8] = b"\r\nDate: ";
const DATE_LENGTH: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

/// The answers with the same Date everywhere: a second may end between two runs.
fn masked(mut answers: Vec<u8>) -> Vec<u8> {
    let mut from = 0;
    while let Some(at) = answers[from..].windows(DATE.len()).position(|window| window == DATE) {
        from += at + DATE.len();
        let date = &mut answers[from..from + DATE_LENGTH];
        assert!(date.ends_with(b" GMT") && date[3] == b',', "{}", date.escape_ascii());
        date.fill(b'D');
    }
    answers
}

struct Answer {
    interim: bool,
    close: bool,
}

/// Takes the first answer off the bytes, as a very strict client would.
fn take_answer(bytes: &[u8], had_head: bool) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let (head, mut rest) = bytes.split_at(end);
    let mut lines = str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?.split("\r\n");
    let (status, reason) = lines.next()?.strip_prefix("HTTP/1.1 ")?.split_once(' ')?;
    let status: u16 = status.parse().ok()?;
    if reason.is_empty() {
        return None;
    }
    let mut headers: Vec<(&str, &str)> = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        // An unknown path allows no method (RFC 9110 §10.2.1).
        let named = !value.is_empty() || name == "Allow";
        let plain = named && value.bytes().all(|byte| (b' '..0x7f).contains(&byte));
        let twice = headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if !plain || twice || !name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
            return None;
        }
        headers.push((name, value));
    }
    let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
    if status == 100 {
        return headers.is_empty().then_some((Answer { interim: true, close: false }, rest));
    }
    assert!([200, 204, 400, 401, 404, 405, 413, 414, 417, 431, 501, 505].contains(&status));
    assert_eq!(header("Date").map(str::len), Some(DATE_LENGTH));
    assert_eq!(status == 405, header("Allow").is_some() && status != 204, "{status}");
    let malformed_credentials = status == 400 && header("WWW-Authenticate").is_some();
    assert!(status != 401 || header("WWW-Authenticate").is_some());
    let close = match header("Connection") {
        None | Some("keep-alive") => false,
        Some("close") => true,
        Some(_) => return None,
    };
    // After these errors the next request can't be found.
    let ends = [400, 413, 414, 417, 431, 505].contains(&status) && !malformed_credentials;
    assert!(close || !ends, "{status} without close");
    let length = header("Content-Length").map(|length| length.parse::<usize>());
    match length {
        None if status == 204 => assert_eq!(header("Content-Type"), None),
        None | Some(Err(_)) => return None,
        Some(Ok(length)) => {
            assert_ne!(status, 204);
            assert!(length > 0 && header("Content-Type").is_some());
            // An answer to HEAD has no body, and no body begins like an answer.
            if !(had_head && (rest.is_empty() || rest.starts_with(b"HTTP/1.1 "))) {
                let (body, behind) = rest.split_at_checked(length)?;
                let is_error = status >= 400;
                assert_eq!(is_error, body.starts_with(b"{\"detail\":\"") && body.ends_with(b"\"}"));
                rest = behind;
            }
        }
    }
    Some((Answer { interim: false, close }, rest))
}

//! Writes the head of a response (RFC 9112 §4, §5). The connection writes the body after
//! it.

use std::time::Duration;

use crate::http::response::Response;

/// What a response says about its connection (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It stays open, which HTTP/1.1 need not say.
    Implied,
    /// It stays open for a client that has asked whether it does, and may then be idle
    /// for that long. An HTTP/1.0 client must be told.
    KeepAlive(Duration),
    /// It closes.
    Close,
}

/// Writes the status line and the headers to the end of `out`.
/// `more` is further headers of the server's, each with its CRLF.
pub(crate) fn write_head(
    response: &Response,
    out: &mut Vec<u8>,
    date: &str,
    persistence: Persistence,
    more: &str,
) {
    out.extend_from_slice(b"HTTP/1.1 ");
    write_number(out, usize::from(response.status().code()));
    out.push(b' ');
    out.extend_from_slice(response.status().reason().as_bytes());
    out.extend_from_slice(b"\r\n");
    write_header(out, "Date", date);
    if let Some(media_type) = response.header("Content-Type") {
        write_header(out, "Content-Type", media_type);
    }
    // "A server MUST NOT send a Content-Length header field in any response
    // with a status code of … 204" (RFC 9110 §8.6).
    if response.status().has_body() {
        out.extend_from_slice(b"Content-Length: ");
        write_number(out, response.body().len());
        out.extend_from_slice(b"\r\n");
    }
    match persistence {
        Persistence::Implied => {}
        Persistence::KeepAlive(timeout) => write_keep_alive(out, timeout),
        Persistence::Close => write_header(out, "Connection", "close"),
    }
    if response.no_store() {
        write_header(out, "Cache-Control", "no-store");
    }
    for (name, value) in response.headers() {
        write_header(out, name, value);
    }
    out.extend_from_slice(more.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes how long a connection may be idle (RFC 2068 §19.7.1.1): a second less than is
/// true, so that the client closes it first. A request that the client sends while the
/// server closes the connection is lost.
fn write_keep_alive(out: &mut Vec<u8>, timeout: Duration) {
    write_header(out, "Connection", "keep-alive");
    if let Ok(seconds @ 2..) = usize::try_from(timeout.as_secs()) {
        out.extend_from_slice(b"Keep-Alive: timeout=");
        write_number(out, seconds - 1);
        out.extend_from_slice(b"\r\n");
    }
}

fn write_header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes a number in decimal. `write!` would cost more than the rest of the head.
fn write_number(out: &mut Vec<u8>, mut number: usize) {
    // From the last digit to the first. No usize has more than twenty digits.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b"0123456789"[number % 10];
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::status::Status;

    #[track_caller]
    fn head(response: &Response, persistence: Persistence) -> String {
        let mut out = Vec::new();
        write_head(response, &mut out, "DATE", persistence, "X-Z: 9\r\n");
        String::from_utf8(out).expect("a head is text")
    }

    #[test]
    fn a_response_is_written_line_by_line() {
        let response = Response::json("{}").with_header("X-A", "1");
        assert_eq!(
            head(&response, Persistence::Close),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\nConnection: close\r\nX-A: 1\r\nX-Z: 9\r\n\r\n"
        );
    }

    #[test]
    fn a_client_that_asks_is_told_how_long_its_connection_may_be_idle() {
        let told = |milliseconds| {
            let timeout = Duration::from_millis(milliseconds);
            let head = head(&Response::new(Status::NO_CONTENT), Persistence::KeepAlive(timeout));
            assert!(head.contains("\r\nConnection: keep-alive\r\n"), "{head}");
            head.lines().find_map(|line| line.strip_prefix("Keep-Alive: ")).map(str::to_owned)
        };
        assert_eq!(told(75_000).as_deref(), Some("timeout=74"));
        assert_eq!(told(2_900).as_deref(), Some("timeout=1"));
        assert_eq!(told(1_900), None);
        assert_eq!(told(0), None);
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 204, 1_048_576, usize::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_204_has_no_content_length() {
        assert_eq!(
            head(&Response::new(Status::NO_CONTENT), Persistence::Implied),
            "HTTP/1.1 204 No Content\r\nDate: DATE\r\nX-Z: 9\r\n\r\n"
        );
    }

    #[test]
    fn a_response_to_head_keeps_its_content_length_and_has_no_body() {
        let response = Response::text("four");
        assert!(head(&response, Persistence::Implied).contains("Content-Length: 4\r\n"));
        assert_eq!(response.sent_body(true), b"");
        assert_eq!(response.sent_body(false), b"four");
    }
}

//! The client behind `--healthcheck`: asks a running server whether it is well.
//! Container images that have no curl use it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long each read and each write may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends GET to `http://host:port/path`. Returns the status code of the answer.
///
/// # Errors
///
/// `InvalidInput` if the URL is not such a URL, and then nothing is sent. All other
/// errors mean that nothing there answers in HTTP/1.1.
pub fn ask(url: &str) -> io::Result<u16> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https") {
        return Err(invalid("the check has no TLS. Use curl --fail --cacert cert.pem instead"));
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(invalid("the URL must begin with http://"));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("a URL is made of visible ASCII characters"));
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // In one write: `write!` would send each part of the text on its own.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).map_err(|error| match error.kind() {
        // What the system says about a timeout is "Resource temporarily unavailable".
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {TIMEOUT:?}"))
        }
        _ => error,
    })?;
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// The status code of this answer, and the request that was sent.
    #[track_caller]
    fn asked(path: &str, answer: &'static str) -> (io::Result<u16>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (ask(&url), peer.join().unwrap())
    }

    #[test]
    fn the_status_code_of_the_answer_is_returned() {
        let (code, request) = asked("/readyz", "HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(code.unwrap(), 503);
        assert!(request.starts_with("GET /readyz HTTP/1.0\r\nHost: 127.0.0.1:"), "{request}");
        let (code, request) = asked("", "HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(code.unwrap(), 200);
        assert!(request.starts_with("GET / HTTP/1.0\r\n"), "{request}");
    }

    #[test]
    fn an_answer_that_is_not_http_is_an_error() {
        for answer in ["", "SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 nope\r\n\r\n"] {
            assert!(asked("/", answer).0.is_err(), "{answer:?}");
        }
    }

    #[test]
    fn other_urls_are_errors() {
        for (url, says) in [
            ("https://127.0.0.1/", "has no TLS"),
            ("HTTPS://127.0.0.1:8000/healthz", "has no TLS"),
            ("127.0.0.1:8000", "must begin with http://"),
            ("ftp://127.0.0.1/", "must begin with http://"),
            ("", "must begin with http://"),
            ("http://127.0.0.1/\r\nX: y", "visible ASCII"),
            ("http://127.0.0.1:port/", "port"),
        ] {
            let error = ask(url).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{url:?}");
            assert!(error.to_string().contains(says), "{url:?}: {error}");
        }
    }
}

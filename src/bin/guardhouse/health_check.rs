//! The client behind `--healthcheck`: asks a running server whether it is well.
//! Container images that have no curl use it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::pinned::Pinned;

/// How long all of it may take, from connecting to the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A status line is shorter. In bytes.
const LONGEST_STATUS_LINE: u64 = 1024;

/// Sends GET to a URL, `http://host:port/path`, or `https://` to a server that has this
/// certificate. Returns the status code of the answer.
///
/// # Errors
///
/// `InvalidInput` if the URL is not such a URL, and then nothing is sent. All other
/// errors mean that nothing there answers in HTTP.
pub fn ask(url: &str, certificate: Option<&Pinned>) -> io::Result<u16> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let url = Url::parse(url).map_err(invalid)?;
    if url.is_https && certificate.is_none() {
        return Err(invalid(
            "an https:// URL needs --tls-cert FILE, the certificate of the server",
        ));
    }
    if !url.is_https && certificate.is_some() {
        return Err(invalid("--tls-cert is for an https:// URL"));
    }
    let end = Instant::now() + TIMEOUT;
    let mut socket = connect(&url, end).map_err(readable)?;
    let answer = match certificate {
        Some(certificate) => {
            certificate.connect(&mut socket, url.host).and_then(|mut tls| status(&mut tls, &url))
        }
        None => status(&mut socket, &url),
    };
    answer.map_err(readable)
}

/// Connects to one of the addresses of the host. No read and no write on the connection
/// goes on after `end`.
fn connect(url: &Url, end: Instant) -> io::Result<WithDeadline> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (url.host, url.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, remaining(end)?) {
            Ok(socket) => return Ok(WithDeadline { socket, end }),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Sends the request, and reads the status line of the answer and no more: what comes
/// after it may be long, and need not be text.
fn status(stream: &mut (impl Read + Write), url: &Url) -> io::Result<u16> {
    // In one write: `write!` would send each part of the text on its own.
    let request = format!("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", url.target, url.authority);
    stream.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST_STATUS_LINE)).read_until(b'\n', &mut line)?;
    // status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 §4)
    let code = match &*line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', code @ ..] => code,
        _ => &[],
    };
    match *code {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ' | b'\r' | b'\n', ..] => {
            Ok([a, b, c].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1.1")),
    }
}

/// The time that is left.
fn remaining(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// What the system says about a timeout is "Resource temporarily unavailable".
fn readable(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {TIMEOUT:?}"))
        }
        _ => error,
    }
}

/// A connection that ends at a point of time.
struct WithDeadline {
    socket: TcpStream,
    end: Instant,
}

impl Read for WithDeadline {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(remaining(self.end)?))?;
        self.socket.read(into)
    }
}

impl Write for WithDeadline {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(remaining(self.end)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// The parts of a URL (RFC 3986 §3).
#[derive(Debug, PartialEq, Eq)]
struct Url<'u> {
    is_https: bool,
    /// With the port, if the URL has one.
    authority: &'u str,
    /// Without the brackets of an IPv6 address.
    host: &'u str,
    port: u16,
    /// The path and the query.
    target: String,
}

impl Url<'_> {
    fn parse(url: &str) -> Result<Url<'_>, &'static str> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a URL is made of visible ASCII characters");
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err("the URL must begin with http:// or https://");
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let slash = if target.starts_with('/') { "" } else { "/" };
        if authority.contains('@') {
            return Err("the URL must not have a user name");
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(ipv6) => ipv6.split_once(']').ok_or("the host has no ]")?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        if host.is_empty() {
            return Err("the URL has no host");
        }
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => Some(if is_https { 443 } else { 80 }),
            // `parse` would allow a `+`.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok(),
            _ => None,
        };
        let port = port.ok_or("the port is not a number up to 65535")?;
        Ok(Url { is_https, authority, host, port, target: format!("{slash}{target}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// The status code of this answer, and the request that was sent.
    #[track_caller]
    fn asked(path: &str, answer: &'static [u8]) -> (io::Result<u16>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let length = stream.read(&mut request).unwrap();
            // The client may close before it has read all of it.
            let _ = stream.write_all(answer);
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (ask(&url, None), peer.join().unwrap())
    }

    #[test]
    fn the_status_code_of_the_answer_is_returned() {
        for (path, target) in [
            ("/readyz", "/readyz"),
            ("", "/"),
            ("?x", "/?x"),
            ("/?x=/y", "/?x=/y"),
            ("/a#b", "/a"),
            ("#b", "/"),
        ] {
            let (code, request) = asked(path, b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
            assert_eq!(code.unwrap(), 503, "{path}");
            let begin = format!("GET {target} HTTP/1.0\r\nHost: 127.0.0.1:");
            assert!(request.starts_with(&begin), "{path}: {request}");
        }
    }

    #[test]
    fn only_the_status_line_matters() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe\0not UTF-8"[..],
            b"HTTP/1.1 200 \xff\r\nX: \xff\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n",
            b"HTTP/1.1 200\r\n\r\n",
            b"HTTP/1.1 200 OK",
            [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 100_000]].concat().leak(),
        ] {
            assert_eq!(asked("/", answer).0.unwrap(), 200);
        }
    }

    #[test]
    fn an_answer_that_is_not_http_is_an_error() {
        for answer in [
            "",
            "SSH-2.0-OpenSSH_9.6\r\n",
            "HTTP/1.1 nope\r\n\r\n",
            "HTTP/1.1 20\r\n",
            "HTTP/1.1 2000 OK\r\n",
            "HTTP/1.1  200 OK\r\n",
            "HTTP/2 200 OK\r\n",
            "x\r\nHTTP/1.1 200 OK\r\n",
        ] {
            let error = asked("/", answer.as_bytes()).0.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{answer:?}");
        }
        let endless = &*vec![b'x'; 100_000].leak();
        assert_eq!(asked("/", endless).0.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for_beyond_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let url = Url::parse(&url).unwrap();
        let began = Instant::now();
        let mut socket = connect(&url, began + Duration::from_millis(100)).unwrap();
        let error = readable(status(&mut socket, &url).unwrap_err());
        assert_eq!(error.to_string(), "no answer within 5s");
        assert!(began.elapsed() < TIMEOUT);
        assert!(connect(&url, began).is_err_and(|error| error.kind() == io::ErrorKind::TimedOut));
    }

    #[test]
    fn a_url_has_a_host_a_port_and_a_target() {
        for (url, is_https, host, port, target) in [
            ("http://127.0.0.1:8000/healthz", false, "127.0.0.1", 8000, "/healthz"),
            ("HTTP://a", false, "a", 80, "/"),
            ("https://a?b", true, "a", 443, "/?b"),
            ("https://[::1]:8443/", true, "::1", 8443, "/"),
            ("http://[::1]", false, "::1", 80, "/"),
        ] {
            let parsed = Url::parse(url).unwrap();
            let parts = (parsed.is_https, parsed.host, parsed.port, &*parsed.target);
            assert_eq!(parts, (is_https, host, port, target), "{url}");
        }
    }

    #[test]
    fn other_urls_are_errors() {
        for (url, says) in [
            ("https://127.0.0.1/", "needs --tls-cert FILE"),
            ("HTTPS://127.0.0.1:8000/healthz", "needs --tls-cert FILE"),
            ("127.0.0.1:8000", "must begin with http://"),
            ("ftp://127.0.0.1/", "must begin with http://"),
            ("", "must begin with http://"),
            ("http://127.0.0.1/\r\nX: y", "visible ASCII"),
            ("http://127.0.0.1:port/", "the port is not a number"),
            ("http://127.0.0.1:/", "the port is not a number"),
            ("http://127.0.0.1:+1/", "the port is not a number"),
            ("http://127.0.0.1:65536?x", "the port is not a number"),
            ("http://[::1]x/", "the port is not a number"),
            ("http://::1/", "the URL has no host"),
            ("http://[::1/", "the host has no ]"),
            ("http:///x", "the URL has no host"),
            ("http://?x", "the URL has no host"),
            ("http://ann:pw@127.0.0.1/", "must not have a user name"),
        ] {
            let error = ask(url, None).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{url:?}");
            assert!(error.to_string().contains(says), "{url:?}: {error}");
        }
        let refused = ask("http://127.0.0.1:1?x", None).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}

//! What the tests share: a table of routes, a server on a free port, a client,
//! and a parser that is as strict with answers as the server is with requests.

#![allow(dead_code)] // No test uses all of it.

use std::fmt::{self, Write as _};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use guardhouse::Method::{DELETE, GET, POST};
use guardhouse::{Error, Limits, Request, Response, Route, Routes, Server, Stop, guard};

/// The table that the tests send their requests to.
///
/// `/next` stands for whatever is asked next on a connection. `/smuggled` is
/// asked for by bytes that are content, or stand behind a refused request: an
/// answer from there is always a bug.
pub fn routes() -> Routes {
    let signed_in = guard::bearer("guardhouse", |token| (token == "letmein").then_some("Ann"));
    Routes::new([
        Route::open(GET, "/", |_: &mut Request| Response::text("home\n")),
        Route::open(POST, "/", echo),
        Route::open(DELETE, "/", |_: &mut Request| Response::text("deleted\n")),
        Route::open(GET, "/next", |_: &mut Request| Response::text("next\n")),
        Route::open(GET, "/smuggled", |_: &mut Request| Response::text("smuggled\n")),
        Route::open(GET, "/~ann", |_: &mut Request| Response::text("Ann's\n")),
        Route::open(GET, "/a%2Fb", |_: &mut Request| Response::text("one segment\n")),
        Route::open(GET, "/query", |request: &mut Request| {
            Response::text(request.query().unwrap_or("none").to_owned())
        }),
        Route::open(GET, "/fields", |request: &mut Request| {
            Response::text(request.header("X").unwrap_or("no one value").to_owned())
        }),
        Route::open(POST, "/unread", |_: &mut Request| Response::text("unread\n")),
        Route::open(POST, "/some", |request: &mut Request| {
            let mut some = [0; 2];
            stream(request, |content| content.read_exact(&mut some))?;
            Ok::<_, Error>(bytes(some.to_vec()))
        }),
        Route::open(POST, "/stream", |request: &mut Request| {
            let mut all = Vec::new();
            stream(request, |content| content.read_to_end(&mut all))?;
            Ok::<_, Error>(bytes(all))
        }),
        Route::guarded(GET, "/protected", signed_in.clone(), |_: &mut Request, name| {
            Response::text(format!("Hello, {name}.\n"))
        }),
        Route::guarded(POST, "/protected", signed_in, |request: &mut Request, _| echo(request)),
        Route::open(GET, "/split", |_: &mut Request| {
            Response::text("hi").with_header("X-Name", "Ann\r\nSet-Cookie: session=stolen")
        }),
        // As a panic in every way but that it prints no message.
        Route::open(GET, "/panic", |_: &mut Request| -> Response {
            std::panic::resume_unwind(Box::new("a handler's bug"))
        }),
        Route::open(GET, "/large", |_: &mut Request| bytes(vec![b'x'; LARGE])),
    ])
}

/// The content of `/large`: more than [`Limits::output_bytes`].
pub const LARGE: usize = 100_000;

fn echo(request: &mut Request) -> Result<Response, Error> {
    Ok(bytes(request.body()?.to_vec()))
}

fn bytes(content: Vec<u8>) -> Response {
    Response::text("").with_body("application/octet-stream", content)
}

/// Reads from a request's content as from any stream, and finds the [`Error`]
/// again that such a stream can only wrap.
fn stream<T>(
    request: &mut Request,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> Result<T, Error> {
    read(&mut request.body_reader())
        .map_err(|error| error.downcast::<Error>().unwrap_or(Error::BodyTruncated))
}

/// A server on a free port, for as long as a test holds it.
pub struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    pub fn with(limits: Limits) -> Running {
        Running::start(limits, routes())
    }

    pub fn start(limits: Limits, routes: Routes) -> Running {
        let server = Server::bind("127.0.0.1:0").expect("a free port").with_limits(limits);
        let (address, stop) = (server.local_addr(), server.stop());
        let thread = Some(thread::spawn(move || server.run(routes)));
        Running { address, stop, thread }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        // A server that says nothing fails a test; it does not hang it.
        stream.set_read_timeout(Some(Client::PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(Client::PATIENCE)).expect("a write timeout");
        Client { stream, received: Vec::new(), drips: false }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.expect("the accept loop does not panic").expect("nor does it fail");
            }
        }
    }
}

/// Limits for tests in which time is of no interest: nothing ends by a timeout
/// but by a bug, however busy the machine is.
pub fn patient_limits() -> Limits {
    let long = Duration::from_secs(60);
    Limits {
        silent_timeout: long,
        head_timeout: long,
        body_timeout: long,
        idle_timeout: long,
        write_timeout: long,
        drain_timeout: long,
        linger_timeout: long,
        ..Limits::default()
    }
}

/// The client's end of a connection.
pub struct Client {
    pub stream: TcpStream,
    /// What has been received and belongs to no answer yet.
    received: Vec<u8>,
    /// It sends on when the server may have closed: a reset is no surprise.
    drips: bool,
}

impl Client {
    /// Longer than any wait of the server's in a test that passes.
    const PATIENCE: Duration = Duration::from_secs(20);

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes what it is sent");
    }

    /// Sends one byte at a time, whether the server still listens or not. Who
    /// sends on behind a request that ends the connection gets a reset for it;
    /// what came back before that is what counts.
    pub fn drip(&mut self, bytes: &[u8]) {
        self.drips = true;
        let _ = bytes.chunks(1).try_for_each(|byte| self.stream.write_all(byte));
    }

    /// Says that nothing more will come.
    pub fn half_close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits for one whole answer, in bytes.
    pub fn answer(&mut self, asked: Asked) -> Result<(Answer, Vec<u8>), String> {
        loop {
            if let Some((answer, length)) = Answer::parse(&self.received, asked)? {
                let rest = self.received.split_off(length);
                return Ok((answer, std::mem::replace(&mut self.received, rest)));
            }
            if self.receive()? == 0 {
                return Err(format!("the connection ended after {}", shown(&self.received)));
            }
        }
    }

    /// Waits until the server has closed the connection; what came before that.
    pub fn rest(&mut self) -> Result<Vec<u8>, String> {
        while self.receive()? > 0 {}
        Ok(std::mem::take(&mut self.received))
    }

    fn receive(&mut self) -> Result<usize, String> {
        let mut piece = vec![0; 64 * 1024];
        let count = match self.stream.read(&mut piece) {
            Err(error) if self.drips && is_reset(&error) => 0,
            read => read.map_err(|error| format!("{error}, after {}", shown(&self.received)))?,
        };
        self.received.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// What an answer answers, as far as its length depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// HEAD: there is a Content-Length, and no content.
    Head,
    /// Any other method.
    Other,
    /// One or the other: what looks like the next answer is no content.
    Unknown,
}

/// Names and values, in the order in which they came.
pub type Headers = Vec<(String, String)>;

/// One answer, checked to the last byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub content: Vec<u8>,
}

impl Answer {
    /// The answer at the front of `bytes`, and how long it is; `None` if there
    /// is more to come.
    pub fn parse(bytes: &[u8], asked: Asked) -> Result<Option<(Answer, usize)>, String> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = str::from_utf8(&bytes[..end]).map_err(|_| "a head that is no text")?;
        let content = &bytes[end + 4..];
        let (status, headers) = parse_head(head).map_err(|wrong| format!("{wrong}: {head:?}"))?;
        let mut answer = Answer { status, headers, content: Vec::new() };
        let length = answer.check_fields().map_err(|wrong| format!("{wrong}: {head:?}"))?;
        let next = content.is_empty() || content.starts_with(b"HTTP/1.1 ");
        if asked == Asked::Head || (asked == Asked::Unknown && next) {
            return Ok(Some((answer, end + 4)));
        }
        let Some(content) = content.get(..length) else {
            return Ok(None);
        };
        answer.content = content.to_vec();
        if status >= 400 && answer.detail().is_none() {
            return Err(format!("an error without a detail: {}", shown(content)));
        }
        Ok(Some((answer, end + 4 + length)))
    }

    /// All the answers that a connection brought. Nothing comes behind the
    /// last, and only the last one can say that the connection closes.
    pub fn parse_all(
        mut bytes: &[u8],
        asked: impl Fn(usize) -> Asked,
    ) -> Result<Vec<Answer>, String> {
        let mut answers: Vec<Answer> = Vec::new();
        let mut finals = 0;
        while !bytes.is_empty() {
            if answers.last().is_some_and(Answer::closes) {
                return Err(format!("after `Connection: close` comes {}", shown(bytes)));
            }
            let (answer, length) = Answer::parse(bytes, asked(finals))?
                .ok_or_else(|| format!("an answer is cut off: {}", shown(bytes)))?;
            if answers.last().is_some_and(Answer::is_interim) && answer.is_interim() {
                return Err("two interim answers to one request".to_owned());
            }
            finals += usize::from(!answer.is_interim());
            answers.push(answer);
            bytes = &bytes[length..];
        }
        match answers.last() {
            Some(last) if last.is_interim() => Err("an interim answer is the last".to_owned()),
            _ => Ok(answers),
        }
    }

    pub fn is_interim(&self) -> bool {
        self.status == 100
    }

    /// The value of a field, if the answer has it.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.as_str())
    }

    pub fn closes(&self) -> bool {
        self.header("Connection") == Some("close")
    }

    /// What an error's `{"detail":"…"}` says, if the content is exactly that.
    pub fn detail(&self) -> Option<&str> {
        let content = str::from_utf8(&self.content).ok()?;
        let detail = content.strip_prefix(r#"{"detail":""#)?.strip_suffix(r#""}"#)?;
        let plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte);
        (!detail.is_empty() && detail.bytes().all(plain)).then_some(detail)
    }

    /// Checks the fields that every answer has; how much content they announce.
    fn check_fields(&self) -> Result<usize, &'static str> {
        if self.is_interim() {
            return if self.headers.is_empty() { Ok(0) } else { Err("a 100 with fields") };
        }
        for name in ["Date", "Content-Type", "Content-Length", "Connection", "Allow"] {
            let is_it = |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name);
            if self.headers.iter().filter(is_it).count() > 1 {
                return Err("a field that is there twice");
            }
        }
        if !self.header("Date").is_some_and(is_imf_fixdate) {
            return Err("no date, or a malformed one");
        }
        if self.header("Transfer-Encoding").is_some() {
            return Err("a transfer coding, which this server never uses");
        }
        if !matches!(self.header("Connection"), None | Some("close" | "keep-alive")) {
            return Err("an unknown connection option");
        }
        if self.status == 405 && self.header("Allow").is_none() {
            return Err("a 405 without Allow (RFC 9110 §15.5.6)");
        }
        if self.status == 401 && self.header("WWW-Authenticate").is_none() {
            return Err("a 401 without a challenge (RFC 9110 §11.6.1)");
        }
        if self.status >= 400 && self.header("Content-Type") != Some("application/json") {
            return Err("an error that is no JSON");
        }
        match self.header("Content-Length") {
            None if self.status == 204 => Ok(0),
            None => Err("no Content-Length"),
            Some(_) if self.status == 204 => Err("a 204 with Content-Length (RFC 9110 §8.6)"),
            Some(length) => {
                let count: usize = length.parse().map_err(|_| "a malformed Content-Length")?;
                if count.to_string() != length {
                    return Err("a Content-Length with a sign or with zeros");
                }
                if count > 0 && self.header("Content-Type").is_none() {
                    return Err("content without a type");
                }
                Ok(count)
            }
        }
    }
}

/// `HTTP-version SP status-code SP reason-phrase`, and then field lines
/// (RFC 9112 §4, §5).
fn parse_head(head: &str) -> Result<(u16, Headers), &'static str> {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let reasons = [
        (100, "Continue"),
        (200, "OK"),
        (204, "No Content"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (408, "Request Timeout"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (417, "Expectation Failed"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (501, "Not Implemented"),
        (503, "Service Unavailable"),
        (505, "HTTP Version Not Supported"),
    ];
    let (status, _) = reasons
        .into_iter()
        .find(|(status, reason)| status_line == format!("HTTP/1.1 {status} {reason}"))
        .ok_or("an unknown status line")?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or("no colon and space in a field")?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err("a field name that is no token");
        }
        if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || value.trim() != value {
            return Err("a field value that is not plain text");
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok((status, headers))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn is_imf_fixdate(date: &str) -> bool {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let shape: String = date
        .chars()
        .map(|character| match character {
            '0'..='9' => '0',
            'A'..='Z' | 'a'..='z' => 'a',
            other => other,
        })
        .collect();
    shape == "aaa, 00 aaa 0000 00:00:00 aaa"
        && days.contains(&&date[..3])
        && months.contains(&&date[8..11])
        && date.ends_with(" GMT")
}

/// Bytes with every date replaced, so that two runs can be compared.
pub fn undated(mut bytes: Vec<u8>) -> Vec<u8> {
    const FIELD: &[u8] = b"\r\nDate: ";
    const LENGTH: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(FIELD.len()).position(|window| window == FIELD) {
        let begin = from + at + FIELD.len();
        from = bytes.len().min(begin + LENGTH);
        bytes[begin..from].fill(b'-');
    }
    bytes
}

/// What a client gets back that sends these pieces and ends its side, undated.
pub fn exchange<P: AsRef<[u8]>>(
    routes: &Routes,
    limits: &Limits,
    pieces: impl IntoIterator<Item = P>,
) -> Vec<u8> {
    undated(guardhouse::exchange(routes, limits, pieces))
}

/// Bytes as a message can show them: the first few hundred, escaped.
pub fn shown(bytes: &[u8]) -> String {
    let mut shown = format!("\"{}\"", bytes[..bytes.len().min(400)].escape_ascii());
    if bytes.len() > 400 {
        let _ = write!(shown, " and {} bytes more", bytes.len() - 400);
    }
    shown
}

/// A list of statuses, as failures show it.
pub fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, shown(&self.content))
    }
}

//! A request, from step 5 on: its head is read first, and its body when a handler asks for it.
//!
//! There is only one way to read where it ends. What can be read in two ways is refused.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::routes::Response;
use crate::{BODY_BYTES, HEAD_BYTES, Incoming};

/// What guards and handlers see. A guard gets `&Request`: reading the body needs `&mut`.
pub struct Request<'c> {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    pub version: u8,
    /// The body that is not read yet; `None` after an error in it.
    pub unread: Option<Framing>,
    incoming: &'c mut Incoming,
}

/// Where a body ends (RFC 9112 §6.3).
pub enum Framing {
    Length(u64),
    Chunked,
}

impl Request<'_> {
    /// Reads a head, and not the body.
    pub fn read(incoming: &mut Incoming) -> Result<Request<'_>, Response> {
        let mut lines = String::new();
        while !lines.ends_with("\r\n\r\n") {
            lines += &read_line(incoming)?;
            if lines.len() as u64 > HEAD_BYTES {
                return Err(Response::error("431 Request Header Fields Too Large"));
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        if !head.parse(lines.as_bytes()).is_ok_and(|status| status.is_complete()) {
            return Err(Response::error("400 Bad Request"));
        }
        let text = |header: &httparse::Header| {
            (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
        };
        let mut request = Request {
            method: head.method.unwrap_or_default().to_owned(),
            path: head.path.unwrap_or_default().split('?').take(1).collect(),
            headers: head.headers.iter().map(text).collect(),
            version: head.version.unwrap_or_default(),
            unread: None,
            incoming,
        };
        request.unread = Some(request.framing()?);
        Ok(request)
    }

    /// Whether its client may send one more request on this connection.
    pub fn is_persistent(&self) -> bool {
        let options = self.values("Connection").join(",");
        let mut options = options.split(',').map(str::trim);
        self.version == 1 && !options.any(|option| option.eq_ignore_ascii_case("close"))
    }

    /// What the connection has brought. A guard can't ask for it: it has no `&mut Request`.
    pub fn incoming(&mut self) -> &mut Incoming {
        self.incoming
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let all = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        all.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that came once.
    pub fn header(&self, name: &str) -> Option<&str> {
        if let [value] = self.values(name)[..] { Some(value) } else { None }
    }

    /// What two servers could read in two ways is refused.
    fn framing(&self) -> Result<Framing, Response> {
        match (&self.values("Content-Length")[..], &self.values("Transfer-Encoding")[..]) {
            ([], []) => Ok(Framing::Length(0)),
            ([length], []) => Ok(Framing::Length(number(length, 10)?)),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            _ => Err(Response::error("400 Bad Request")),
        }
    }

    /// Reads the body. After that there is nothing left of it.
    pub fn body(&mut self) -> Result<Vec<u8>, Response> {
        let mut body = Vec::new();
        match self.unread.take() {
            None => return Err(Response::error("400 Bad Request")),
            Some(Framing::Length(length)) => read_bytes(self.incoming, length, &mut body)?,
            Some(Framing::Chunked) => loop {
                let size = number(read_line(self.incoming)?.trim_end_matches("\r\n"), 16)?;
                read_bytes(self.incoming, size, &mut body)?;
                if read_line(self.incoming)? != "\r\n" {
                    return Err(Response::error("400 Bad Request"));
                } else if size == 0 {
                    break;
                }
            },
        }
        self.unread = Some(Framing::Length(0));
        Ok(body)
    }
}

/// What the peer did wrong, as an answer.
impl From<io::Error> for Response {
    fn from(error: io::Error) -> Response {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Response::error("408 Request Timeout"),
            _ => Response::error("400 Bad Request"),
        }
    }
}

/// Reads a line. It ends in CRLF, and in nothing else.
fn read_line(incoming: &mut Incoming) -> io::Result<String> {
    let mut line = String::new();
    incoming.take(HEAD_BYTES).read_line(&mut line)?;
    if line.ends_with("\r\n") { Ok(line) } else { Err(ErrorKind::InvalidData.into()) }
}

/// Reads this many bytes more of a body.
fn read_bytes(incoming: &mut Incoming, count: u64, body: &mut Vec<u8>) -> Result<(), Response> {
    if count > BODY_BYTES - body.len() as u64 {
        return Err(Response::error("413 Content Too Large"));
    }
    let read = incoming.take(count).read_to_end(body)? as u64;
    if read == count { Ok(()) } else { Err(Response::error("400 Bad Request")) }
}

/// Digits, and nothing else. `u64::from_str_radix` also takes a sign.
fn number(digits: &str, radix: u32) -> io::Result<u64> {
    let number = u64::from_str_radix(digits, radix).ok();
    number.filter(|_| !digits.starts_with('+')).ok_or(ErrorKind::InvalidData.into())
}

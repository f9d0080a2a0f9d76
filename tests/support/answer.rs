//! An answer, and a parser that is as strict with it as the server is with
//! requests.

use std::fmt;

use super::shown;

/// To which request an answer belongs, as far as its length depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// HEAD: the answer has a Content-Length, and no body.
    Head,
    /// Any other method.
    Other,
    /// One or the other: what looks like the next answer is no body.
    Unknown,
}

/// Names and values, in the order in which they came.
pub type Headers = Vec<(String, String)>;

/// One answer, checked to the last byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer at the front of `bytes`, and how long it is; `None` if there
    /// is more to come.
    pub fn parse(bytes: &[u8], asked: Asked) -> Result<Option<(Answer, usize)>, String> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = str::from_utf8(&bytes[..end]).map_err(|_| "a head that is no text")?;
        let rest = &bytes[end + 4..];
        let (status, headers) = parse_head(head).map_err(|wrong| format!("{wrong}: {head:?}"))?;
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.check_headers().map_err(|wrong| format!("{wrong}: {head:?}"))?;
        let ends = rest.is_empty() || rest.starts_with(b"HTTP/1.1 ");
        if asked == Asked::Head || (asked == Asked::Unknown && ends) {
            return Ok(Some((answer, end + 4)));
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        answer.body = body.to_vec();
        if status >= 400 && answer.detail().is_none() {
            return Err(format!("an error without a detail: {}", shown(body)));
        }
        Ok(Some((answer, end + 4 + length)))
    }

    /// All the answers on a connection. Nothing comes after the last one, and
    /// only the last one may say that the connection closes.
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
                .ok_or_else(|| format!("an answer that is cut off: {}", shown(bytes)))?;
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

    /// The value of a header, if the answer has it.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.as_str())
    }

    /// The body, which is text.
    #[track_caller]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("a body that is text")
    }

    pub fn closes(&self) -> bool {
        self.header("Connection") == Some("close")
    }

    /// The text in an error's `{"detail":"…"}`, if the body is exactly that.
    pub fn detail(&self) -> Option<&str> {
        let body = str::from_utf8(&self.body).ok()?;
        let detail = body.strip_prefix(r#"{"detail":""#)?.strip_suffix(r#""}"#)?;
        let plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte);
        (!detail.is_empty() && detail.bytes().all(plain)).then_some(detail)
    }

    /// Checks the headers that every answer has, and returns the length of the
    /// body that they announce.
    fn check_headers(&self) -> Result<usize, &'static str> {
        if self.is_interim() {
            return if self.headers.is_empty() { Ok(0) } else { Err("a 100 with headers") };
        }
        for name in ["Date", "Content-Type", "Content-Length", "Connection", "Allow"] {
            let is_it = |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name);
            if self.headers.iter().filter(is_it).count() > 1 {
                return Err("the same header twice");
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
                    return Err("a body without a type");
                }
                Ok(count)
            }
        }
    }
}

/// `HTTP-version SP status-code SP reason-phrase`, and then the headers
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
        (415, "Unsupported Media Type"),
        (417, "Expectation Failed"),
        (422, "Unprocessable Content"),
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
        let (name, value) = line.split_once(": ").ok_or("a header without a colon and a space")?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err("a header's name that is no token");
        }
        if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || value.trim() != value {
            return Err("a header's value that is not plain text");
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

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, shown(&self.body))
    }
}

//! The access log: a line for each request, in the Common Log Format, written
//! after its answer.
//!
//! ```text
//! 127.0.0.1 - user1 [06/Nov/1994:08:49:37 +0000] "GET /protected HTTP/1.1" 200 53
//! ```
//!
//! The time is that of the answer; the last number is how many bytes of body were
//! sent. If the answer could not be written, `-` stands there, and a line with the level
//! debug says why.
//!
//! Lines have the level info, or debug if the response says so, and the target
//! `guardhouse::access`. A logger that writes them without anything in front makes a log
//! that other programs read. No peer can forge a line, because what a peer chose is
//! escaped. There are no credentials in them: headers are not logged, and the query is
//! left out, because some clients put tokens there.

use std::fmt::{self, Display, Write};
use std::io;
use std::net::SocketAddr;

use log::Level;

use crate::http::date::Clock;
use crate::http::head::is_version;
use crate::http::header::every;
use crate::http::response::Response;

const TARGET: &str = "guardhouse::access";

/// The access log of one connection.
#[derive(Debug)]
pub(crate) struct AccessLog {
    peer: Option<SocketAddr>,
    /// The peer's IP address, as text; empty until the first line.
    address: String,
    /// The lines of answers that are not written yet. Each ends in `\n`.
    lines: String,
    /// Those with the level debug.
    debug_lines: String,
}

impl AccessLog {
    pub(crate) fn new(peer: Option<SocketAddr>) -> AccessLog {
        AccessLog { peer, address: String::new(), lines: String::new(), debug_lines: String::new() }
    }

    /// Whether an access log is written.
    pub(crate) fn is_on() -> bool {
        log::log_enabled!(target: TARGET, Level::Info)
    }

    /// Adds the line of an answer. `head` is the bytes that have arrived of the request's
    /// head, `log_name` the user's name, and `sent` the length of the body that is sent.
    pub(crate) fn add(
        &mut self,
        head: &[u8],
        log_name: Option<&str>,
        response: &Response,
        sent: usize,
        clock: &mut Clock,
    ) {
        let (level, lines) = if response.is_logged_at_debug() {
            (Level::Debug, &mut self.debug_lines)
        } else {
            (Level::Info, &mut self.lines)
        };
        if !log::log_enabled!(target: TARGET, level) {
            return;
        }
        if self.address.is_empty() {
            self.address = self.peer.map_or("-".to_owned(), |peer| peer.ip().to_string());
        }
        let address = &self.address;
        let name = Escaped(log_name.filter(|name| !name.is_empty()).unwrap_or("-"));
        let date = clock.common_log();
        let request = RequestLine(head);
        let status = response.status().code();
        // A String accepts everything.
        let _ = writeln!(lines, "{address} - {name} {date} \"{request}\" {status} {sent}");
    }

    /// Logs the lines: their answers have been written, or could not be.
    pub(crate) fn written(&mut self, written: &io::Result<()>) {
        for (level, lines) in [(Level::Info, &self.lines), (Level::Debug, &self.debug_lines)] {
            for line in lines.lines() {
                if written.is_ok() {
                    log::log!(target: TARGET, level, "{line}");
                } else if let Some((line, _)) = line.rsplit_once(' ') {
                    log::log!(target: TARGET, level, "{line} -");
                }
            }
        }
        if let (Err(error), Some(peer)) = (written, self.peer) {
            log::debug!("an answer could not be written to {peer}: {error}");
        }
        self.lines.clear();
        self.debug_lines.clear();
    }
}

/// `GET /path HTTP/1.1`, from the bytes of a head; `-` if they have no request line. The
/// query is left out, and `-` stands for a method or a target that may be a secret.
struct RequestLine<'r>(&'r [u8]);

impl RequestLine<'_> {
    /// Longer methods and targets are cut off, so that a peer can't fill the log with few
    /// requests. The longest method that is registered has 17 characters.
    const METHOD: usize = 32;
    const TARGET: usize = 2048;
}

impl Display for RequestLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(0);
        let line = String::from_utf8_lossy(self.0.get(..end).unwrap_or_default());
        let mut parts = line.split(' ');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(method), Some(target), Some(version), None) if is_version(version.as_bytes()) => {
                // Every registered method is written in such letters. Another word may be
                // a token that a client has put in the wrong place.
                let plain = |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
                let method = if every(method.as_bytes(), plain) { method } else { "-" };
                let target = if is_target(target) { target } else { "-" };
                let path = target.split(['?', '#']).next().unwrap_or_default();
                let (method, path) = (first(Self::METHOD, method), first(Self::TARGET, path));
                write!(f, "{method} {} {version}", Escaped(path))
            }
            _ => f.write_str("-"),
        }
    }
}

/// Whether this is a target that may be logged. Before an `@` there could be a password.
fn is_target(target: &str) -> bool {
    target == "*" || target.starts_with('/') || target.contains("://") && !target.contains('@')
}

/// The first characters of a text.
fn first(count: usize, text: &str) -> &str {
    let end = text.char_indices().nth(count).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

/// Text in which nothing can end the word, the quotes or the line that it is in.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nearly always there is nothing to escape.
        if every(self.0.as_bytes(), |byte| byte.is_ascii_graphic() && !is_special(byte.into())) {
            return f.write_str(self.0);
        }
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                bracket if is_special(bracket) => write!(f, "{}", bracket.escape_unicode())?,
                plain if plain.is_ascii_graphic() || plain.is_alphanumeric() => {
                    f.write_char(plain)?;
                }
                other => write!(f, "{}", other.escape_unicode())?,
            }
        }
        Ok(())
    }
}

/// Quotes begin and end the request line, and brackets the date.
fn is_special(character: char) -> bool {
    matches!(character, '"' | '\\' | '[' | ']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Keeps what the thread of a test logs.
    struct Kept;

    thread_local! {
        static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    impl log::Log for Kept {
        fn enabled(&self, metadata: &log::Metadata) -> bool {
            metadata.target() == TARGET
        }

        fn log(&self, record: &log::Record) {
            if self.enabled(record.metadata()) {
                LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
            }
        }

        fn flush(&self) {}
    }

    #[test]
    fn a_line_is_logged_after_its_answer_with_what_became_of_it() {
        log::set_logger(&Kept).expect("no other test sets a logger");
        log::set_max_level(log::LevelFilter::Info);
        let head = b"GET /a?token=s3cret HTTP/1.0\r\n\r\n";
        let (response, mut clock) = (Response::text("four"), Clock::new());
        let peer = Some(SocketAddr::from(([127, 0, 0, 1], 5000)));
        let mut log = AccessLog::new(peer);
        let date = clock.common_log().to_owned();
        let line = format!("127.0.0.1 - Ann {date} \"GET /a HTTP/1.0\" 200");

        log.add(head, Some("Ann"), &response, 4, &mut clock);
        assert!(LINES.take().is_empty(), "not before the answer");
        log.written(&Ok(()));
        assert_eq!(LINES.take(), [format!("{line} 4")]);

        log.add(head, Some("Ann"), &response, 4, &mut clock);
        log.written(&Err(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(LINES.take(), [format!("{line} -")]);

        log.add(b"GET", None, &response, 4, &mut clock);
        log.written(&Ok(()));
        assert_eq!(LINES.take(), [format!("127.0.0.1 - - {date} \"-\" 200 4")]);

        let probe = response.clone().logged_at_debug();
        for (level, lines) in [(log::LevelFilter::Debug, 2), (log::LevelFilter::Info, 1)] {
            log::set_max_level(level);
            log.add(head, Some("Ann"), &probe, 4, &mut clock);
            log.add(head, Some("Ann"), &response, 4, &mut clock);
            log.written(&Ok(()));
            assert_eq!(LINES.take(), vec![format!("{line} 4"); lines], "{level}");
        }
    }

    #[test]
    fn a_request_line_is_logged_wherever_there_is_one_and_nothing_else() {
        let logged = |head: &str| RequestLine(head.as_bytes()).to_string();
        for head in ["GET / HTTP/1.1\r\nHost", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\nHost: a\r\n"]
        {
            assert_eq!(logged(head), "GET / HTTP/1.1", "{head:?}");
        }
        assert_eq!(logged("PROPFIND /a?b=c HTTP/1.1\r\n"), "PROPFIND /a HTTP/1.1");
        assert_eq!(logged("GET /a#token HTTP/2.0\r\n"), "GET /a HTTP/2.0");
        assert_eq!(logged("GET http://a/b HTTP/1.1\r\n"), "GET http://a/b HTTP/1.1");
        assert_eq!(logged("GET /a\"\u{7} HTTP/1.1\r\n"), "GET /a\\\"\\u{7} HTTP/1.1");
        for head in [
            "",
            "\r\n",
            "GET / HTTP/1.1",
            "GET /\r\n",
            "GET  / HTTP/1.1\r\n",
            "GET /a?token=a s3cret HTTP/1.1\r\n",
            "Authorization: Bearer s3cret\r\n",
            "GET / s3cret\r\n",
            "GET / HTTP/s3cret\r\n",
        ] {
            assert_eq!(logged(head), "-", "{head:?}");
        }
        for target in ["s3cret", "http://ann:s3cret@a/", "ann:s3cret@a:80", "a:80", "open"] {
            assert_eq!(logged(&format!("GET {target} HTTP/1.1\r\n")), "GET - HTTP/1.1");
        }
        assert_eq!(logged("s3cret / HTTP/1.1\r\n"), "- / HTTP/1.1");
        let (method, path) = ("M".repeat(9_000), "a".repeat(9_000));
        let line = logged(&format!("{method} /{path} HTTP/1.1\r\n"));
        assert_eq!(line.len(), 32 + 1 + 2048 + 1 + 8);
    }

    #[test]
    fn no_text_ends_the_line_that_it_is_in() {
        let forged = "a\"\\ \n\r\x1b[31m\u{202e}é";
        assert_eq!(
            Escaped(forged).to_string(),
            "a\\\"\\\\\\u{20}\\u{a}\\u{d}\\u{1b}\\u{5b}31m\\u{202e}é"
        );
        for (name, logged) in [
            ("ann[1]", "ann\\u{5b}1\\u{5d}"),
            ("[", "\\u{5b}"),
            ("ann] \"GET", "ann\\u{5d}\\u{20}\\\"GET"),
            ("ann@example.com", "ann@example.com"),
        ] {
            assert_eq!(Escaped(name).to_string(), logged, "{name}");
        }
    }
}

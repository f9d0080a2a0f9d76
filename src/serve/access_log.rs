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
//! Lines have the level info and the target `guardhouse::access`. A logger that writes
//! them without anything in front makes a log that other programs read. No peer can forge
//! a line, because what a peer chose is escaped. There are no credentials in them:
//! headers are not logged, and the query is left out, because some clients put
//! tokens there.

use std::fmt::{self, Display, Write};
use std::io;
use std::net::SocketAddr;

use crate::http::date::Clock;
use crate::http::head::{Head, Version};
use crate::http::header::every;
use crate::http::response::Response;

const TARGET: &str = "guardhouse::access";

/// The access log of one connection.
#[derive(Debug)]
pub(crate) struct AccessLog {
    peer: Option<SocketAddr>,
    /// The lines of answers that are not written yet. Each ends in `\n`.
    lines: String,
}

impl AccessLog {
    pub(crate) fn new(peer: Option<SocketAddr>) -> AccessLog {
        AccessLog { peer, lines: String::new() }
    }

    /// Whether an access log is written.
    pub(crate) fn is_on() -> bool {
        log::log_enabled!(target: TARGET, log::Level::Info)
    }

    /// Adds the line of an answer. `log_name` is the user's name; `head` is the request's,
    /// or `None` if it could not be parsed; `sent` is the length of the body that is sent.
    pub(crate) fn add(
        &mut self,
        log_name: Option<&str>,
        head: Option<&Head>,
        response: &Response,
        sent: usize,
        clock: &mut Clock,
    ) {
        if !AccessLog::is_on() {
            return;
        }
        let peer = self.peer.map(|peer| peer.ip());
        let peer: &dyn Display = peer.as_ref().map_or(&"-", |ip| ip);
        let (name, request) = (Escaped(log_name.unwrap_or("-")), RequestLine(head));
        let (date, status) = (clock.common_log(), response.status().code());
        // A String accepts everything.
        let _ = writeln!(self.lines, "{peer} - {name} {date} \"{request}\" {status} {sent}");
    }

    /// Logs the lines: their answers have been written, or could not be.
    pub(crate) fn written(&mut self, written: &io::Result<()>) {
        for line in self.lines.lines() {
            match (written, line.rsplit_once(' ')) {
                (Err(_), Some((line, _))) => log::info!(target: TARGET, "{line} -"),
                _ => log::info!(target: TARGET, "{line}"),
            }
        }
        if let (Err(error), Some(peer)) = (written, self.peer) {
            log::debug!("an answer could not be written to {peer}: {error}");
        }
        self.lines.clear();
    }
}

/// `GET /path HTTP/1.1`, or `-`.
struct RequestLine<'r, 'h>(Option<&'r Head<'h>>);

impl Display for RequestLine<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(head) = self.0 else { return f.write_str("-") };
        let version = match head.version {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        };
        let target = Escaped(head.target.split('?').next().unwrap_or_default());
        write!(f, "{} {target} {version}", head.method.as_str())
    }
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
                special if is_special(special) => write!(f, "\\{special}")?,
                plain if plain.is_ascii_graphic() || plain.is_alphanumeric() => {
                    f.write_char(plain)?;
                }
                other => write!(f, "{}", other.escape_unicode())?,
            }
        }
        Ok(())
    }
}

fn is_special(character: char) -> bool {
    matches!(character, '"' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;
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
        let request = Request::parse(b"GET /a?token=s3cret HTTP/1.0\r\n\r\n");
        let (head, ..) = request.expect("a valid head").into_parts();
        let (response, mut clock) = (Response::text("four"), Clock::new());
        let peer = Some(SocketAddr::from(([127, 0, 0, 1], 5000)));
        let mut log = AccessLog::new(peer);
        let date = clock.common_log().to_owned();
        let line = format!("127.0.0.1 - Ann {date} \"GET /a HTTP/1.0\" 200");

        log.add(Some("Ann"), Some(&head), &response, 4, &mut clock);
        assert!(LINES.take().is_empty(), "not before the answer");
        log.written(&Ok(()));
        assert_eq!(LINES.take(), [format!("{line} 4")]);

        log.add(Some("Ann"), Some(&head), &response, 4, &mut clock);
        log.written(&Err(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(LINES.take(), [format!("{line} -")]);

        log.add(None, None, &response, 4, &mut clock);
        log.written(&Ok(()));
        assert_eq!(LINES.take(), [format!("127.0.0.1 - - {date} \"-\" 200 4")]);
    }

    #[test]
    fn no_text_ends_the_line_that_it_is_in() {
        let forged = "a\"\\ \n\r\x1b[31m\u{202e}é";
        assert_eq!(
            Escaped(forged).to_string(),
            "a\\\"\\\\\\u{20}\\u{a}\\u{d}\\u{1b}[31m\\u{202e}é"
        );
    }
}

//! A line for each request, in the Common Log Format:
//!
//! ```text
//! 127.0.0.1 - user1 [06/Nov/1994:08:49:37 +0000] "GET /protected HTTP/1.1" 200 53
//! ```
//!
//! At level info, under the target `guardhouse::access`. No line can be forged:
//! what a peer chose is escaped. No credentials: fields are not logged, and the
//! query is left out, for some clients put tokens there.

use std::fmt::{self, Arguments, Display, Write};
use std::net::SocketAddr;

use crate::http::date::Clock;
use crate::http::head::Version;
use crate::http::header::every;
use crate::http::request::Request;
use crate::http::response::Response;

const TARGET: &str = "guardhouse::access";

/// Whether anybody wants these lines.
pub(crate) fn is_on() -> bool {
    log::log_enabled!(target: TARGET, log::Level::Info)
}

/// Logs a request and its answer, at the time that the clock shows.
pub(crate) fn answered(request: &Request, response: &Response, sent: usize, clock: &mut Clock) {
    if is_on() {
        let version = match request.version() {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        };
        let method = request.method().as_str();
        let target = Escaped(request.head().target.split('?').next().unwrap_or_default());
        let identity = request.identity().unwrap_or("-");
        let line = format_args!("{method} {target} {version}");
        write_line(request.peer(), identity, line, response, sent, clock);
    }
}

/// Logs a request whose head could not be read.
pub(crate) fn refused(
    peer: Option<SocketAddr>,
    response: &Response,
    sent: usize,
    clock: &mut Clock,
) {
    if is_on() {
        write_line(peer, "-", format_args!("-"), response, sent, clock);
    }
}

fn write_line(
    peer: Option<SocketAddr>,
    identity: &str,
    line: Arguments,
    response: &Response,
    sent: usize,
    clock: &mut Clock,
) {
    let ip = peer.as_ref().map(SocketAddr::ip);
    let peer: &dyn Display = ip.as_ref().map_or(&"-", |ip| ip);
    let (identity, status) = (Escaped(identity), response.status().code());
    let date = clock.common_log();
    log::info!(target: TARGET, "{peer} - {identity} {date} \"{line}\" {status} {sent}");
}

/// Text in which nothing can end the word, the quotes or the line that it is in.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nearly always there is nothing to escape, which is seen at a look.
        if every(self.0.as_bytes(), |byte| byte.is_ascii_graphic() && !is_special(byte.into())) {
            return f.write_str(self.0);
        }
        for character in self.0.chars() {
            match character {
                special if is_special(special) => write!(f, "\\{special}")?,
                graphic if graphic.is_ascii_graphic() || graphic.is_alphanumeric() => {
                    f.write_char(graphic)?;
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

    #[test]
    fn nothing_ends_the_line_it_is_in() {
        let forged = "a\"\\ \n\r\x1b[31m\u{202e}é";
        assert_eq!(
            Escaped(forged).to_string(),
            "a\\\"\\\\\\u{20}\\u{a}\\u{d}\\u{1b}[31m\\u{202e}é"
        );
    }
}

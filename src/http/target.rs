//! Takes a request target apart (RFC 9112 §3.2): path, query, authority.
//!
//! Routes are compared with the path, so two spellings of one path must become
//! one here, and two different paths must stay two: encoded letters, digits and
//! `-._~` are decoded, once; all other `%XX` get capital letters; everything else stays as
//! it was sent.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use crate::error::Error;
use crate::http::header::{every, number, split_at_byte};
use crate::http::method::Method;

/// The parts of a request target.
pub(crate) struct Target<'a> {
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    /// The scheme, host and port of an absolute-form target.
    pub(crate) origin: Option<(UriScheme, &'a str)>,
}

/// A scheme of URIs (RFC 9110 §4.2), and the kind of connection that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UriScheme {
    Http,
    /// Only over TLS.
    #[allow(dead_code)] // Only builds with TLS have such connections.
    Https,
}

impl<'a> Target<'a> {
    /// Takes a target apart that came over a connection of this kind.
    pub(crate) fn parse(
        method: Method,
        target: &'a str,
        connection: UriScheme,
    ) -> Result<Target<'a>, Error> {
        // Visible ASCII: httparse does not check this. And no fragment, because none of
        // the four forms has one (RFC 9112 §3.2).
        if !every(target.as_bytes(), |byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(Error::Target);
        }
        // authority-form is only for CONNECT, which is answered 501 in any case.
        if method == Method::CONNECT {
            return Ok(Target { path: "".into(), query: None, origin: None });
        }
        // asterisk-form is only for OPTIONS.
        if target == "*" && method == Method::OPTIONS {
            return Ok(Target { path: "*".into(), query: None, origin: None });
        }
        let (origin, rest) = if target.starts_with('/') {
            (None, target)
        } else {
            let (scheme, rest) = target.split_once("://").ok_or(Error::Target)?;
            let scheme = UriScheme::parse(scheme, connection).ok_or(Error::Target)?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(end);
            if !is_authority(authority.as_bytes()) {
                return Err(Error::Target);
            }
            (Some((scheme, authority)), rest)
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Target { path: normalized(path)?, query, origin })
    }
}

impl UriScheme {
    /// The scheme of an absolute-form target; `None` if no such target may come over
    /// this connection. The scheme is case-insensitive.
    fn parse(name: &str, connection: UriScheme) -> Option<UriScheme> {
        // "a server MUST accept the absolute-form in requests" (RFC 9112 §3.2.2).
        if name.eq_ignore_ascii_case("http") {
            return Some(UriScheme::Http);
        }
        // "a request for an "https" resource MUST be rejected unless it has been received
        // over a connection that has been secured" (RFC 9110 §7.4).
        let is_https = name.eq_ignore_ascii_case("https") && connection == UriScheme::Https;
        is_https.then_some(UriScheme::Https)
    }
}

/// Decodes `%XX` where it stands for an unreserved byte: those mean the same
/// encoded or not (RFC 3986 §6.2.2.2). `%2F`, `%25` and `%00` stay encoded,
/// because decoded they would mean something else; but `%2f` becomes `%2F`, which is the
/// same (RFC 3986 §6.2.2.1).
pub(crate) fn normalized(path: &str) -> Result<Cow<'_, str>, Error> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut parts = path.split('%');
    let mut decoded = String::with_capacity(path.len());
    decoded.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).ok_or(Error::Target)?;
        let byte = hex_byte(hex.bytes()).ok_or(Error::Target)?;
        if is_unreserved(byte) {
            decoded.push(char::from(byte));
        } else {
            decoded.push('%');
            decoded.extend(hex.chars().map(|digit| digit.to_ascii_uppercase()));
        }
        decoded.push_str(rest);
    }
    Ok(Cow::Owned(decoded))
}

/// The text with each `%XX` decoded, as UTF-8; `None` if it is malformed.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_byte(&mut bytes)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The byte that the next two hexadecimal digits write. `u8::from_str_radix` would accept
/// `+f`.
fn hex_byte(mut digits: impl Iterator<Item = u8>) -> Option<u8> {
    let mut digit = || char::from(digits.next()?).to_digit(16);
    u8::try_from(digit()? << 4 | digit()?).ok()
}

/// Whether the bytes are `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2).
/// The host must not be empty (RFC 9110 §4.2.1).
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    let (host_is_valid, port) = if let Some(literal) = authority.strip_prefix(b"[") {
        let (address, rest) = split_at_byte(literal, b']');
        let Some(port) = rest.strip_prefix(b"]") else { return false };
        let address = str::from_utf8(address).map(str::parse::<Ipv6Addr>);
        (matches!(address, Ok(Ok(_))), port)
    } else {
        let (host, port) = split_at_byte(authority, b':');
        (is_registered_name(host), port)
    };
    host_is_valid
        && match port {
            [] | [b':'] => true,
            [b':', port @ ..] => number(port).is_some_and(|port| u16::try_from(port).is_ok()),
            _ => false,
        }
}

/// Whether two authorities are the same, if the port that a URI of this scheme leaves
/// out is the default one.
pub(crate) fn is_same_authority(one: &[u8], other: &[u8], scheme: UriScheme) -> bool {
    let port: &[u8] = match scheme {
        UriScheme::Http => b":80",
        UriScheme::Https => b":443",
    };
    let [one, other] = [one, other].map(|authority| {
        authority.strip_suffix(port).or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
    });
    one.eq_ignore_ascii_case(other)
}

/// Whether the bytes are a `reg-name` that is not empty: unreserved bytes,
/// sub-delims and `%XX` (RFC 3986 §3.2.2). IPv4 addresses are among them.
fn is_registered_name(host: &[u8]) -> bool {
    let mut rest = host;
    while let [byte, after @ ..] = rest {
        rest = match (byte, after) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                after
            }
            (b'!' | b'$' | b'&'..=b',' | b';' | b'=', _) => after,
            (byte, _) if is_unreserved(*byte) => after,
            _ => return false,
        };
    }
    !host.is_empty()
}

/// `unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"` (RFC 3986 §2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn path(target: &str) -> Result<String, Error> {
        path_over(UriScheme::Http, target)
    }

    #[track_caller]
    fn path_over(connection: UriScheme, target: &str) -> Result<String, Error> {
        Target::parse(Method::GET, target, connection).map(|target| target.path.into_owned())
    }

    #[test]
    fn a_target_has_one_of_the_forms_that_a_server_accepts() {
        assert_eq!(path("/a/b?c=/d").as_deref(), Ok("/a/b"));
        assert_eq!(path("http://a/b").as_deref(), Ok("/b"));
        assert_eq!(path("HTTP://A:80").as_deref(), Ok("/"));
        assert_eq!(path("http://a?b").as_deref(), Ok("/"));
        for target in [
            "a",
            "*",
            "\\a",
            "a:80",
            "/a#b",
            "/é",
            "https://a/",
            "http:///",
            "http://u@a/",
            "ftp://a/",
        ] {
            assert_eq!(path(target), Err(Error::Target), "{target}");
        }
        let star = Target::parse(Method::OPTIONS, "*", UriScheme::Http);
        assert_eq!(star.map(|target| target.path.into_owned()).as_deref(), Ok("*"));
    }

    #[test]
    fn a_target_may_name_https_over_tls_only() {
        for target in ["https://a/b", "HTTPS://a:443/b", "https://a:8443/b?c", "http://a/b"] {
            assert_eq!(path_over(UriScheme::Https, target).as_deref(), Ok("/b"), "{target}");
        }
        for target in ["https://a/", "HttpS://a/", "https://a:443/"] {
            assert_eq!(path(target), Err(Error::Target), "{target}");
        }
        for target in
            ["https:///", "https:/a/", "https//a/", "httpss://a/", "https://u@a/", "ws://a/"]
        {
            assert_eq!(path_over(UriScheme::Https, target), Err(Error::Target), "{target}");
        }
    }

    #[test]
    fn encoded_unreserved_bytes_are_decoded_once_and_no_others() {
        assert_eq!(path("/%70rotected").as_deref(), Ok("/protected"));
        assert_eq!(path("/%7e%2D").as_deref(), Ok("/~-"));
        for kept in
            ["/a%2Fb", "/%2570", "/%00", "/%0D%0A", "//a", "/a/../b", "/./a", "/A", "/%C3%A9"]
        {
            assert_eq!(path(kept).as_deref(), Ok(kept));
        }
        assert_eq!(path("/a%2fb/%c3%A9").as_deref(), Ok("/a%2Fb/%C3%A9"));
        for malformed in ["/%", "/%7", "/%zz", "/%+1", "/a%2", "/%%41"] {
            assert_eq!(path(malformed), Err(Error::Target), "{malformed}");
        }
    }

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for valid in ["a", "a:80", "a:", "127.0.0.1:8000", "[::1]", "[::1]:8000", "a-b_c.d", "%41"]
        {
            assert!(is_authority(valid.as_bytes()), "{valid}");
        }
        for invalid in
            ["", "a b", "a/b", "u@a", "a:b", "a:99999", "a:+1", "[::1", "[]", "::1", "a%4", "é"]
        {
            assert!(!is_authority(invalid.as_bytes()), "{invalid}");
        }
    }
}

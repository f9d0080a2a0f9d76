//! The target.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use crate::error::Error;
use crate::http::header::{every, number};
use crate::http::method::Method;

/// A request target, taken apart.
pub(crate) struct Target<'a> {
    pub(crate) path: Cow<'a, str>,
    pub(crate) query: Option<&'a str>,
    pub(crate) authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn parse(method: Method, target: &'a str) -> Result<Target<'a>, Error> {
        // A fragment is never sent (RFC 9112 §3.2: none of the forms has one),
        // and httparse lets bytes from 0x80 on pass.
        if !every(target.as_bytes(), |byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(Error::Target);
        }
        // authority-form is CONNECT's alone, and that gets a 501 whatever it names.
        if method == Method::CONNECT {
            return Ok(Target { path: "".into(), query: None, authority: None });
        }
        if target == "*" && method == Method::OPTIONS {
            return Ok(Target { path: "*".into(), query: None, authority: None });
        }
        let (authority, rest) = if target.starts_with('/') {
            (None, target)
        } else {
            // absolute-form: "a server MUST accept the absolute-form in requests"
            // (RFC 9112 §3.2.2). The scheme's case does not matter.
            let (scheme, rest) = target.split_at_checked("http://".len()).ok_or(Error::Target)?;
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(end);
            if !scheme.eq_ignore_ascii_case("http://") || !is_authority(authority.as_bytes()) {
                return Err(Error::Target);
            }
            (Some(authority), rest)
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Target { path: decode_unreserved(path)?, query, authority })
    }
}

/// Decodes the bytes that mean the same encoded or not (RFC 3986 §6.2.2.2),
/// once. What could mean something else stays encoded: `%2F`, `%25`, `%00`.
fn decode_unreserved(path: &str) -> Result<Cow<'_, str>, Error> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut parts = path.split('%');
    let mut decoded = String::with_capacity(path.len());
    decoded.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).ok_or(Error::Target)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::Target);
        }
        let byte = u8::from_str_radix(hex, 16).map_err(|_| Error::Target)?;
        if is_unreserved(byte) {
            decoded.push(char::from(byte));
        } else {
            decoded.push('%');
            decoded.push_str(hex);
        }
        decoded.push_str(rest);
    }
    Ok(Cow::Owned(decoded))
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2), with a host that is
/// not empty: an http URI has one (RFC 9110 §4.2.1).
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    let (host_is_valid, port) = if let Some(literal) = authority.strip_prefix(b"[") {
        let (address, behind) = split_at_byte(literal, b']');
        let Some(port) = behind.strip_prefix(b"]") else { return false };
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

/// `reg-name`, not empty: unreserved, sub-delims and encoded bytes (RFC 3986
/// §3.2.2). An IPv4 address is one, too.
fn is_registered_name(host: &[u8]) -> bool {
    let mut rest = host;
    while let [byte, behind @ ..] = rest {
        rest = match (byte, behind) {
            (b'%', [high, low, behind @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                behind
            }
            (b'!' | b'$' | b'&'..=b',' | b';' | b'=', _) => behind,
            (byte, _) if is_unreserved(*byte) => behind,
            _ => return false,
        };
    }
    !host.is_empty()
}

/// What is before the first such byte, and the rest from it on.
fn split_at_byte(bytes: &[u8], wanted: u8) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == wanted);
    bytes.split_at(at.unwrap_or(bytes.len()))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// An authority without the port that http implies.
pub(crate) fn without_default_port(authority: &[u8]) -> &[u8] {
    authority.strip_suffix(b":80").or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
}

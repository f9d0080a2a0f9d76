//! Reads `Authorization`.

use std::fmt;

use crate::http::header::{every, skip_whitespace};
use crate::http::request::Request;

/// What a request's `Authorization` field says: an auth-scheme, and what
/// follows it (RFC 9110 §11.4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'r> {
    scheme: &'r [u8],
    rest: &'r [u8],
}

/// A request has more than one `Authorization` field. It is not a list field
/// (RFC 9110 §5.3), and which one counts is not ours to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

impl<'r> Credentials<'r> {
    /// The credentials of a request; `None` where the field is missing or blank.
    ///
    /// ```
    /// use guardhouse::{Credentials, Request};
    ///
    /// let request = Request::parse(b"GET / HTTP/1.0\r\nAuthorization: bearer  abc\r\n\r\n")?;
    /// let credentials = Credentials::of(&request).unwrap().unwrap();
    /// assert_eq!(credentials.for_scheme("Bearer"), Some(&b"abc"[..]));
    /// assert_eq!(credentials.for_scheme("Basic"), None);
    /// # Ok::<(), guardhouse::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Repeated`] if the field was sent more than once.
    pub fn of(request: &'r Request) -> Result<Option<Credentials<'r>>, Repeated> {
        let named = |name: &str| name.eq_ignore_ascii_case("Authorization");
        let mut values = request.headers().iter().filter(|header| named(header.name));
        let value = values.next().map_or(&[][..], |header| header.value);
        if values.next().is_some() {
            return Err(Repeated);
        }
        // credentials = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
        let scheme = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at(scheme);
        Ok((!scheme.is_empty()).then_some(Credentials { scheme, rest: skip_whitespace(rest) }))
    }

    /// What follows the scheme, if it is this one (in any case, RFC 9110 §11.1).
    #[must_use]
    pub fn for_scheme(self, scheme: &str) -> Option<&'r [u8]> {
        self.scheme.eq_ignore_ascii_case(scheme.as_bytes()).then_some(self.rest)
    }
}

/// Shows no credentials.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
/// (RFC 6750 §2.1): the only form of a Bearer token.
pub(crate) fn b64token(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().rposition(|byte| *byte != b'=')? + 1;
    let body = bytes.get(..end)?;
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    if every(body, is_plain) { str::from_utf8(bytes).ok() } else { None }
}

/// `user-id ":" password`, out of what follows `Basic` (RFC 7617 §2): Base64 of
/// UTF-8 without control characters. The first colon parts the two.
pub(crate) fn user_pass(bytes: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8(base64(bytes)?).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    text.split_once(':').map(|(user_id, password)| (user_id.to_owned(), password.to_owned()))
}

/// Decodes Base64 (RFC 4648 §4), strictly: nothing outside the alphabet (§3.3),
/// all of its padding (§3.2), and no bits behind the last byte (§3.5). So each
/// secret has one encoding, and nobody can skip a filter with another.
pub(crate) fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let body = bytes.strip_suffix(b"==").or_else(|| bytes.strip_suffix(b"=")).unwrap_or(bytes);
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    for group in body.chunks(4) {
        let mut bits = 0;
        for byte in group {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        // Four characters are three bytes; two are one and four bits to spare,
        // three are two and two bits.
        let spare = match group.len() {
            4 => 0,
            3 => 2,
            2 => 4,
            _ => return None,
        };
        if bits & ((1 << spare) - 1) != 0 {
            return None;
        }
        let [_, group_bytes @ ..] = (bits >> spare).to_be_bytes();
        decoded.extend(group_bytes.iter().skip(4 - group.len()));
    }
    Some(decoded)
}

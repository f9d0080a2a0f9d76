//! Reads `Authorization`: finds the credentials for an auth scheme, and takes
//! those of Bearer and Basic apart.
//!
//! These functions read bytes that any client can send, so each rejects every form
//! except the one that it describes.

use crate::auth::challenge::{Challenge, Refusal};
use crate::http::header::{every, skip_whitespace, split_at_byte, values};
use crate::http::request::Request;

/// The credentials with which a request answers this challenge: what follows
/// the challenge's auth scheme in `Authorization`. The scheme is
/// case-insensitive (RFC 9110 §11.1).
///
/// ```
/// use guardhouse::{Challenge, Guard, Refusal, Request, guard::credentials};
///
/// let challenge = Challenge::new("Word", "guardhouse");
/// let by_word = Guard::new(move |request: &Request| match credentials(request, &challenge)? {
///     b"sesame" => Ok(()),
///     _ => Err(Refusal::invalid(challenge.clone())),
/// });
/// let request = Request::parse(b"GET / HTTP/1.0\r\nAuthorization: word sesame\r\n\r\n")?;
/// assert_eq!(by_word.check(&request), Ok(()));
/// # Ok::<(), guardhouse::Error>(())
/// ```
///
/// # Errors
///
/// A [`Refusal`] with this challenge, if the request has no credentials for the
/// scheme, or more than one `Authorization` header.
pub fn credentials<'r>(request: &'r Request, challenge: &Challenge) -> Result<&'r [u8], Refusal> {
    // RFC 6750 §3.1 defines this error for Bearer. It does no harm elsewhere.
    let value = unrepeated_value(request, "Authorization").ok_or_else(|| {
        let challenge = challenge.clone();
        let description = "more than one Authorization field";
        Refusal::malformed(challenge.with_error("invalid_request", description))
    })?;
    // credentials = auth-scheme [ 1*SP ( token68 / #auth-param ) ] (RFC 9110 §11.4)
    let (scheme, rest) = split_at_byte(value, b' ');
    if scheme.eq_ignore_ascii_case(challenge.scheme().as_bytes()) {
        // Tabs are skipped, too: no token and no Base64 begins with one.
        Ok(skip_whitespace(rest))
    } else {
        Err(Refusal::missing(challenge.clone()))
    }
}

/// The value of a header that carries credentials: empty if the request does not
/// have the header, `None` if it has the header twice. Only list headers may be
/// repeated (RFC 9110 §5.3), and we do not guess which of two values is valid.
pub(super) fn unrepeated_value<'r>(request: &'r Request, name: &str) -> Option<&'r [u8]> {
    let mut values = values(request.headers(), name);
    let value = values.next().unwrap_or_default();
    if values.next().is_some() { None } else { Some(value) }
}

/// The text of a Bearer token (RFC 6750 §2.1):
/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(super) fn b64token(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().rposition(|byte| *byte != b'=')? + 1;
    let body = bytes.get(..end)?;
    if every(body, is_b64token_byte) { str::from_utf8(bytes).ok() } else { None }
}

/// Whether a Bearer token may have this byte; `=` may stand at its end only.
pub(super) fn is_b64token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

/// The user-id and the password of Basic credentials (RFC 7617 §2): Base64 of
/// UTF-8 without control characters. The first colon ends the user-id.
pub(super) fn user_pass(bytes: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8(base64(bytes)?).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let (user_id, password) = text.split_once(':')?;
    Some((user_id.to_owned(), password.to_owned()))
}

/// Decodes Base64 (RFC 4648 §4), and accepts only one encoding of each byte
/// string: no byte outside the alphabet (§3.3), all of the padding (§3.2), and
/// no bits set after the last byte (§3.5). If a secret had two encodings, a
/// client could send the one that a filter in front of us does not know.
pub(super) fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let body = bytes.strip_suffix(b"==").or_else(|| bytes.strip_suffix(b"=")).unwrap_or(bytes);
    let mut decoded = Vec::with_capacity(body.len() * 3 / 4);
    // The bits that are not yet part of a decoded byte, and their number.
    let (mut bits, mut number) = (0_u32, 0);
    for byte in body {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        number += 6;
        if number >= 8 {
            number -= 8;
            decoded.push(u8::try_from(bits >> number).ok()?);
            bits &= (1 << number) - 1;
        }
    }
    if bits == 0 { Some(decoded) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::challenge::Reason;

    /// The Bearer credentials of a request with these header lines.
    #[track_caller]
    fn bearer(headers: &str) -> Result<Vec<u8>, Reason> {
        let head = format!("GET / HTTP/1.0\r\n{headers}\r\n\r\n");
        let request = Request::parse(head.as_bytes()).expect("a valid head");
        credentials(&request, &Challenge::new("Bearer", "r"))
            .map(<[u8]>::to_vec)
            .map_err(|refusal| refusal.reason())
    }

    #[test]
    fn the_scheme_is_case_insensitive_and_the_token_is_exact() {
        for value in ["Bearer abC", "bEARER abC", "Bearer     abC", "  Bearer abC \t "] {
            assert_eq!(bearer(&format!("authorization:{value}")), Ok(b"abC".to_vec()), "{value:?}");
        }
        assert_eq!(bearer("Authorization: Bearer"), Ok(Vec::new()));
        for value in ["", " ", "Basic abC", "BearerabC", "Bearer\tabC", "abC"] {
            let headers = format!("Authorization: {value}");
            assert_eq!(bearer(&headers), Err(Reason::Missing), "{value:?}");
        }
        assert_eq!(bearer("X-Authorization: Bearer abC"), Err(Reason::Missing));
    }

    #[test]
    fn two_authorization_headers_are_malformed() {
        assert_eq!(bearer("Authorization: a\r\nAUTHORIZATION:"), Err(Reason::Malformed));
    }

    #[test]
    fn a_bearer_token_is_a_b64token() {
        for token in ["a", "a.b-c_d~e+f/g", "abc=", "abc=="] {
            assert_eq!(b64token(token.as_bytes()), Some(token));
        }
        for no in ["", "=", "==", "a=b", "a b", "a,", "\"a\"", "a\t", "é", "a\0"] {
            assert_eq!(b64token(no.as_bytes()), None, "{no:?}");
        }
    }

    #[test]
    fn base64_accepts_one_encoding_of_each_byte_string() {
        for (text, decoded) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Pj8+Pz8/", ">?>???"),
        ] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(decoded.as_bytes()), "{text}");
        }
        assert_eq!(base64(b"//79"), Some(vec![0xff, 0xfe, 0xfd]));
        for no in [
            "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "====", "=", "Z===", "Zm 8",
            "Zm8=Zm8=", "Zm-_", "Zm\n8",
        ] {
            assert_eq!(base64(no.as_bytes()), None, "{no:?}");
        }
    }

    #[test]
    fn a_user_id_ends_at_the_first_colon() {
        let parts = |text: &str| user_pass(text.as_bytes());
        let ann = Some(("Ann".to_owned(), "a:b".to_owned()));
        assert_eq!(parts("QW5uOmE6Yg=="), ann);
        assert_eq!(parts("Og=="), Some((String::new(), String::new())));
        assert_eq!(parts("QW5u"), None, "no colon");
        assert_eq!(parts("/zr/"), None, "not UTF-8");
        assert_eq!(parts("QTpiAA=="), None, "a NUL");
    }
}

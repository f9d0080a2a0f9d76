//! What fields are made of: the grammar that heads, trailers and answers share
//! (RFC 9110 §5).

/// A field line of a request: a name, and a value without the whitespace around
/// it. Values are bytes; nothing says that they are UTF-8 (RFC 9110 §5.5).
pub type Header<'a> = httparse::Header<'a>;

/// Whether these bytes are a token: what names and schemes are made of
/// (RFC 9110 §5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && every(bytes, is_token_byte)
}

/// Whether these bytes may stand in a field's value: no CR, LF, NUL or other
/// control character but the tab (RFC 9110 §5.5).
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    every(bytes, |byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// The number that these bytes are, digits alone, one at least.
///
/// Not `str::parse`: that takes a sign (CVE-2023-34188 is a server that did).
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    let [_, ..] = bytes else { return None };
    bytes.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Whether every byte is so. `all` would stop at the first that is not; without
/// a way out of the loop the compiler looks at many bytes at once.
pub(crate) fn every(bytes: &[u8], is_so: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |so, byte| so & is_so(*byte))
}

/// What follows optional whitespace (RFC 9110 §5.6.3).
pub(crate) fn skip_whitespace(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// What follows a token, if one stands here.
pub(crate) fn skip_token(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take_while(|byte| is_token_byte(**byte)).count();
    if length == 0 { None } else { bytes.get(length..) }
}

/// What follows a quoted-string, if one stands here (RFC 9110 §5.6.4).
pub(crate) fn skip_quoted_string(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', escaped, after @ ..] if is_value(&[*escaped]) => after,
            [b'\\', ..] => return None,
            [plain, after @ ..] if is_value(&[*plain]) => after,
            _ => return None,
        }
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_delimiters() {
        assert!(is_token(b"X-Request-Id") && is_token(b"!#$%&'*+-.^_`|~"));
        for no in ["", " ", "a b", "a:", "a/b", "\"a\"", "a\0", "\u{e9}", "a\x7f"] {
            assert!(!is_token(no.as_bytes()), "{no:?}");
        }
    }

    #[test]
    fn a_value_has_no_control_character_but_the_tab() {
        assert!(is_value(b"") && is_value(b"a\tb") && is_value(b"\x80\xff"));
        for no in [&b"a\rb"[..], b"a\nb", b"a\0b", b"\x1b[31m", b"\x7f"] {
            assert!(!is_value(no), "{no:?}");
        }
    }

    #[test]
    fn a_number_is_digits_alone_and_fits() {
        assert_eq!(number(b"007"), Some(7));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for no in ["", "+7", "-7", " 7", "7 ", "0x7", "7.0", "18446744073709551616", "\u{667}"] {
            assert_eq!(number(no.as_bytes()), None, "{no:?}");
        }
    }

    #[test]
    fn a_quoted_string_ends_at_its_own_quote() {
        assert_eq!(skip_quoted_string(b"\"a\\\"b\";c"), Some(&b";c"[..]));
        for no in ["", "a", "\"", "\"a", "\"a\\", "\"a\\\"", "\"a\0\"", "\"\\\n\""] {
            assert_eq!(skip_quoted_string(no.as_bytes()), None, "{no:?}");
        }
    }
}

//! The grammar that headers share: in requests, in trailers, in responses
//! (RFC 9110 §5). Small functions over bytes; nothing here knows a header's name.

/// A header of a request: its name, and its value without the whitespace around
/// it. A value is bytes, and need not be UTF-8 (RFC 9110 §5.5).
pub type Header<'a> = httparse::Header<'a>;

/// The values of all headers of that name, in order. Names are case-insensitive
/// (RFC 9110 §5.1).
pub(crate) fn values<'h>(headers: &'h [Header<'_>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

/// The members of the lists that are the values of that header. "A recipient MUST parse
/// and ignore a reasonable number of empty list elements" (RFC 9110 §5.6.1.2).
pub(crate) fn members<'h>(headers: &'h [Header<'_>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    values(headers, name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// Whether the bytes are a token, which is what names and auth schemes are made
/// of (RFC 9110 §5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && every(bytes, is_token_byte)
}

/// Whether the bytes may be a header's value: no CR, no LF, no NUL, and no other
/// control character except the tab (RFC 9110 §5.5).
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    every(bytes, |byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// The number that the bytes write in decimal: one digit or more, and nothing
/// else.
///
/// Not `str::parse`, because that accepts a plus sign (RUSTSEC-2021-0078: a server that
/// used it). CVE-2023-34188 was a server that accepted a minus sign.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Whether `test` is true for every byte. It always looks at all bytes: without
/// an early exit the compiler tests many bytes at once.
pub(crate) fn every(bytes: &[u8], test: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |so_far, byte| so_far & test(*byte))
}

/// What is before the first byte `wanted`, and the rest from that byte on. The rest is empty
/// if there is no such byte.
pub(crate) fn split_at_byte(bytes: &[u8], wanted: u8) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == wanted);
    bytes.split_at(at.unwrap_or(bytes.len()))
}

/// The bytes after any spaces and tabs at the front (RFC 9110 §5.6.3).
pub(crate) fn skip_whitespace(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// The bytes after the token at the front; `None` if there is no token.
pub(crate) fn skip_token(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take_while(|byte| is_token_byte(**byte)).count();
    if length == 0 { None } else { bytes.get(length..) }
}

/// The bytes after the quoted-string at the front; `None` if there is none
/// (RFC 9110 §5.6.4).
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
    fn a_value_has_no_control_character_except_the_tab() {
        assert!(is_value(b"") && is_value(b"a\tb") && is_value(b"\x80\xff"));
        for no in [&b"a\rb"[..], b"a\nb", b"a\0b", b"\x1b[31m", b"\x7f"] {
            assert!(!is_value(no), "{no:?}");
        }
    }

    #[test]
    fn a_number_is_digits_alone_and_fits_into_64_bits() {
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

//! Reads `application/x-www-form-urlencoded`: the bodies of forms, and queries.

/// The names and values of a form, in order and decoded: `+` is a space, `%41` is
/// `A`. `None` if a `%` is not followed by two hexadecimal digits, or if the result is
/// not UTF-8.
///
/// ```
/// use guardhouse::form;
///
/// let form = form::parse("scope=read+write&name=%C3%A9").unwrap();
/// assert_eq!(form, [("scope".into(), "read write".into()), ("name".into(), "é".into())]);
/// assert_eq!(form::parse("a=%2"), None);
/// ```
#[must_use]
pub fn parse(form: &str) -> Option<Vec<(String, String)>> {
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(encoded: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_without_a_value_has_an_empty_one() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            parse("a&b=&=c&&d=e=f"),
            Some(vec![pair("a", ""), pair("b", ""), pair("", "c"), pair("d", "e=f")])
        );
        assert_eq!(parse(""), Some(vec![]));
    }

    #[test]
    fn a_malformed_encoding_is_rejected() {
        for broken in ["%", "%4", "%zz", "%+1", "a=%ff", "a=%c3"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }
}

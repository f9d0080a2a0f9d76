//! Reads `application/x-www-form-urlencoded`: the bodies of forms, and queries.

use crate::http::target::percent_decoded;

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
    pairs(form).map(|(name, value)| Some((decode(name)?, decode(value)?))).collect()
}

/// The values of the parameters with this name, in order and decoded. `None` if one of
/// these values is malformed. All other parameters may be malformed: in a query, they
/// may be there for another program.
///
/// ```
/// use guardhouse::form;
///
/// let query = "a=100%&scope=read&sc%6Fpe=write+more";
/// assert_eq!(form::values(query, "scope").unwrap(), ["read", "write more"]);
/// assert_eq!(form::values("scope=%2", "scope"), None);
/// ```
#[must_use]
pub fn values(form: &str, name: &str) -> Option<Vec<String>> {
    pairs(form)
        .filter(|(encoded, _)| decode(encoded).is_some_and(|decoded| decoded == name))
        .map(|(_, value)| decode(value))
        .collect()
}

/// The names and values, still encoded.
fn pairs(form: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// In a form, `+` stands for a space.
fn decode(encoded: &str) -> Option<String> {
    percent_decoded(&encoded.replace('+', " "))
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
    fn only_the_values_that_are_asked_for_must_be_well_formed() {
        for ignored in ["", "a=100%", "q=caf%E9", "%=b", "sc%FFpe=a", "scope%=a", "Scope=a", "&&"] {
            assert_eq!(values(ignored, "scope"), Some(vec![]), "{ignored}");
            for both in [format!("scope=a&{ignored}"), format!("{ignored}&scope=a")] {
                assert_eq!(values(&both, "scope"), Some(vec!["a".to_owned()]), "{both}");
            }
        }
        for broken in ["scope=%", "scope=a&scope=%zz", "%73cope=%ff&a=b", "a=%&scope=%c3"] {
            assert_eq!(values(broken, "scope"), None, "{broken}");
        }
        assert_eq!(values("scope", "scope"), Some(vec![String::new()]));
    }

    #[test]
    fn a_malformed_encoding_is_rejected() {
        for broken in ["%", "%4", "%zz", "%+1", "a=%ff", "a=%c3"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }
}

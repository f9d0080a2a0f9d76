//! JSON out: strings and flat objects of strings, which is all that the answers
//! here need (RFC 8259 §7). Anything larger is a job for a JSON library.

/// `text` as a JSON string, quotes included.
///
/// ```
/// assert_eq!(guardhouse::json::string("say \"hi\"\n"), r#""say \"hi\"\n""#);
/// ```
#[must_use]
pub fn string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_string(&mut json, text);
    json
}

/// A JSON object of names and string values, in the order given.
///
/// ```
/// assert_eq!(guardhouse::json::object([("username", "user1")]), r#"{"username":"user1"}"#);
/// ```
#[must_use]
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut json = String::from("{");
    for (name, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        push_string(&mut json, name);
        json.push(':');
        push_string(&mut json, value);
    }
    json.push('}');
    json
}

fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let code = control as usize;
                json.push_str("\\u00");
                json.push(char::from(HEX[code >> 4]));
                json.push(char::from(HEX[code & 0xf]));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(string("\0\x1f\u{7f}é"), "\"\\u0000\\u001f\u{7f}é\"");
    }

    #[test]
    fn an_object_keeps_its_order() {
        assert_eq!(object([("b", "1"), ("a", "2")]), r#"{"b":"1","a":"2"}"#);
        assert_eq!(object([]), "{}");
    }
}

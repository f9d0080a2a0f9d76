//! Writes JSON: strings, and flat objects of strings. The answers here need no more
//! (RFC 8259 §7). For anything larger, use a JSON library.

use std::fmt::{self, Display, Write};

use crate::http::header::every;

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

/// A JSON object of names and string values, in the order given. A value is anything
/// that can be written as text; it is written into the object at once, without a
/// `String` in between.
///
/// ```
/// use guardhouse::json;
///
/// assert_eq!(json::object([("username", "user1")]), r#"{"username":"user1"}"#);
/// assert_eq!(json::object([("message", format_args!("Hello {}!", "user1"))]), r#"{"message":"Hello user1!"}"#);
/// ```
#[must_use]
pub fn object<'a, V: Display>(members: impl IntoIterator<Item = (&'a str, V)>) -> String {
    // Enough for most answers, so that the text need not grow.
    let mut json = String::with_capacity(128);
    json.push('{');
    for (name, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        push_string(&mut json, name);
        json.push_str(":\"");
        // A String accepts everything.
        let _ = write!(Escaped(&mut json), "{value}");
        json.push('"');
    }
    json.push('}');
    json
}

fn push_string(json: &mut String, text: &str) {
    json.push('"');
    let _ = Escaped(json).write_str(text);
    json.push('"');
}

/// Escapes what is written into a JSON string.
struct Escaped<'j>(&'j mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        // All characters that are escaped are ASCII, so it is enough to look at
        // bytes. Nearly always there is nothing to escape.
        while !every(rest.as_bytes(), |byte| !is_escaped(byte))
            && let Some(at) = rest.bytes().position(is_escaped)
        {
            let (plain, from_here) = rest.split_at(at);
            let (special, behind) = from_here.split_at(1);
            self.0.push_str(plain);
            match special {
                "\n" => self.0.push_str("\\n"),
                "\r" => self.0.push_str("\\r"),
                "\t" => self.0.push_str("\\t"),
                "\"" | "\\" => {
                    self.0.push('\\');
                    self.0.push_str(special);
                }
                control => {
                    for byte in control.bytes() {
                        write!(self.0, "\\u{byte:04x}")?;
                    }
                }
            }
            rest = behind;
        }
        self.0.push_str(rest);
        Ok(())
    }
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, ..b' ' | b'"' | b'\\')
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
        assert_eq!(object::<&str>([]), "{}");
    }
}

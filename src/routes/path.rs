//! The path of a row: `/notes/new`, or `/notes/{id}` for the path of each note.
//!
//! A segment is what is between two slashes. `{id}` is a parameter: it stands for one
//! whole segment, which may be anything but empty, and the handler gets it as
//! `request.param("id")`. No path is a regular expression, and no parameter stands for
//! several segments.

use std::borrow::Cow;

use crate::http::params::Param;
use crate::http::target::normalized;

/// The path of a row.
#[derive(Debug)]
pub(crate) struct Path {
    text: Cow<'static, str>,
    params: Vec<Param>,
}

impl Path {
    /// Reads the path of a row. The error says what is wrong with it.
    pub(crate) fn parse(text: Cow<'static, str>) -> Result<Path, &'static str> {
        let in_a_path = |byte: u8| byte.is_ascii_graphic() && byte != b'?' && byte != b'#';
        // Routing compares this text with a request's path, on which the same function has run.
        let is_normalized = normalized(&text).is_ok_and(|normalized| normalized == text);
        let is_possible = is_normalized && text.bytes().all(in_a_path);
        let Some(segments) = text.strip_prefix('/').filter(|_| is_possible) else {
            return Err("no request has this path");
        };
        let mut params: Vec<Param> = Vec::new();
        for (segment, piece) in segments.split('/').enumerate() {
            let Some(name) = param_name(piece) else {
                if piece.contains(['{', '}']) {
                    return Err("a parameter is a whole segment: {name}");
                }
                continue;
            };
            if !is_name(name) {
                return Err("the name of a parameter has letters, digits and _");
            }
            if params.iter().any(|param| param.name == name) {
                return Err("two parameters have the same name");
            }
            params.push(Param { name: name.to_owned(), segment });
        }
        Ok(Path { text, params })
    }

    /// The path as the program has written it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn params(&self) -> &[Param] {
        &self.params
    }

    /// The segments; `None` stands for a parameter.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Option<&str>> {
        let segments = self.text.split('/').skip(1);
        segments.map(|segment| if param_name(segment).is_some() { None } else { Some(segment) })
    }
}

/// What is between the braces of a parameter.
fn param_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_allowed) && name.starts_with(|first: char| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_literal_segments_and_parameters() {
        let segments = |text: &'static str| {
            let path = Path::parse(text.into()).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            let names: Vec<_> = path.params().iter().map(|param| param.name.clone()).collect();
            let segments: Vec<_> = path.segments().map(|s| s.unwrap_or("{}").to_owned()).collect();
            (segments.join(" "), names.join(" "))
        };
        let both = |segments: &str, names: &str| (segments.to_owned(), names.to_owned());
        assert_eq!(segments("/"), both("", ""));
        assert_eq!(segments("/a/b"), both("a b", ""));
        assert_eq!(segments("/a/"), both("a ", ""));
        assert_eq!(segments("/caf%C3%A9"), both("caf%C3%A9", ""));
        assert_eq!(segments("/notes/{id}"), both("notes {}", "id"));
        assert_eq!(segments("/{a}/x/{_b2}"), both("{} x {}", "a _b2"));
        assert_eq!(segments("/{a}/"), both("{} ", "a"));
    }

    #[test]
    fn a_malformed_path_is_refused() {
        for (text, wrong) in [
            ("", "no request"),
            ("a", "no request"),
            ("/a b", "no request"),
            ("/é", "no request"),
            ("/a?b", "no request"),
            ("/a#b", "no request"),
            ("/%7Eann", "no request"),
            ("/caf%c3%a9", "no request"),
            ("/100%", "no request"),
            ("/a{b", "whole segment"),
            ("/a}b", "whole segment"),
            ("/{a", "whole segment"),
            ("/a}", "whole segment"),
            ("/x{a}", "whole segment"),
            ("/{a}x", "whole segment"),
            ("/{}", "name of a parameter"),
            ("/{a}{b}", "name of a parameter"),
            ("/{{a}}", "name of a parameter"),
            ("/{a:path}", "name of a parameter"),
            ("/{*a}", "name of a parameter"),
            ("/{1}", "name of a parameter"),
            ("/{a-b}", "name of a parameter"),
            ("/{a}/{a}", "the same name"),
            ("/{a}/b/{c}/{a}", "the same name"),
        ] {
            let error = Path::parse(text.into()).expect_err(text);
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}

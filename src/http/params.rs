//! The parameters of a path: names that a row of the table gives to segments, such as
//! `id` in `/notes/{id}`, and what the request has there.

use crate::error::Error;
use crate::http::target::percent_decoded;

/// A parameter of a row's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    /// Which segment of the path it is, from 0.
    pub(crate) segment: usize,
}

/// The parameters that a request has for the row that answers it.
#[derive(Default)]
pub(crate) struct Params<'r> {
    of_row: &'r [Param],
    /// Values in which something was encoded, by their segments. Nearly every value is
    /// in the path as it is, and costs no allocation.
    decoded: Vec<(usize, String)>,
}

impl<'r> Params<'r> {
    /// The parameters of a row, for a request with this path.
    pub(crate) fn new(of_row: &'r [Param], path: &str) -> Result<Params<'r>, Error> {
        let mut decoded = Vec::new();
        for Param { segment, .. } in of_row {
            let encoded = nth_segment(path, *segment).unwrap_or_default();
            if encoded.contains('%') {
                let value = percent_decoded(encoded).ok_or(Error::Param)?;
                decoded.push((*segment, value));
            }
        }
        Ok(Params { of_row, decoded })
    }

    /// The value of a parameter; `path` is the request's.
    pub(crate) fn get<'p>(&'p self, name: &str, path: &'p str) -> Option<&'p str> {
        let param = self.of_row.iter().find(|param| param.name == name)?;
        let decoded = self.decoded.iter().find(|(segment, _)| *segment == param.segment);
        match decoded {
            Some((_, value)) => Some(value),
            None => nth_segment(path, param.segment),
        }
    }
}

fn nth_segment(path: &str, number: usize) -> Option<&str> {
    // A path begins with a slash, so what is before that is no segment.
    path.split('/').nth(number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_decoded_segment() {
        let row = [("a", 0), ("b", 2)];
        let row = row.map(|(name, segment)| Param { name: name.to_owned(), segment });
        let get = |path: &str| {
            Params::new(&row, path).map(|params| {
                let value = |name| params.get(name, path).map(str::to_owned);
                assert_eq!(value("c"), None);
                (value("a").unwrap_or_default(), value("b").unwrap_or_default())
            })
        };
        let pair = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(get("/1/x/2"), pair("1", "2"));
        assert_eq!(get("/a%2Fb/x/%c3%A9+%25"), pair("a/b", "é+%"));
        assert_eq!(get("/%00/x/%20"), pair("\0", " "));
        for malformed in ["/%ff/x/2", "/1/x/%c3", "/%c0%af/x/2", "/1/x/%ed%a0%80"] {
            assert_eq!(get(malformed), Err(Error::Param), "{malformed}");
        }
        assert_eq!(get("/1/%ff/2"), pair("1", "2"), "no parameter is there");
    }
}

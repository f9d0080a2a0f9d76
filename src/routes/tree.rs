//! Finds the rows for a path, one segment after the other.
//!
//! However many rows there are, a lookup looks at the segments of one path: a table of
//! ten thousand rows is as fast as one of ten. A literal segment is tried before a
//! parameter, so the order of the rows decides nothing.

use std::collections::BTreeMap;

use crate::routes::path::Path;

/// The paths of a table. Each node stands for the segments that lead to it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    literals: BTreeMap<Box<str>, Tree>,
    param: Option<Box<Tree>>,
    /// The numbers of the rows whose paths end here.
    rows: Vec<usize>,
}

impl Tree {
    /// Adds a row. Returns the numbers of the rows before it that match the same paths.
    pub(crate) fn add(&mut self, path: &Path, row: usize) -> &[usize] {
        let mut node = self;
        for segment in path.segments() {
            node = match segment {
                Some(literal) => node.literals.entry(literal.into()).or_default(),
                None => node.param.get_or_insert_default(),
            };
        }
        node.rows.push(row);
        node.rows.split_last().map_or(&[], |(_, before)| before)
    }

    /// The numbers of the rows that match a request's path; none if no row does.
    pub(crate) fn find(&self, path: &str) -> &[usize] {
        path.strip_prefix('/').and_then(|path| self.find_rest(Some(path))).unwrap_or_default()
    }

    /// `rest` is what follows the segments of this node; `None` after the last segment.
    fn find_rest(&self, rest: Option<&str>) -> Option<&[usize]> {
        let Some(rest) = rest else {
            return if self.rows.is_empty() { None } else { Some(&self.rows) };
        };
        let (segment, rest) = match rest.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        let literal = self.literals.get(segment).and_then(|node| node.find_rest(rest));
        literal.or_else(|| {
            let param = self.param.as_ref().filter(|_| !segment.is_empty());
            param.and_then(|node| node.find_rest(rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&'static str]) -> Tree {
        let mut tree = Tree::default();
        for (row, path) in paths.iter().enumerate() {
            tree.add(&Path::parse((*path).into()).expect(path), row);
        }
        tree
    }

    /// Both orders of the rows must give the same.
    #[track_caller]
    fn finds(paths: &[&'static str], path: &str, expected: Option<&str>) {
        let mut reversed = paths.to_vec();
        reversed.reverse();
        for paths in [paths, &reversed] {
            let rows = tree(paths);
            let found: Vec<&str> = rows.find(path).iter().map(|row| paths[*row]).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{path} in {paths:?}");
        }
    }

    #[test]
    fn a_literal_segment_wins_over_a_parameter_in_any_order() {
        let paths = ["/notes/{id}", "/notes/new", "/{kind}/old", "/{kind}/{id}", "/", "/notes"];
        finds(&paths, "/notes/7", Some("/notes/{id}"));
        finds(&paths, "/notes/new", Some("/notes/new"));
        finds(&paths, "/notes/old", Some("/notes/{id}"));
        finds(&paths, "/tags/old", Some("/{kind}/old"));
        finds(&paths, "/tags/7", Some("/{kind}/{id}"));
        finds(&paths, "/notes", Some("/notes"));
        finds(&paths, "/", Some("/"));
    }

    #[test]
    fn a_literal_segment_that_leads_nowhere_does_not_hide_a_parameter() {
        let paths = ["/a/b/c", "/{x}/b/d", "/a/{y}/e"];
        finds(&paths, "/a/b/c", Some("/a/b/c"));
        finds(&paths, "/a/b/d", Some("/{x}/b/d"));
        finds(&paths, "/a/b/e", Some("/a/{y}/e"));
        finds(&paths, "/a/b", None);
        finds(&paths, "/a/b/f", None);
    }

    #[test]
    fn a_parameter_is_one_segment_that_is_not_empty() {
        let paths = ["/notes/{id}", "/{a}/x/"];
        for path in ["/notes/", "/notes", "/notes/1/", "/notes/1/2", "/notes//", "//x/", "/a/x"] {
            finds(&paths, path, None);
        }
        finds(&paths, "/notes/a%2Fb", Some("/notes/{id}"));
        finds(&paths, "/notes/{id}", Some("/notes/{id}"));
        finds(&paths, "/b/x/", Some("/{a}/x/"));
        finds(&paths, "", None);
        finds(&paths, "*", None);
    }

    #[test]
    fn rows_with_the_same_paths_are_found_together() {
        let mut tree = tree(&["/a/{x}", "/a/b"]);
        let same = Path::parse("/a/{y}".into()).expect("a path");
        assert_eq!(tree.add(&same, 2), [0]);
        assert_eq!(tree.find("/a/1"), [0, 2]);
    }
}

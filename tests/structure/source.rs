//! Reads Rust source as far as the rules of `structure.rs` need it: what is
//! code, what is a unit test, where an item ends, and what a file imports.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// A file of the project.
pub struct Source {
    /// Its path from the root of the project, as `src/http/head.rs`.
    pub path: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// The same lines, with blanks instead of comments and of literals.
    pub code: Vec<String>,
    /// Which of the lines are unit tests.
    pub unit_tests: Vec<RangeInclusive<usize>>,
    /// The same lines as `code`, with blanks instead of unit tests.
    pub program: Vec<String>,
}

/// A path that begins with `crate`, `super` or `self`, and the file it leads to.
pub struct Import {
    pub from: String,
    pub line: usize,
    /// The names after `crate::`.
    pub names: Vec<String>,
    pub to: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let code = lines(&blank_comments_and_literals(text));
        let unit_tests = find_unit_tests(&code);
        let mut program = code.clone();
        for lines in &unit_tests {
            program[lines.clone()].fill(String::new());
        }
        Source { path: path.to_owned(), lines: lines(text), code, unit_tests, program }
    }

    /// How a failure names a line, the first of which is 0 here.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{}", self.path, line + 1)
    }

    /// The folder that `crate::` stands for: each program has its own.
    fn root(&self) -> &str {
        let length = match self.path.strip_prefix("src/bin/").and_then(|path| path.find('/')) {
            Some(name) => "src/bin/".len() + name + 1,
            None => "src/".len(),
        };
        &self.path[..length]
    }

    /// The names after `crate::` that lead to this file.
    fn module(&self) -> Vec<String> {
        let path = self.path[self.root().len()..].trim_end_matches(".rs");
        let path = path.trim_end_matches("mod").trim_end_matches('/');
        match path {
            "lib" | "main" | "" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        }
    }

    /// The paths from the crate's root that stand in this file outside its unit
    /// tests, each with the line where it begins.
    fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let text = self.program.join("\n");
        let own = self.module();
        let mut paths = Vec::new();
        for (word, base) in [("crate::", Vec::new()), ("super::", own.clone()), ("self::", own)] {
            for (at, _) in text.match_indices(word) {
                // `super::super::` is one path, and so is `a::self::b`.
                if text[..at].ends_with(|before: char| is_in_name(before) || before == ':') {
                    continue;
                }
                let line = text[..at].matches('\n').count();
                let mut found = Vec::new();
                expand(&text[at..], base.clone(), &mut found);
                paths.extend(found.into_iter().map(|names| (line, names)));
            }
        }
        paths
    }
}

/// Every file below `src/`, in the order of their paths.
pub fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    read_folder(Path::new(env!("CARGO_MANIFEST_DIR")), "src", &mut sources);
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(sources.len() > 10, "the source is in another place");
    sources
}

fn read_folder(root: &Path, folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read_folder(root, &path, sources);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::new(&path, &fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// What the files import from each other.
pub fn imports(sources: &[Source]) -> Vec<Import> {
    let exists = |path: &String| sources.iter().any(|source| source.path == *path);
    let mut imports = Vec::new();
    for source in sources {
        let root = source.root();
        for (line, names) in source.paths() {
            // The longest path that is a file; what follows it are items in it.
            let files = (1..=names.len()).rev().flat_map(|count| {
                let file = format!("{root}{}", names[..count].join("/"));
                [format!("{file}.rs"), format!("{file}/mod.rs")]
            });
            let to = files.into_iter().find(exists).unwrap_or_else(|| {
                format!("{root}{}", if root == "src/" { "lib.rs" } else { "main.rs" })
            });
            imports.push(Import { from: source.path.clone(), line, names, to });
        }
    }
    imports
}

/// Adds all the paths that begin here: `a::{b, c::d}` are `a::b` and `a::c::d`.
/// Returns the text after them.
fn expand<'t>(text: &'t str, mut path: Vec<String>, found: &mut Vec<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().is_empty() && !rest.trim_start().starts_with('}') {
            let behind = expand(rest, path.clone(), found);
            // The end of this path in the group; `as` and a new name may come before.
            let end = behind.find([',', '}']).unwrap_or(behind.len());
            rest = behind[end..].trim_start_matches(',');
        }
        return rest.trim_start().trim_start_matches('}');
    }
    let length = text.find(|letter| !is_in_name(letter)).unwrap_or(text.len());
    let (name, behind) = text.split_at(length);
    match name {
        "" | "self" | "crate" => {}
        "super" => _ = path.pop(),
        name => path.push(name.to_owned()),
    }
    if let Some(rest) = behind.strip_prefix("::") {
        return expand(rest, path, found);
    }
    found.push(path);
    behind
}

/// The last line of the item that begins in a line: the one of the brace that
/// ends its body, or of its semicolon.
pub fn item_end(code: &[String], begin: usize) -> usize {
    let mut depth = 0_usize;
    for (number, line) in code.iter().enumerate().skip(begin) {
        for letter in line.chars() {
            match letter {
                '(' | '[' | '{' => depth += 1,
                '}' if depth == 1 => return number,
                ')' | ']' | '}' => depth -= 1,
                ';' if depth == 0 => return number,
                _ => {}
            }
        }
    }
    code.len() - 1
}

fn find_unit_tests(code: &[String]) -> Vec<RangeInclusive<usize>> {
    let is_marked = |line: &String| {
        let line = line.trim_start();
        line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
    };
    let marked = (0..code.len()).filter(|number| is_marked(&code[*number]));
    marked.map(|number| number..=item_end(code, number)).collect()
}

/// The same text, with a blank instead of every letter of a comment, of a text
/// between quotes, and of a character.
fn blank_comments_and_literals(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let in_name = code.ends_with(is_in_name);
        let length = comment_length(rest).or_else(|| literal_length(rest, in_name));
        let (token, behind) = rest.split_at(length.unwrap_or(letter.len_utf8()));
        match length {
            Some(_) => code.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' })),
            None => code += token,
        }
        rest = behind;
    }
    code
}

fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    // They nest.
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let next = text[at..].find(['/', '*']).map_or(text.len(), |offset| at + offset);
        match text.get(next..next + 2) {
            Some("/*") => (at, depth) = (next + 2, depth + 1),
            Some("*/") => (at, depth) = (next + 2, depth - 1),
            Some(_) => at = next + 1,
            None => return Some(text.len()),
        }
    }
    Some(at)
}

fn literal_length(text: &str, in_name: bool) -> Option<usize> {
    if let Some(quoted) = text.strip_prefix('"') {
        return Some(1 + quoted_length(quoted, '"'));
    }
    if let Some(quoted) = text.strip_prefix('\'') {
        // `'a` without a quote after it is a lifetime.
        let is_character =
            quoted.starts_with('\\') || quoted.chars().nth(1).is_some_and(|next| next == '\'');
        return is_character.then(|| 1 + quoted_length(quoted, '\''));
    }
    let raw = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let quoted = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = quoted.find(&end)? + end.len();
    (!in_name).then(|| text.len() - quoted.len() + length)
}

/// The length up to and with the quote that ends it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

pub fn is_in_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

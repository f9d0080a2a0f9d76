//! The rules for the shape of the source: imports go down only, files and functions
//! are short, and a feature is asked for on `mod` lines only.
//!
//! Each rule reads every file below `src/`, and names the file and the line that
//! break it. The tests at the end break each rule on purpose.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, VecDeque};

mod structure {
    pub mod source;
}

use structure::source::{Import, Source, all, imports, is_in_name, item_end};

/// What the files of each folder, and the files beside `lib.rs`, may import. They
/// may always import files of their own folder. `lib.rs` may import every file.
const ARROWS: [(&str, &[&str]); 8] = [
    ("error", &["limits"]),
    ("limits", &[]),
    ("http", &["error", "limits"]),
    ("auth", &["http", "error", "limits"]),
    ("routes", &["auth", "http", "error", "limits"]),
    ("serve", &["routes", "auth", "http", "error", "limits"]),
    ("login", &["auth", "http", "error", "limits"]),
    // It uses the library as any program does, by its public API.
    ("bin", &[]),
];

/// In lines, without unit tests.
const LONGEST_FILE: usize = 300;
/// In lines, from `fn` to the closing brace.
const LONGEST_FUNCTION: usize = 60;
/// How many lines of `serve`, `auth` and `bin` may ask for a feature although they
/// are not `mod` lines. Each needs a comment that says why.
const MOST_EXCEPTIONS: usize = 8;
/// The files that call the operating system where `std` does not.
const UNSAFE: [&str; 2] = ["src/bin/guardhouse/signals.rs", "src/bin/guardhouse/backlog.rs"];

// --- The rules ---

#[test]
fn imports_go_down_only() {
    assert_none(&arrows_that_go_up(&all()));
}

#[test]
fn no_files_import_each_other_in_a_cycle() {
    assert_none(&cycles_of_files(&all()));
}

#[test]
fn no_folders_import_each_other_in_a_cycle() {
    assert_none(&cycles_of_folders(&all()));
}

#[test]
fn no_file_is_longer_than_300_lines_without_its_unit_tests() {
    assert_none(&long_files(&all()));
}

#[test]
fn no_function_is_longer_than_60_lines() {
    assert_none(&long_functions(&all()));
}

#[test]
fn a_mod_file_holds_mod_lines_only() {
    assert_none(&code_in_mod_files(&all()));
}

#[test]
fn a_feature_is_asked_for_on_mod_lines_only() {
    assert_none(&features_outside_mod_lines(&all()));
}

#[test]
fn only_two_files_of_the_program_have_unsafe_code() {
    assert_none(&unsafe_code(&all()));
}

#[track_caller]
fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "{} break the rule:\n{}\n", broken.len(), broken.join("\n"));
}

// --- What each rule looks at ---

/// `http` of `src/http/head.rs`, `error` of `src/error.rs`.
fn folder(path: &str) -> &str {
    let path = path.trim_start_matches("src/");
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

fn arrows_that_go_up(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for Import { from, line, names, to } in imports(sources) {
        let (own, other) = (folder(&from), folder(&to));
        let allowed = ARROWS.iter().find(|(folder, _)| *folder == own).map(|(_, allowed)| *allowed);
        let is_root = to == "src/lib.rs" || to.ends_with("/main.rs");
        let why = match allowed {
            _ if own == "lib" => continue,
            None => format!("no rule says what {own} may import"),
            Some(_) if is_root => format!("{to} is above every other file"),
            Some(_) if to.ends_with("/mod.rs") => "an import names the file".to_owned(),
            Some(allowed) if own != other && !allowed.contains(&other) => {
                format!("{own} may not import {other}")
            }
            Some(_) => continue,
        };
        broken.push(format!("{from}:{}: crate::{}: {why}", line + 1, names.join("::")));
    }
    // With `#[path]` the program could use a file of the library as its own, and
    // with it everything that is not public.
    for source in sources.iter().filter(|source| folder(&source.path) == "bin") {
        for (number, line) in source.lines.iter().enumerate() {
            if source.program[number].contains("#[path") && line.contains("..") {
                broken.push(format!("{}: a file outside the program", source.place(number)));
            }
        }
    }
    broken
}

fn cycles_of_files(sources: &[Source]) -> Vec<String> {
    cycles(&arrows(sources, |path| path))
}

fn cycles_of_folders(sources: &[Source]) -> Vec<String> {
    cycles(&arrows(sources, folder))
}

/// From which name an import leads, to which other name, and in which line.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

fn arrows(sources: &[Source], name: fn(&str) -> &str) -> Arrows {
    let mut arrows = Arrows::new();
    for Import { from, line, to, .. } in imports(sources) {
        let (one, other) = (name(&from).to_owned(), name(&to).to_owned());
        if one != other {
            let place = format!("{from}:{}", line + 1);
            arrows.entry(one).or_default().entry(other).or_insert(place);
        }
    }
    arrows
}

/// For each name from which imports lead back to it, the shortest way back. A way
/// is listed once: for the first of its names.
fn cycles(arrows: &Arrows) -> Vec<String> {
    let mut cycles = Vec::new();
    for begin in arrows.keys() {
        let Some(way) = way_back(arrows, begin) else { continue };
        if way.iter().all(|from| *from >= begin) {
            let next = way.iter().skip(1).chain([&begin]);
            let steps = way.iter().zip(next);
            let steps = steps.map(|(from, to)| format!("{}: {from} → {to}", arrows[*from][*to]));
            cycles.push(steps.collect::<Vec<_>>().join(", "));
        }
    }
    cycles
}

/// The names on the shortest way from a name back to it, if there is one.
fn way_back<'a>(arrows: &'a Arrows, begin: &'a String) -> Option<Vec<&'a String>> {
    let mut came_from: BTreeMap<&String, &String> = BTreeMap::new();
    let mut waiting = VecDeque::from([begin]);
    while let Some(from) = waiting.pop_front() {
        for to in arrows.get(from).into_iter().flat_map(BTreeMap::keys) {
            if !came_from.contains_key(to) {
                came_from.insert(to, from);
                waiting.push_back(to);
            }
        }
    }
    let mut way = vec![*came_from.get(begin)?];
    while way[0] != begin {
        way.insert(0, came_from[way[0]]);
    }
    Some(way)
}

fn long_files(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        let tests: usize = source.unit_tests.iter().map(|lines| lines.clone().count()).sum();
        let count = source.lines.len() - tests;
        if count > LONGEST_FILE {
            broken.push(format!("{}: {count} lines", source.place(0)));
        }
    }
    broken
}

fn long_functions(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        for (number, line) in source.program.iter().enumerate() {
            let before = |word: &&str| {
                word.starts_with("pub") || ["const", "async", "unsafe", "extern"].contains(word)
            };
            let mut words = line.split_whitespace().skip_while(before);
            if words.next() != Some("fn") {
                continue;
            }
            let count = item_end(&source.program, number) - number + 1;
            if count > LONGEST_FUNCTION {
                let name = words.next().unwrap_or_default();
                let name = name.split(|letter| !is_in_name(letter)).next().unwrap_or_default();
                broken.push(format!("{}: {name} has {count} lines", source.place(number)));
            }
        }
    }
    broken
}

fn code_in_mod_files(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with("/mod.rs")) {
        for (number, line) in source.code.iter().enumerate() {
            let line = line.trim();
            let is_attribute = line.starts_with('#') && line.ends_with(']');
            if !line.is_empty() && !is_attribute && !is_mod_line(line) {
                broken.push(format!("{}: {line}", source.place(number)));
            }
        }
    }
    broken
}

/// `mod a;`, `pub mod a;` or `pub(crate) mod a;`.
fn is_mod_line(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    words.next() == Some("mod") && line.ends_with(';')
}

fn features_outside_mod_lines(sources: &[Source]) -> Vec<String> {
    let (mut broken, mut exceptions) = (Vec::new(), Vec::new());
    let have_twins = |source: &&Source| ["serve", "auth", "bin"].contains(&folder(&source.path));
    for source in sources.iter().filter(have_twins) {
        for (number, line) in source.program.iter().enumerate() {
            if !line.contains("feature =") {
                continue;
            }
            let mut below = source.program[number + 1..].iter().map(|line| line.trim());
            let is_on_mod_line = line.trim().starts_with("#[cfg(")
                && below.next().is_some_and(|line| is_mod_line(line) || line.starts_with("#[path"));
            let above = number.checked_sub(1).map_or("", |above| source.lines[above].trim());
            let says_why = above.starts_with("//") || source.lines[number].contains("// ");
            match (is_on_mod_line, says_why) {
                (true, _) => {}
                (false, true) => exceptions.push(source.place(number)),
                (false, false) => {
                    let text = source.lines[number].trim();
                    broken.push(format!("{}: {text}", source.place(number)));
                }
            }
        }
    }
    if exceptions.len() > MOST_EXCEPTIONS {
        broken.extend(exceptions.iter().map(|place| format!("{place}: one exception too many")));
    }
    broken
}

fn unsafe_code(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| !UNSAFE.contains(&source.path.as_str())) {
        for (number, line) in source.code.iter().enumerate() {
            if line.split(|letter| !is_in_name(letter)).any(|word| word == "unsafe") {
                broken.push(format!("{}: {}", source.place(number), line.trim()));
            }
        }
    }
    broken
}

// --- Each rule finds what breaks it ---

/// Made-up files, each with its path and its text.
fn files<const N: usize>(files: [(&str, &str); N]) -> Vec<Source> {
    files.map(|(path, text)| Source::new(path, text)).into_iter().collect()
}

const REQUEST: (&str, &str) = ("src/http/request.rs", "pub struct Request;\n");
const GUARD: (&str, &str) = ("src/auth/guard.rs", "pub struct Guard;\n");

#[test]
fn an_import_that_goes_down_is_allowed() {
    let route =
        "//! Its use.\n\nuse crate::auth::guard::Guard;\nuse crate::http::request::Request;\n";
    let sources = files([REQUEST, GUARD, ("src/routes/route.rs", route)]);
    assert_eq!(arrows_that_go_up(&sources), [""; 0]);
    assert_eq!(imports(&sources).len(), 2);
}

#[test]
fn an_import_that_goes_up_is_found_however_it_is_written() {
    let wrong = "src/http/request.rs:2: crate::auth::guard::Guard: http may not import auth";
    for text in [
        "\nuse crate::auth::guard::Guard;\n",
        "\nuse crate::auth::{guard::{Guard}};\n",
        "\nuse crate::{\n    auth::{\n        guard::Guard,\n    },\n};\n",
        "\nuse super::super::auth::guard::Guard;\n",
        "\nfn pass(guard: crate::auth::guard::Guard<u8>) {}\n",
        "/* crate::a */\nconst QUOTE: char = '\"'; use crate::auth::guard::Guard; // \"\n",
    ] {
        let sources = files([("src/http/request.rs", text), GUARD]);
        assert_eq!(arrows_that_go_up(&sources), [wrong], "{text}");
    }
}

#[test]
fn every_import_of_a_group_is_looked_at() {
    let text = "use crate::{auth::guard::{Guard, self as g}, error::Error, http::request::*};\n";
    let sources = files([("src/error.rs", text), REQUEST, GUARD]);
    let broken = arrows_that_go_up(&sources);
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(broken[2].ends_with("error may not import http"), "{broken:?}");
}

#[test]
fn unit_tests_comments_and_texts_may_name_any_file() {
    let text = r##"
        /// See [`Guard`](crate::auth::guard::Guard).
        const TEXT: &str = "use crate::auth::guard::Guard; \"";
        const RAW: &str = r#"" use crate::auth::guard::Guard; "#;
        #[cfg(test)]
        mod tests {
            use crate::auth::guard::Guard;
        }
    "##;
    assert_eq!(arrows_that_go_up(&files([("src/http/request.rs", text), GUARD])), [""; 0]);
}

#[test]
fn an_import_of_a_name_that_lib_rs_exports_is_found() {
    let sources = files([("src/http/body.rs", "use crate::Request;\n"), REQUEST]);
    let broken = arrows_that_go_up(&sources);
    assert_eq!(
        broken,
        ["src/http/body.rs:1: crate::Request: src/lib.rs is above every other file"]
    );
}

#[test]
fn an_import_of_a_folder_is_found() {
    let root = ("src/http/mod.rs", "pub mod request;\n");
    let sources = files([root, ("src/auth/guard.rs", "use crate::http;\n")]);
    let broken = arrows_that_go_up(&sources);
    assert_eq!(broken, ["src/auth/guard.rs:1: crate::http: an import names the file"]);
}

#[test]
fn only_the_root_of_the_library_imports_logins() {
    let login = ("src/login/tokens.rs", "use crate::auth::guard::Guard;\n");
    let root = ("src/lib.rs", "use crate::login::tokens::Tokens;\n");
    assert_eq!(arrows_that_go_up(&files([login, root, GUARD])), [""; 0]);
    for path in ["src/serve/server.rs", "src/routes/route.rs", "src/auth/users.rs"] {
        let sources = files([login, (path, "use crate::login::tokens::Tokens;\n"), GUARD]);
        let broken = arrows_that_go_up(&sources);
        assert!(broken.len() == 1 && broken[0].starts_with(path), "{broken:?}");
    }
}

#[test]
fn the_program_takes_the_library_from_its_public_api_only() {
    let cli = ("src/bin/guardhouse/cli.rs", "use guardhouse::Request;\n");
    let lesson = "use crate::cli::Options;\nuse guardhouse::Request;\n";
    let lesson = ("src/bin/guardhouse/lesson.rs", lesson);
    assert_eq!(arrows_that_go_up(&files([cli, lesson, REQUEST])), [""; 0]);
    let by_path = "#[path = \"../../http/request.rs\"]\nmod request;\n";
    for text in ["use crate::http::request::Request;\n", by_path] {
        let sources = files([("src/bin/guardhouse/cli.rs", text), REQUEST]);
        assert_eq!(arrows_that_go_up(&sources).len(), 1, "{text}");
    }
}

#[test]
fn a_cycle_of_files_is_found() {
    let sources = files([
        ("src/http/body.rs", "use super::head::Head;\n"),
        ("src/http/head.rs", "use crate::http::request::Request;\n"),
        ("src/http/request.rs", "\nuse crate::http::{body::Body};\n"),
        ("src/http/target.rs", "use crate::http::head::Head;\n"),
    ]);
    let [cycle] = &cycles_of_files(&sources)[..] else { panic!("one cycle") };
    assert!(cycle.starts_with("src/http/body.rs:1: src/http/body.rs → src/http/head.rs, "));
    assert!(cycle.ends_with(", src/http/request.rs:2: src/http/request.rs → src/http/body.rs"));
    assert_eq!(cycles_of_folders(&sources), [""; 0]);
    assert_eq!(cycles_of_files(&sources[1..]), [""; 0]);
}

#[test]
fn a_cycle_of_the_programs_files_is_found() {
    let sources = files([
        ("src/bin/guardhouse/cli.rs", "use crate::lesson::routes;\n"),
        ("src/bin/guardhouse/lesson.rs", "fn routes() { crate::cli::parse() }\n"),
    ]);
    assert_eq!(cycles_of_files(&sources).len(), 1);
}

#[test]
fn a_cycle_of_folders_is_found() {
    let sources = files([
        ("src/auth/user.rs", "use crate::routes::route::Route;\n"),
        GUARD,
        ("src/routes/route.rs", ""),
        ("src/routes/table.rs", "use crate::auth::guard::Guard;\n"),
    ]);
    assert_eq!(cycles_of_files(&sources), [""; 0]);
    let wrong = "src/auth/user.rs:1: auth → routes, src/routes/table.rs:1: routes → auth";
    assert_eq!(cycles_of_folders(&sources), [wrong]);
}

#[test]
fn a_file_of_301_lines_without_its_unit_tests_is_found() {
    let lines = "fn a() {}\n".repeat(300);
    let tests = "#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    let short = format!("{lines}{tests}");
    let long = format!("{tests}{lines}//\n");
    let sources = files([("src/a.rs", &short), ("src/b.rs", &long)]);
    assert_eq!(long_files(&sources), ["src/b.rs:1: 301 lines"]);
}

#[test]
fn a_function_of_61_lines_is_found() {
    let function = |name: &str, count: usize| {
        let head =
            format!("    pub(crate) const fn {name}(a: [u8; 2])\n    where\n        A: B,\n");
        let body = "        \"{\"; // {\n".repeat(count - 5);
        format!("{head}    {{\n{body}    }}\n")
    };
    let text = format!(
        "trait A {{\n    fn none(&self);\n{}{}}}\n",
        function("short", 60),
        function("long", 61)
    );
    let broken = long_functions(&files([("src/a.rs", &text)]));
    assert_eq!(broken, ["src/a.rs:63: long has 61 lines"]);
    let text = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function("long", 61));
    assert_eq!(long_functions(&files([("src/a.rs", &text)])), [""; 0]);
}

#[test]
fn code_in_a_mod_file_is_found() {
    let text = "//! Its job.\n\n// Why.\n#[cfg(feature = \"tls\")]\n#[path = \"a.rs\"]\npub mod a;\n\
                pub(crate) mod b;\nmod c;\npub use a::A;\nmod d {}\nfn e() {}\n";
    let broken = code_in_mod_files(&files([("src/http/mod.rs", text), ("src/http/a.rs", text)]));
    let expected = ["9: pub use a::A;", "10: mod d {}", "11: fn e() {}"];
    assert_eq!(broken, expected.map(|line| format!("src/http/mod.rs:{line}")));
}

#[test]
fn a_feature_outside_a_mod_line_is_found() {
    let feature = "#[cfg(feature = \"tls\")]\n";
    let text = format!(
        "{feature}mod a;\n{feature}#[path = \"b.rs\"]\nmod b;\n{feature}pub(crate) mod c;\n\
         {feature}use a::A;\nlet a = cfg!(feature = \"tls\");\n// Why.\n{feature}use b::B;\n\
         let b = cfg!(feature = \"tls\"); // Why.\n#[cfg(test)]\nmod tests {{\n    {feature}    use a::A;\n}}\n"
    );
    for path in ["src/serve/server.rs", "src/auth/users.rs", "src/bin/guardhouse/cli.rs"] {
        let broken = features_outside_mod_lines(&files([(path, &text)]));
        let places = [8, 10].map(|line| format!("{path}:{line}: "));
        let as_expected = broken.len() == 2
            && broken.iter().zip(&places).all(|(wrong, place)| wrong.starts_with(place));
        assert!(as_expected, "{broken:?}");
    }
    assert_eq!(features_outside_mod_lines(&files([("src/lib.rs", &text)])), [""; 0]);
}

#[test]
fn the_ninth_exception_to_the_rule_of_features_is_found() {
    let exceptions = |count| "// Why.\n#[cfg(feature = \"tls\")]\nuse a::A;\n".repeat(count);
    let found = |count| {
        features_outside_mod_lines(&files([("src/serve/server.rs", &exceptions(count))])).len()
    };
    assert_eq!((found(8), found(9)), (0, 9));
}

#[test]
fn unsafe_code_in_any_other_file_is_found() {
    let text = "#![deny(unsafe_op_in_unsafe_fn)]\n// unsafe\nfn a() {\n    unsafe { b() }\n}\n";
    let sources = files([
        ("src/bin/guardhouse/signals.rs", text),
        ("src/bin/guardhouse/backlog.rs", text),
        ("src/serve/server.rs", text),
    ]);
    assert_eq!(unsafe_code(&sources), ["src/serve/server.rs:4: unsafe { b() }"]);
}

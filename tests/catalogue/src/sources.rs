//! Source files and which of their lines are test code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Error;

/// Not tests of this project's own code: this crate, whose tests are full of invented ids, the
/// reference that ours is compared with, and a crate that is only built.
const LEFT_OUT: [&str; 4] = ["target", "tests/catalogue", "tests/libzmq", "tests/no-std"];

/// A source file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the root of the workspace, with `/`.
    pub(crate) path: String,
    text: String,
    all_test: bool,
}

impl Source {
    /// The lines of test code, with their numbers.
    pub(crate) fn test_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let items = if self.all_test { Vec::new() } else { test_items(&self.text) };
        (1..).zip(self.text.lines()).filter(move |(line, _)| {
            self.all_test || items.iter().any(|item| item.contains(line)) // a handful per file
        })
    }

    /// The name of the function that a line, counted from 1, stands in or before: a comment or an
    /// attribute belongs to what follows it. Empty outside of functions.
    pub(crate) fn function_at(&self, line: usize) -> &str {
        let lines: Vec<&str> = self.text.lines().collect();
        let at = line.saturating_sub(1).min(lines.len());
        let after = lines[at..].iter().find(|line| !is_attribute(line));
        let before = || lines[..at].iter().rev().find_map(|line| function_name(line));
        after.and_then(|line| function_name(line)).or_else(before).unwrap_or_default()
    }
}

/// The name in the first line of a function.
fn function_name(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("fn ").filter(|(start, _)| {
        start
            .split_whitespace()
            .all(|word| matches!(word, "pub" | "pub(crate)" | "async" | "const"))
    })?;
    rest.split(['(', '<']).next()
}

/// All source files of the workspace.
pub(crate) fn read(root: &Path) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    walk(root, "", &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(mark_tests(sources))
}

fn walk(root: &Path, within: &str, sources: &mut Vec<Source>) -> Result<(), Error> {
    let directory = root.join(within);
    let fail = |source| Error::Read { path: directory.clone(), source };
    for entry in fs::read_dir(&directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let (kind, name) = (entry.file_type().map_err(fail)?, entry.file_name());
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = if within.is_empty() { name.to_owned() } else { format!("{within}/{name}") };
        if kind.is_dir() && !LEFT_OUT.contains(&path.as_str()) && name != "target" {
            walk(root, &path, sources)?;
        } else if kind.is_file() && name.ends_with(".rs") {
            let file = root.join(&path);
            let text =
                fs::read_to_string(&file).map_err(|source| Error::Read { path: file, source })?;
            sources.push(Source { path, text, all_test: false });
        }
    }
    Ok(())
}

/// Marks the files that are test code from the first line to the last.
fn mark_tests(mut sources: Vec<Source>) -> Vec<Source> {
    let modules: BTreeSet<String> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        let mut ancestors = stem.match_indices('/').map(|(end, _)| &stem[..end]);
        source.all_test = modules.contains(stem)
            || source.path.split('/').rev().skip(1).any(|directory| directory == "tests")
            || ancestors.any(|directory| modules.contains(directory));
    }
    sources
}

/// The files, without `.rs`, of the modules that a file declares as `#[cfg(test)] mod name;`.
fn test_modules(source: &Source) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let (parent, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let directory = if matches!(name, "lib" | "main" | "mod") { parent } else { stem };
    let lines: Vec<&str> = source.text.lines().collect();
    test_items(&source.text)
        .into_iter()
        .filter_map(|range| {
            let item = lines.get(range.end - 2)?.trim();
            let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
            let name = item.strip_prefix("mod ")?.strip_suffix(';')?;
            Some(format!("{directory}/{name}"))
        })
        .collect()
}

/// Ranges of line numbers that stand under `#[cfg(test)]`.
///
/// Relies on the formatting that the project enforces: an item with a body ends at the first line
/// that is a closing brace as far indented as its attribute.
fn test_items(text: &str) -> Vec<std::ops::Range<usize>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(found) = lines.iter().skip(at).position(|line| is_test_attribute(line)) {
        let start = at + found;
        let indent = lines[start].len() - lines[start].trim_start().len();
        let head = start + lines[start..].iter().take_while(|line| is_attribute(line)).count();
        let is_end = |line: &&str| {
            line.get(..indent).is_some_and(|margin| margin.trim().is_empty())
                && line.get(indent..).is_some_and(|rest| rest.starts_with('}'))
        };
        let end = match lines.get(head) {
            None => lines.len(),
            Some(line) if line.ends_with(';') || line.ends_with('}') => head + 1,
            Some(_) => lines
                .iter()
                .skip(head)
                .position(is_end)
                .map_or(lines.len(), |length| head + length + 1),
        };
        items.push(start + 1..end + 1);
        at = end;
    }
    items
}

fn is_test_attribute(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}

fn is_attribute(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[") || line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), all_test: false }
    }

    /// Numbers of the lines of test code in the first of some files.
    fn lines(sources: Vec<Source>) -> Vec<usize> {
        mark_tests(sources)[0].test_lines().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_line_belongs_to_the_function_around_it_or_behind_its_comments() {
        let text =
            "// A\n#[test]\nfn f() {\n    a();\n}\n\n/// B\npub async fn g<T>() {\n// C\nb();}\n";
        let source = source("tests/a.rs", text);
        let names: Vec<_> = (1..=10).map(|line| source.function_at(line)).collect();
        assert_eq!(names, ["f", "f", "f", "f", "f", "f", "g", "g", "g", "g"]);
        assert_eq!(source.function_at(99), "g");
    }

    #[test]
    fn production_code_does_not_count() {
        let text = "// NULL-01\nfn f() {}\n#[cfg_attr(not(test), deny(x))]\nfn g() {}\n";
        assert!(lines(vec![source("zap/src/a.rs", text)]).is_empty());
    }

    #[test]
    fn files_under_tests_count_from_the_first_line() {
        for path in ["tests/a.rs", "zap/tests/a.rs", "tests/src/b/a.rs", "zap/src/x/tests/a.rs"] {
            assert_eq!(lines(vec![source(path, "a\nb\n")]), [1, 2], "{path}");
        }
        assert!(lines(vec![source("zap/src/contests/a.rs", "a\n")]).is_empty());
    }

    #[test]
    fn inline_test_modules_end_where_they_end() {
        let text = "\
fn f() {}
#[cfg(test)]
#[expect(x)]
mod tests {
    fn g() {
    }
}
fn h() {}
    #[cfg(all(test, unix))]
    fn i() {
    }
fn j() {}
";
        assert_eq!(lines(vec![source("a/src/b.rs", text)]), [2, 3, 4, 5, 6, 7, 9, 10, 11]);
    }

    #[test]
    fn a_test_only_import_does_not_open_the_rest_of_the_file() {
        let text = "#[cfg(test)]\nuse a::b;\nfn f() {}\n#[cfg(test)]\nfn g() {}\nfn h() {}\n";
        assert_eq!(lines(vec![source("a/src/b.rs", text)]), [1, 2, 4, 5]);
    }

    #[test]
    fn modules_declared_for_tests_are_test_code_in_their_own_files() {
        let declared = |path: &str, by: &str| {
            let text = "#[cfg(test)]\npub(crate) mod pair;\nmod other;\n";
            !lines(vec![source(path, "a\n"), source(by, text)]).is_empty()
        };
        assert!(declared("a/src/pair.rs", "a/src/lib.rs"));
        assert!(declared("a/src/x/pair.rs", "a/src/x.rs"));
        assert!(declared("a/src/x/pair.rs", "a/src/x/mod.rs"));
        assert!(declared("a/src/pair/mod.rs", "a/src/lib.rs"));
        assert!(declared("a/src/pair/deep/down.rs", "a/src/lib.rs"));
        assert!(!declared("a/src/other.rs", "a/src/lib.rs"));
        assert!(!declared("a/src/pair.rs", "a/src/x.rs"));
        assert!(!declared("a/src/pairs.rs", "a/src/lib.rs"));
    }
}

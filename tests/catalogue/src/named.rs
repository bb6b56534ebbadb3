//! Tests that the tables of a document name.
//!
//! A cell names them as `` `FILE` `FUNCTION`, `FUNCTION`; `FILE` .. ``. A file is relative to the root of the
//! workspace, or else to `tests/tests/`.

use std::fs;
use std::path::Path;

/// What stands between backticks.
pub fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of a row, without the blanks around them; nothing for other lines.
#[must_use]
pub fn cells(line: &str) -> Option<Vec<&str>> {
    let cells = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(cells.split('|').map(str::trim).collect())
}

/// A test by its file and function.
pub type Named<'a> = (&'a str, &'a str);

/// The tests that a cell names. What has `::` in it is part of the text.
#[must_use]
pub fn tests(cell: &str) -> Vec<Named<'_>> {
    let (mut file, mut tests) = ("", Vec::new());
    for word in code(cell) {
        if word.ends_with(".rs") {
            file = word;
        } else if !word.contains("::") {
            tests.push((file, word));
        }
    }
    tests
}

/// Whether there is such a test.
#[must_use]
pub fn exists(root: &Path, (file, name): Named<'_>) -> bool {
    let paths = [root.join(file), root.join("tests/tests").join(file)];
    let source = paths.iter().find_map(|path| fs::read_to_string(path).ok());
    source.is_some_and(|source| has_test(&source, name))
}

/// Whether the source has a function of this name that is a test.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_function = |line: &str| {
        let line = line.trim_start_matches("async ");
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    let mut attributes = Vec::new();
    for line in lines {
        if line.starts_with("#[") {
            attributes.push(line);
            continue;
        }
        let test = attributes
            .iter()
            .any(|it: &&str| it.starts_with("#[test]") || it.starts_with("#[tokio::test"));
        if test && is_function(line) {
            return true;
        }
        attributes.clear();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_test_is_not_found() {
        let source = "#[test]\nfn a_test() {}\nfn a_helper() {}\n#[expect(x)]\n#[tokio::test]\nasync fn another() {}\n";
        assert!(has_test(source, "a_test") && has_test(source, "another"));
        for name in ["a_helper", "a_tes", "a"] {
            assert!(!has_test(source, name), "{name}");
        }
    }

    #[test]
    fn a_cell_names_tests_by_their_file() {
        let cell = "as there. `a.rs` `one`, `two`; not `A::b`; `b/c.rs` `three`";
        assert_eq!(tests(cell), [("a.rs", "one"), ("a.rs", "two"), ("b/c.rs", "three")]);
        assert_eq!(cells("| a | `b` |"), Some(vec!["a", "`b`"]));
        assert_eq!(cells("a | b"), None);
    }
}

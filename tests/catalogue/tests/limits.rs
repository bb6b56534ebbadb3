//! Each limit of `docs/security.md` has tests, which `docs/limits.md` names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use catalogue::named;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows below this line of a document, each as its cells.
fn rows(document: &str, head: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(document)).expect("the document");
    let table = text.lines().skip_while(|line| *line != head).skip(2);
    let owned = |cells: Vec<&str>| cells.into_iter().map(str::to_owned).collect();
    table.map_while(named::cells).map(owned).collect()
}

fn limits(rows: &[Vec<String>]) -> BTreeSet<&str> {
    rows.iter().filter_map(|cells| cells.first().map(String::as_str)).collect()
}

#[test]
fn every_limit_is_tested() {
    let there = rows("docs/security.md", "| limit | default | set with |");
    let here = rows("docs/limits.md", "| limit | tests |");
    assert!(there.len() >= 15, "only {} limits found", there.len());
    assert_eq!(limits(&there), limits(&here), "docs/security.md, then docs/limits.md");
    for cells in &here {
        let [limit, tests] = &cells[..] else { panic!("a row has two cells: {cells:?}") };
        let tests = named::tests(tests);
        assert!(!tests.is_empty(), "no test is named for {limit}");
        let missing: Vec<_> = tests.iter().filter(|it| !named::exists(&root(), **it)).collect();
        assert!(missing.is_empty(), "{limit}: these do not exist: {missing:#?}");
    }
}

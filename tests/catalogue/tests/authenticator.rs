//! `docs/authenticator.md` and `docs/zauth-tests.md` name tests that exist, for every row.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use catalogue::named;

/// How many things each of their tests asserts.
const ASSERTIONS: [(&str, usize); 11] = [
    ("test_allow", 2),
    ("test_curve", 5),
    ("test_curve_callback", 3),
    ("test_curve_user_id", 2),
    ("test_deny", 2),
    ("test_ioloop_authenticator", 1),
    ("test_null", 2),
    ("test_plain", 4),
    ("zauth", 16),
    ("zcert", 7),
    ("zcertstore", 6),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of a document's tables behind `heading`, without those of headings.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs").join(document)).expect("the document");
    let (_, text) = text.split_once(heading).expect("the heading");
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &&str| line.starts_with("|---");
    let body = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| !is_rule(line) && !lines.get(at + 1).is_some_and(is_rule));
    body.filter_map(|(_, line)| named::cells(line))
        .map(|cells| cells.into_iter().map(str::to_owned).collect())
        .collect()
}

/// Checks the last cell of each row.
fn check(rows: &[Vec<String>]) {
    let mut missing = Vec::new();
    for row in rows {
        let tests = named::tests(row.last().expect("a cell"));
        assert!(!tests.is_empty(), "no test is named for {row:?}");
        missing.extend(tests.into_iter().filter(|it| !named::exists(&root(), *it)));
    }
    assert!(missing.is_empty(), "these are named and do not exist: {missing:#?}");
}

#[test]
fn every_feature_has_a_test() {
    let rows = rows("authenticator.md", "## Features and defaults");
    assert!(rows.len() > 50, "only {} features", rows.len());
    for row in &rows {
        assert_eq!(row.len(), 5, "feature, pyzmq, CZMQ, ours, test: {row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "nothing is said in a cell of {row:?}");
    }
    check(&rows);
}

#[test]
fn every_assertion_of_theirs_has_a_test() {
    let rows = rows("zauth-tests.md", "## pyzmq");
    let mut counts = BTreeMap::new();
    for row in &rows {
        assert_eq!(row.len(), 4, "their test, what it asserts, ours, test: {row:?}");
        let theirs = named::code(&row[0]).next().expect("a test of theirs");
        *counts.entry(theirs).or_insert(0) += 1;
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), ASSERTIONS);
    check(&rows);
}

//! `docs/libzmq-tests.md` names tests that exist, for every program of libzmq that counts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The programs whose behaviour was asked for, without `test_` in front.
const PROGRAMS: [&str; 49] = [
    "conflate",
    "connect_delay",
    "connect_rid",
    "ctx_destroy",
    "disconnect_inproc",
    "heartbeats",
    "hwm",
    "hwm_pubsub",
    "immediate",
    "issue_566",
    "last_endpoint",
    "many_sockets",
    "metadata",
    "monitor",
    "pair_inproc",
    "pair_ipc",
    "pair_tcp",
    "probe_router",
    "proxy",
    "proxy_hwm",
    "proxy_single_socket",
    "proxy_steerable",
    "proxy_terminate",
    "reconnect_ivl",
    "reconnect_options",
    "req_correlate",
    "req_relaxed",
    "reqrep_device",
    "router_handover",
    "router_mandatory",
    "router_notify",
    "shutdown_stress",
    "spec_dealer",
    "spec_pushpull",
    "spec_rep",
    "spec_req",
    "spec_router",
    "stream",
    "stream_disconnect",
    "stream_empty",
    "stream_exceeds_buffer",
    "stream_timeout",
    "sub_forward",
    "sub_invert",
    "term_endpoint",
    "timeo",
    "unbind_wildcard",
    "xpub_manual",
    "xpub_nodrop",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What one row names.
struct Row<'a> {
    programs: Vec<&'a str>,
    /// Each as file and function.
    tests: Vec<(String, &'a str)>,
}

/// A row with programs; nothing for other lines.
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
    let [programs, _, here] = cells[..] else { panic!("a row has three cells: {line}") };
    let programs: Vec<&str> = code(programs).collect();
    if programs.is_empty() {
        return None;
    }
    let (mut file, mut tests) = (String::new(), Vec::new());
    for word in code(here) {
        if word.ends_with(".rs") {
            let of_a_crate = word.starts_with("transport/") || word.starts_with("zmtp-core/");
            file = if of_a_crate { word.to_owned() } else { format!("tests/tests/{word}") };
        } else if !word.contains("::") {
            tests.push((file.clone(), word));
        }
    }
    Some(Row { programs, tests })
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
    lines.iter().enumerate().any(|(at, line)| {
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        is_function(line)
            && attributes
                .into_iter()
                .any(|it| it.starts_with("#[test]") || it.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_test_that_stands_for_one_of_libzmq_exists() {
    let document = fs::read_to_string(root().join("docs/libzmq-tests.md")).expect("the document");
    let mut missing = Vec::new();
    let mut programs = BTreeSet::new();
    for Row { programs: named, tests } in document.lines().filter_map(row) {
        assert!(!tests.is_empty(), "no test is named for {named:?}");
        for program in named {
            assert!(programs.insert(program), "{program} has two rows");
        }
        for (file, name) in tests {
            let source = fs::read_to_string(root().join(&file)).unwrap_or_default();
            if !has_test(&source, name) {
                missing.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "these are named and do not exist: {missing:#?}");
    let without: Vec<_> = PROGRAMS.iter().filter(|it| !programs.contains(*it)).collect();
    assert!(without.is_empty(), "these have no row: {without:?}");
}

#[test]
fn what_is_no_test_is_not_found() {
    let source = "#[test]\nfn a_test() {}\nfn a_helper() {}\n#[expect(x)]\n#[tokio::test]\nasync fn another() {}\n";
    assert!(has_test(source, "a_test") && has_test(source, "another"));
    assert!(!has_test(source, "a_helper") && !has_test(source, "a_tes") && !has_test(source, "a"));
}

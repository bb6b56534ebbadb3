//! `docs/libzmq-tests.md` names tests that exist, for every program of libzmq that counts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use catalogue::named;

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

#[test]
fn every_test_that_stands_for_one_of_libzmq_exists() {
    let document = fs::read_to_string(root().join("docs/libzmq-tests.md")).expect("the document");
    let (mut missing, mut programs) = (Vec::new(), BTreeSet::new());
    for cells in document.lines().filter_map(named::cells) {
        let [of_libzmq, _, here] = cells[..] else { panic!("a row has three cells: {cells:?}") };
        let mut of_row = named::code(of_libzmq).peekable();
        if of_row.peek().is_none() {
            continue;
        }
        let tests = named::tests(here);
        assert!(!tests.is_empty(), "no test is named for {of_libzmq}");
        for program in of_row {
            assert!(programs.insert(program), "{program} has two rows");
        }
        missing.extend(
            tests
                .into_iter()
                .filter(|it| !named::exists(&root(), *it))
                .map(|(file, name)| format!("{file}: {name}")),
        );
    }
    assert!(missing.is_empty(), "these are named and do not exist: {missing:#?}");
    let without: Vec<_> = PROGRAMS.iter().filter(|it| !programs.contains(*it)).collect();
    assert!(without.is_empty(), "these have no row: {without:?}");
}

//! The bodies of the fuzz targets with random octets: 64 cases each, more with `PROPTEST_CASES`.

use fuzz_targets::TARGETS;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Octets of which most are those that mean something somewhere.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        2 => any::<u8>(),
        2 => 0..9_u8,
        1 => proptest::sample::select(&b"\xff\x7f\x80\x03=#-\"\n Ra"[..]),
    ];
    prop_oneof![vec(any::<u8>(), 0..200), vec(octet, 0..400)]
}

// hostile: V6, OSV-2020-1655
#[test]
fn random_octets_break_no_target() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(64);
    for (name, run) in TARGETS {
        let mut runner =
            TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
        let result = runner.run(&octets(), |data| {
            run(&data);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{name}: {error}");
        }
    }
}

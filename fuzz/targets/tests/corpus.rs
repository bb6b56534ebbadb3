//! Every committed input of every fuzz target, once more: what a fuzzer found stays found.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz_targets::TARGETS;
use fuzz_targets::common::heap::{self, PeakAlloc};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Octets in the corpus of one target, at most.
const MOST: usize = 1024 * 1024;

fn corpus(name: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// One test for all of it: memory can only be measured while nothing else happens.
#[test]
fn every_committed_input_still_passes() {
    for (name, run) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has no corpus");
        let mut size = 0;
        for file in files {
            let data = fs::read(&file).expect("a file");
            size += data.len();
            assert!(catch_unwind(|| run(&data)).is_ok(), "{name}: {}", file.display());
        }
        assert!(size <= MOST, "the corpus of {name} has {size} octets: minimise it");
    }
    // The measure itself can fail.
    let hoard = || heap::bounded(10, 0, || drop(std::hint::black_box(vec![1_u8; 1 << 20])));
    assert!(catch_unwind(hoard).is_err(), "memory is not measured");
    let corpora = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    for entry in corpora.expect("a directory") {
        let name = entry.expect("an entry").file_name();
        assert!(TARGETS.iter().any(|(known, _)| name == *known), "no target is called {name:?}");
    }
}

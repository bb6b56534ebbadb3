//! How much memory an input may cost.
//!
//! Memory is counted only in programs whose allocator is [`PeakAlloc`]: the fuzzers, and the test that
//! replays the corpora. They have one thread; elsewhere the counts stay at zero and nothing is checked.

pub use peak_alloc::PeakAlloc;

/// What a step may cost, whatever it was given.
const FLOOR: usize = 64 * 1024;

/// Does `work`, which must at no time hold more new memory than a floor of 64 KiB, four times its
/// `input` and what a `limit` allows, all in octets.
///
/// # Panics
/// If it does.
pub fn bounded<T>(input: usize, limit: usize, work: impl FnOnce() -> T) -> T {
    let before = PeakAlloc.current_usage();
    PeakAlloc.reset_peak_usage();
    let value = work();
    let grown = PeakAlloc.peak_usage().saturating_sub(before);
    let allowed = FLOOR + 4 * input + limit;
    assert!(grown <= allowed, "{input} octets cost {grown} of memory, and {allowed} are allowed");
    value
}

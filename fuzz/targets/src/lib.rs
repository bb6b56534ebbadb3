//! The bodies of the fuzz targets: functions of octets that panic when something does not hold.
//!
//! | who calls them | with what |
//! |---|---|
//! | `fuzz/fuzz_targets/*.rs`, built by cargo-fuzz | what libFuzzer comes up with |
//! | `tests/corpus.rs`, in `cargo test` | every file of `fuzz/corpus` |
//! | `tests/props.rs`, in `cargo test` | random octets |
//!
//! All octets are an input to every target. Randomness is a counter and time a number, so that an
//! input does the same each time.

pub mod common;

/// Declares the targets and the table of them.
macro_rules! targets {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])* pub mod $name;)*

        /// A target: octets in, a panic if something does not hold.
        pub type Target = fn(&[u8]);

        /// Every target by its name.
        pub const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name::run)),*];
    };
}

targets! {
    command,
    connection,
    curve_client,
    curve_inside_initiate,
    curve_inside_message,
    curve_inside_ready,
    curve_server,
    curve_stream,
    downgrade,
    endpoint,
    frame_decode,
    frame_stream,
    greeting,
    heartbeat,
    metadata,
    null_client,
    null_server,
    passwords,
    plain_client,
    plain_server,
    subscriptions,
    two_party,
    z85,
    zap_dialogue,
    zap_reply,
    zap_request,
    zpl_certificate,
}

/// What the wrapper of a target for libFuzzer consists of.
#[macro_export]
macro_rules! fuzz_target {
    ($name:ident) => {
        #[global_allocator]
        static HEAP: $crate::common::heap::PeakAlloc = $crate::common::heap::PeakAlloc;

        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name::run(data));
    };
}

#![no_main]
fuzz_targets::fuzz_target!(two_party);

#![no_main]
fuzz_targets::fuzz_target!(zap_dialogue);

#![no_main]
fuzz_targets::fuzz_target!(frame_stream);

#![no_main]
fuzz_targets::fuzz_target!(curve_server);

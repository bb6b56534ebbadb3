#![no_main]
fuzz_targets::fuzz_target!(subscriptions);

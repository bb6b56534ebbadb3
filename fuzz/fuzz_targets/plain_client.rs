#![no_main]
fuzz_targets::fuzz_target!(plain_client);

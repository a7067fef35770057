#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kernite_testing::fuzz::must_pass("journal", bytes));

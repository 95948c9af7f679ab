#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nablad_fuzz::points(data));

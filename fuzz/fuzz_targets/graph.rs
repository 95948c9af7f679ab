#![no_main]

mod processor;

libfuzzer_sys::fuzz_target!(|data: &[u8]| processor::within_a_second(nablad_fuzz::graph, data));

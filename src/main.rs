//! The nablad process.
fn main() {}

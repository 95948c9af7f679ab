//! Executable memory, and what all code refers to.

use std::sync::atomic::Ordering;

use dynasmrt::mmap::{ExecutableBuffer, MutableBuffer};

use super::ALIVE;

/// Bytes of machine code that can be run and no longer be written.
#[derive(Debug)]
pub(super) struct Code(ExecutableBuffer);

impl Code {
    /// `None` where the system does not give such memory.
    pub(super) fn of(bytes: &[u8]) -> Option<Code> {
        let mut memory = MutableBuffer::new(bytes.len()).ok()?;
        memory.set_len(bytes.len());
        memory.copy_from_slice(bytes);
        let code = memory.make_exec().ok()?;
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Some(Code(code))
    }

    /// The address of the code at an offset.
    pub(super) fn at(&self, offset: usize) -> *const u8 {
        self.0[offset..].as_ptr()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Vectors that code reads, each four times the same.
#[repr(C, align(32))]
pub(super) struct Constants([[u64; 4]; 5]);

/// Where each of them is, in bytes from the first.
pub(super) const SIGN: i32 = 0;
pub(super) const ONE: i32 = 32;
pub(super) const ZERO: i32 = 64;
pub(super) const MAGNITUDE: i32 = 96;
pub(super) const NAN: i32 = 128;

/// The sign's bit, 1, 0, all bits but the sign's, and NaN.
pub(super) static CONSTANTS: Constants =
    Constants([[1 << 63; 4], [1f64.to_bits(); 4], [0; 4], [u64::MAX >> 1; 4], [f64::NAN.to_bits(); 4]]);

/// What `r12` holds while code runs.
pub(super) fn constants() -> i64 {
    std::ptr::from_ref(&CONSTANTS) as i64
}

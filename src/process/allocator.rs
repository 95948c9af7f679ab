//! What is asked of the system's allocator, once, before there are threads.

/// Settles how glibc's allocator keeps memory; elsewhere nothing.
///
/// - It gives threads up to eight arenas a core, each of which keeps what was freed in it: after 100 s of callers of every kind
///   (`tests/trials/soak.py`, two cores) 161 MiB instead of 105 with one a core, 235 after 600 s, and no more answers for it.
/// - It hands large blocks back to the system one by one, and what compiling a large graph frees in one step the next asks for again:
///   page after page, a tenth of the time from JSON to the first answer of 10⁵ nodes. So blocks of up to 32 MiB come from an arena, and
///   an arena keeps up to as much.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn settle() {
    use std::ffi::c_int;
    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_THRESHOLD: c_int = -3;
    const M_ARENA_MAX: c_int = -8;
    const KEPT: c_int = 32 << 20;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let arenas = c_int::try_from(cores).unwrap_or(c_int::MAX);
    for (parameter, value) in [(M_ARENA_MAX, arenas), (M_TRIM_THRESHOLD, KEPT), (M_MMAP_THRESHOLD, KEPT)] {
        // SAFETY: a setting of the allocator, made before there are other threads; where it is refused all stays as it was.
        unsafe { mallopt(parameter, value) };
    }
}

/// Settles how glibc's allocator keeps memory; this one is another.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn settle() {}

//! What the compiler must not move.
#![allow(unsafe_code, reason = "an empty piece of assembly says so")]

use core::arch::asm;

/// Memory is written and read before and after this as the source says: for an interrupt on the same CPU, which sees what this CPU
/// does in order. It is no instruction; for `core`'s `compiler_fence` LLVM makes a `hwsync`, which waits for all other CPUs.
#[inline(always)]
pub fn compiler_barrier() {
    // SAFETY: no instruction; that memory is clobbered is the point.
    unsafe { asm!("", options(nostack, preserves_flags)) };
}

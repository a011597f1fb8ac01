//! Exceptions on purpose. Everything is done by instructions of our own: what a compiler makes of a wrong access is anything.
#![allow(
    unsafe_code,
    reason = "instructions that are none, and addresses that are nobody's"
)]

use core::arch::asm;
use core::hint::black_box;

/// Executes a word that is no instruction on any processor.
pub fn illegal_instruction() {
    // SAFETY: the exception is what the caller wants; if its handler returns, nothing has changed.
    unsafe { asm!(".long 0") };
}

/// Loads the doubleword at `address`, wherever that is.
///
/// # Safety
/// What is there, if anything is, may be read: nothing happens by it.
pub unsafe fn load(address: u64) -> u64 {
    let value;
    // SAFETY: as the caller says; if there is an exception and its handler returns, nothing has changed.
    unsafe {
        asm!("ld {}, 0({})", out(reg) value, in(reg_nonzero) address, options(nostack, preserves_flags))
    };
    value
}

/// Stores a doubleword at `address`, wherever that is.
///
/// # Safety
/// What is there, if anything is, may be overwritten.
pub unsafe fn store(address: u64, value: u64) {
    // SAFETY: as the caller says.
    unsafe {
        asm!("std {}, 0({})", in(reg) value, in(reg_nonzero) address, options(nostack, preserves_flags))
    };
}

/// Goes to `address` as if there were a function, which returns to the caller.
///
/// # Safety
/// Nobody can say what happens, unless there is an exception.
pub unsafe fn jump(address: u64) -> ! {
    // SAFETY: as the caller says.
    unsafe { asm!("mtctr {0}", "mr %r12, {0}", "bctr", in(reg) address, options(noreturn)) }
}

/// Calls itself so often that no stack is enough, if `depth` is what it takes.
#[inline(never)]
pub fn overflow_stack(depth: u64) -> u64 {
    match black_box(depth) {
        0 => 0,
        depth => overflow_stack(depth - 1) + black_box(depth),
    }
}

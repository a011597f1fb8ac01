//! The registers that a walk from here starts with, and the words of the stacks that it reads.
#![allow(unsafe_code, reason = "reads r1, and words of stacks by their address")]

use core::arch::asm;

/// An address in the function that this is inlined into, and r1 there.
#[inline(always)]
pub fn capture() -> (u64, u64) {
    let (address, stack_pointer): (u64, u64);
    // SAFETY: reads two registers; LR, through which the first is read, is declared as written.
    unsafe {
        asm!(
            "bcl 20,31,2f", "2:", "mflr {address}", "mr {stack_pointer},1",
            address = out(reg) address, stack_pointer = out(reg) stack_pointer,
            out("lr") _, options(nomem, nostack, preserves_flags)
        )
    };
    (address, stack_pointer)
}

/// Reads the doubleword at `address`.
///
/// # Safety
/// `address` is a multiple of 8 inside a stack, or another piece of memory, that lives.
pub unsafe fn read(address: u64) -> u64 {
    // SAFETY: as the caller says. Volatile: r1 owns stacks, not Rust.
    unsafe { (address as *const u64).read_volatile() }
}

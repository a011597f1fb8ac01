//! An exception on purpose.
#![allow(unsafe_code, reason = "the instruction is none")]

use core::arch::asm;

/// Executes a word that is no instruction on any processor.
pub fn illegal_instruction() {
    // SAFETY: the exception is what the caller wants; if its handler returns, nothing has changed.
    unsafe { asm!(".long 0") };
}

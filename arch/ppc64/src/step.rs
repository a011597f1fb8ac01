//! Single step: MSR\[SE\], which makes the processor take a trace exception after every instruction (Power ISA 3.0B, book III, 6.5.15).
#![allow(unsafe_code, reason = "mfmsr and mtmsrd are instructions")]

use core::arch::asm;

use crate::msr;

/// Steps, or steps no more, from the next instruction on. The exception's handler itself is not stepped.
pub fn set(on: bool) {
    let value = msr::read();
    let value = if on { value | msr::SE } else { value & !msr::SE };
    // SAFETY: only SE changes; whoever turns it on has somebody who takes the exceptions.
    unsafe { asm!("mtmsrd {}", "isync", in(reg) value, options(nostack, preserves_flags)) };
}

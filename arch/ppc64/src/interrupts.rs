//! Taking interrupts or not: MSR[EE].
#![allow(unsafe_code, reason = "mfmsr and mtmsrd are instructions")]

use core::arch::asm;

use crate::msr;

/// Whether interrupts are taken.
#[inline(always)]
pub fn enabled() -> bool {
    msr::read() & msr::EE != 0
}

/// Takes no interrupts from here on; answers whether they were taken before.
#[inline(always)]
pub fn disable() -> bool {
    let before = enabled();
    set(msr::RI);
    before
}

/// Takes interrupts from here on.
#[inline(always)]
pub fn enable() {
    set(msr::EE | msr::RI);
}

/// `mtmsrd` with L=1 writes EE and RI and nothing else (Power ISA 3.0B, book III, 4.4.2).
#[inline(always)]
fn set(bits: u64) {
    // SAFETY: code that must not be interrupted holds a lock, and the lock restores what it found; memory is
    // declared clobbered, so nothing that the compiler has moves across.
    unsafe { asm!("mtmsrd {}, 1", in(reg) bits, options(nostack, preserves_flags)) };
}

/// Runs `body` with interrupts off and puts back what was before.
#[inline(always)]
pub fn without<R>(body: impl FnOnce() -> R) -> R {
    let before = disable();
    let result = body();
    if before {
        enable();
    }
    result
}

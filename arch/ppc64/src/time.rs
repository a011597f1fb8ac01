//! The timebase and the decrementer.
#![allow(unsafe_code, reason = "mftb and mtdec are instructions")]
use core::arch::asm;

/// The timebase: ticks since power-on, 512 MHz on every machine that we boot on.
#[inline(always)]
pub fn timebase() -> u64 {
    let ticks;
    // SAFETY: reads one register.
    unsafe { asm!("mftb {}", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
    ticks
}

/// Ticks of the timebase a second.
pub const TICKS_PER_SECOND: u64 = 512_000_000;

/// Asks for a decrementer exception in `ticks` of the timebase.
pub fn set_decrementer(ticks: u32) {
    // SAFETY: the decrementer only raises its exception, which the kernel takes.
    unsafe { asm!("mtdec {}", in(reg) u64::from(ticks), options(nomem, nostack, preserves_flags)) };
}

/// Lets no decrementer exception come for as long as it can be: 4 s where the decrementer has 32 bits, and no more than that
/// is counted on. Whoever wants none at all does this again when one comes.
pub fn silence_decrementer() {
    set_decrementer(i32::MAX as u32);
}

/// Executes `count` instructions in a loop, of which there is at least one; calling this takes a few more, always the same.
pub fn count_down(count: u64) {
    // SAFETY: a branch to itself until CTR is 0 changes nothing but CTR.
    unsafe {
        asm!("mtctr {}", "1: bdnz 1b", in(reg) count.max(1), out("ctr") _, options(nomem, nostack, preserves_flags))
    };
}

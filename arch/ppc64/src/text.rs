//! Writing instructions: one aligned word at a time, seen by the instruction fetch when the call returns.
#![allow(
    unsafe_code,
    reason = "stores into code, and the cache instructions that make them count"
)]

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

/// Writes one instruction word and makes this CPU fetch it (Power ISA 3.0B, book II, 1.9: `dcbst; sync; icbi; isync`).
///
/// # Safety
/// `address` is a multiple of 4 in memory that holds code or is about to, and whatever may execute
/// there now is right with the old word, with the new word, and with neither in between.
pub unsafe fn write_word(address: u64, word: u32) {
    // SAFETY: the caller says that the address is ours to write; an aligned word store is atomic.
    unsafe { AtomicU32::from_ptr(address as *mut u32) }.store(word, Ordering::Release);
    flush(address, 4);
}

/// Reads one instruction word.
///
/// # Safety
/// `address` is a multiple of 4 in memory that can be read.
pub unsafe fn read_word(address: u64) -> u32 {
    // SAFETY: as the caller says.
    unsafe { AtomicU32::from_ptr(address as *mut u32) }.load(Ordering::Relaxed)
}

/// Makes this CPU fetch what was stored to `length` bytes from `address` on.
pub fn flush(address: u64, length: u64) {
    /// The smallest block of any POWER processor since POWER4 is 128 bytes; half of it is right for all.
    const BLOCK: u64 = 64;
    let first = address & !(BLOCK - 1);
    for block in (first..address + length).step_by(BLOCK as usize) {
        // SAFETY: writes a block back to memory; changes nothing that a program can see.
        unsafe { asm!("dcbst 0, {}", in(reg) block, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("sync", options(nostack, preserves_flags)) };
    for block in (first..address + length).step_by(BLOCK as usize) {
        // SAFETY: drops a block of the instruction cache; changes nothing that a program can see.
        unsafe { asm!("icbi 0, {}", in(reg) block, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("sync", "isync", options(nostack, preserves_flags)) };
}

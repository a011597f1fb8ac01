//! Writing instructions: one aligned word at a time, seen by the instruction fetch when the call returns. Everything that
//! writes to code does it through here, since code is mapped without the right to.
#![allow(
    unsafe_code,
    reason = "stores into code, and the cache instructions that make them count"
)]

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use kernel_core::radix::PAGE_SIZE;

use crate::interrupts;
use crate::mmu::window::Window;

/// Writes one instruction word and makes this CPU fetch it (Power ISA 3.0B, book II, 1.9: `dcbst; sync; icbi; isync`).
///
/// # Safety
/// `address` is a multiple of 4 in memory that holds code or is about to, and whatever may execute
/// there now is right with the old word, with the new word, and with neither in between.
pub unsafe fn write_word(address: u64, word: u32) {
    // SAFETY: as the caller says.
    unsafe { write_words(address, &[word]) };
}

/// Writes instruction words, in order and each by one store, and makes this CPU fetch them.
///
/// # Safety
/// As for [`write_word`], for each of them.
pub unsafe fn write_words(address: u64, words: &[u32]) {
    let mut address = address;
    let mut rest = words;
    while !rest.is_empty() {
        let in_page = (PAGE_SIZE - address % PAGE_SIZE) as usize / 4;
        let (words, behind) = rest.split_at(in_page.min(rest.len()));
        // SAFETY: the words are in one page; the rest as the caller says.
        unsafe { write_in_page(address, words) };
        address += 4 * words.len() as u64;
        rest = behind;
    }
}

/// Writes instruction words that are anywhere, pairs of address and word, in their order and each by one store, and makes this
/// CPU fetch them. Words that follow each other in one page share a window, and all of them share the barriers.
///
/// # Safety
/// As for [`write_word`], for each of them.
pub unsafe fn write_scattered(words: &[(u64, u32)]) {
    // SAFETY: as the caller says; a word is in one block.
    unsafe { write_pieces(words, core::slice::from_ref) };
}

/// The same for pieces of several words, each of which is in one cache block; its words come in no order.
///
/// # Safety
/// As for [`write_word`], for each word.
pub unsafe fn write_blocks<const N: usize>(blocks: &[(u64, [u32; N])]) {
    // SAFETY: as the caller says.
    unsafe { write_pieces(blocks, <[u32; N]>::as_slice) };
}

/// Writes pieces of code, each of which is in one cache block.
///
/// # Safety
/// As for [`write_word`], for each word.
#[inline(always)]
unsafe fn write_pieces<W>(pieces: &[(u64, W)], words: impl Fn(&W) -> &[u32]) {
    let page = |address: u64| address & !(PAGE_SIZE - 1);
    // Each with interrupts off, which must not be for long.
    const MOST: usize = 64;
    for pieces in pieces.chunk_by(|(one, _), (other, _)| page(*one) == page(*other)) {
        for pieces in pieces.chunks(MOST) {
            interrupts::without(|| {
                // SAFETY: interrupts are off, and the window closes before this returns.
                let window = unsafe { Window::open(pieces[0].0) };
                for (address, piece) in pieces {
                    let start = window.at(*address);
                    fence(Ordering::Release);
                    for (at, word) in (start..).step_by(4).zip(words(piece)) {
                        // SAFETY: the caller says that the word is ours to write; an aligned word store is atomic.
                        unsafe { AtomicU32::from_ptr(at as *mut u32) }.store(*word, Ordering::Relaxed);
                    }
                    write_back_block(start);
                }
            });
        }
    }
    barrier();
    for (address, _) in pieces {
        discard_block(*address);
    }
    barrier();
    synchronise_fetch();
}

/// # Safety
/// As for [`write_words`]; and all of the words are in one page.
unsafe fn write_in_page(address: u64, words: &[u32]) {
    let length = 4 * words.len() as u64;
    interrupts::without(|| {
        // SAFETY: interrupts are off, and the window closes before this returns.
        let window = unsafe { Window::open(address) };
        let start = window.at(address);
        for (at, word) in (start..).step_by(4).zip(words) {
            // SAFETY: the caller says that the page is ours to write; an aligned word store is atomic.
            unsafe { AtomicU32::from_ptr(at as *mut u32) }.store(*word, Ordering::Release);
        }
        // Where the stores were made: they come first by the program's order.
        write_back(start, length);
    });
    // Where the words are executed: an instruction cache may look blocks up by effective address.
    discard(address, length);
}

/// Reads one instruction word.
///
/// # Safety
/// `address` is a multiple of 4 in memory that can be read.
#[inline]
pub unsafe fn read_word(address: u64) -> u32 {
    // SAFETY: as the caller says.
    unsafe { AtomicU32::from_ptr(address as *mut u32) }.load(Ordering::Relaxed)
}

/// Makes this CPU fetch what was stored to `length` bytes from `address` on.
pub fn flush(address: u64, length: u64) {
    write_back(address, length);
    discard(address, length);
}

/// The cache blocks that `length` bytes from `address` on are in. The smallest block of any POWER processor since POWER4 is
/// 128 bytes; half of it is right for all.
fn blocks(address: u64, length: u64) -> impl Iterator<Item = u64> {
    const BLOCK: u64 = 64;
    (address & !(BLOCK - 1)..address + length).step_by(BLOCK as usize)
}

/// Stores reach the memory that instructions are fetched from.
fn write_back(address: u64, length: u64) {
    blocks(address, length).for_each(write_back_block);
    barrier();
}

/// What was fetched before is fetched again.
fn discard(address: u64, length: u64) {
    blocks(address, length).for_each(discard_block);
    barrier();
    synchronise_fetch();
}

#[inline(always)]
fn write_back_block(address: u64) {
    // SAFETY: writes a block back to memory; changes nothing that a program can see.
    unsafe { asm!("dcbst 0, {}", in(reg) address, options(nostack, preserves_flags)) };
}

#[inline(always)]
fn discard_block(address: u64) {
    // SAFETY: drops a block of the instruction cache; changes nothing that a program can see.
    unsafe { asm!("icbi 0, {}", in(reg) address, options(nostack, preserves_flags)) };
}

#[inline(always)]
fn barrier() {
    // SAFETY: a barrier.
    unsafe { asm!("sync", options(nostack, preserves_flags)) };
}

/// This CPU executes what is in memory from here on: `isync` (Power ISA 3.0B, book II, 4.6.1).
#[inline(always)]
pub fn synchronise_fetch() {
    // SAFETY: a barrier.
    unsafe { asm!("isync", options(nostack, preserves_flags)) };
}

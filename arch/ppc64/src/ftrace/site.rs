//! Writing sites and stubs. A live site changes by one aligned word, and only from the word that is expected there.
#![allow(unsafe_code, reason = "writes instructions that other threads execute")]

use core::fmt;

use super::Trampoline;
use super::stub::{BRANCH_OFFSET, StubWords, choice_words, original_words};
use crate::text;

/// A word that is not the expected one; it was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordMismatch {
    /// Where.
    pub address: u64,
    /// What should be there.
    pub expected: u32,
    /// What is there.
    pub found: u32,
}

impl fmt::Display for WordMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WordMismatch {
            address,
            expected,
            found,
        } = self;
        write!(
            f,
            "the word at {address:#x} is {found:#010x}, expected {expected:#010x}"
        )
    }
}

/// Whether the word at a site is the one that is expected there.
///
/// # Errors
/// It is another one.
///
/// # Safety
/// `site` is a site: readable text.
#[inline]
pub unsafe fn check_word(site: u64, expected: u32) -> Result<(), WordMismatch> {
    // SAFETY: as the caller says.
    let found = unsafe { text::read_word(site) };
    if found == expected {
        return Ok(());
    }
    Err(WordMismatch {
        address: site,
        expected,
        found,
    })
}

/// Writes stubs that nobody executes yet, pairs of address and words as [`stub_words`] makes them: all together.
///
/// # Safety
/// There are `STUB_SIZE` bytes at each address that are the caller's; the hook in the words is a `HookHead` that lives as long as
/// the stub.
pub unsafe fn write_stubs(stubs: &[(u64, StubWords)]) {
    // SAFETY: the caller's bytes, not executed yet; a slot is a cache block.
    unsafe { text::write_blocks(stubs) };
}

/// Writes the way to the function at `entry` that does not pass its hook; false when an address does not fit, and nothing is written.
///
/// # Safety
/// `at` has `STUB_SIZE` bytes that are the caller's; `entry` is the global entry of the function whose site is `site`, and it lives
/// as long as what is written.
pub unsafe fn write_original(at: u64, entry: u64, site: u64) -> bool {
    let mut before = heapless::Vec::<u32, 8>::new();
    for address in (entry..site).step_by(4) {
        // SAFETY: readable text: a function, from its entry to its site.
        if before.push(unsafe { text::read_word(address) }).is_err() {
            return false;
        }
    }
    let words = original_words(at, entry, &before, site);
    // SAFETY: the caller's bytes, not executed yet.
    words.is_some_and(|words| unsafe { write(at, &words) })
}

/// The same for a choice between two goals.
///
/// # Safety
/// `at` has `STUB_SIZE` bytes that are the caller's; both goals can be reached from every site that leads here.
pub unsafe fn write_choice(at: u64, goals: [u64; 2]) -> bool {
    let words = choice_words(at, goals);
    // SAFETY: the caller's bytes, not executed yet.
    words.is_some_and(|words| unsafe { write(at, &words) })
}

/// # Safety
/// The words go to memory that is the caller's, and that nobody executes yet.
unsafe fn write(at: u64, words: &[u32]) -> bool {
    // SAFETY: as the caller says.
    unsafe { text::write_words(at, words) };
    true
}

/// Address and word of the one store that leads a live stub to another trampoline; `None` when that is out of reach. All trampolines
/// take the same registers from a stub, so it is right with its old word and with the new one.
pub fn retargeted(stub: u64, trampoline: Trampoline) -> Option<(u64, u32)> {
    let at = stub + BRANCH_OFFSET;
    Some((at, kernel_core::insn::b(at, trampoline.address())?))
}

//! Writing sites and stubs. A live site changes by one aligned word, and only from the word that is expected there.
#![allow(unsafe_code, reason = "writes instructions that other threads execute")]

use core::fmt;

use super::Trampoline;
use super::stub::{BRANCH_OFFSET, ORIGINAL_OFFSET, STUB_SIZE, original_words, stub_words};
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

/// Writes a stub that nobody executes yet, for the hook of the function at `entry`; false when an address does not fit,
/// and nothing is written.
///
/// # Safety
/// `stub` has `STUB_SIZE` bytes that are the caller's; `hook` is a `HookHead` that lives as long as the stub; `entry` is
/// the global entry of the function whose site is `site`.
pub unsafe fn write_stub(stub: u64, hook: u64, trampoline: Trampoline, entry: u64, site: u64) -> bool {
    let original = stub + ORIGINAL_OFFSET;
    let mut before = heapless::Vec::<u32, 8>::new();
    for address in (entry..site).step_by(4) {
        // SAFETY: readable text: a function, from its entry to its site.
        if before.push(unsafe { text::read_word(address) }).is_err() {
            return false;
        }
    }
    let hooked = stub_words(stub, hook, trampoline.address());
    let unhooked = original_words(original, entry, &before, site);
    let (Some(hooked), Some(unhooked)) = (hooked, unhooked) else {
        return false;
    };
    let words: heapless::Vec<u32, { STUB_SIZE as usize / 4 }> = hooked.into_iter().chain(unhooked).collect();
    // SAFETY: the caller's bytes, not executed yet.
    unsafe { text::write_words(stub, &words) };
    true
}

/// Leads a live stub to another trampoline, by one store.
///
/// # Safety
/// `stub` was written by [`write_stub`].
pub unsafe fn retarget_stub(stub: u64, trampoline: Trampoline) {
    if let Some(branch) = kernel_core::insn::b(stub + BRANCH_OFFSET, trampoline.address()) {
        // SAFETY: both trampolines take the same registers from the stub, so old and new word are right at any moment.
        unsafe { text::write_word(stub + BRANCH_OFFSET, branch) };
    }
}

//! The stubs and words that change together: written in one go, with one synchronisation of all CPUs for all of them.
//!
//! What is done for each site is inlined into the loop over all of them: a function's entry and exit cost as much as its work.

use alloc::vec::Vec;

use arch::ftrace::{StubWords, Trampoline, WordMismatch, check_word, retargeted, stub_words, write_stubs};
use kernel_core::insn;

use super::stubs::{Slot, Slots};
use super::{FtraceError, Site};
use crate::{cpu, kgdb};

/// What is to be written. As long as it is not made it can be dropped, and nothing has changed.
pub(super) struct Batch {
    /// Sites hold their hooks' branches, and are written.
    is_on: bool,
    slots: Slots,
    stubs: Vec<(u64, StubWords)>,
    words: Vec<(u64, u32)>,
}

impl Batch {
    /// An empty one. `is_on`: sites hold their hooks' branches; otherwise, while hooks are turned off as a whole, all of them have
    /// their nops, and stay as they are.
    pub(super) fn new(is_on: bool, most: usize) -> Self {
        Batch {
            is_on,
            slots: Slots::default(),
            stubs: Vec::new(),
            words: Vec::with_capacity(most),
        }
    }

    /// Makes room for so many stubs.
    pub(super) fn reserve_stubs(&mut self, most: usize) {
        self.stubs.reserve_exact(most);
    }

    /// A slot for a stub; `None` when all are in use.
    #[inline(always)]
    pub(super) fn slot(&mut self) -> Option<Slot> {
        self.slots.next()
    }

    /// A stub that shows the slot's head to the trampoline that begins at `code`, and to which nothing leads before all stubs are
    /// there. The slot may have been another one's: only when all CPUs have been synchronised has none of them its old instructions
    /// any more. `None`: there is no way from it.
    #[inline(always)]
    pub(super) fn stub(&mut self, slot: &Slot, code: u64) -> Option<()> {
        let words = stub_words(slot.address(), slot.head_range().start, code)?;
        self.stubs.push((slot.address(), words));
        Some(())
    }

    /// Leads a stub that is in use to another trampoline; `None`: that is out of reach.
    pub(super) fn retarget(&mut self, slot: &Slot, trampoline: Trampoline) -> Option<()> {
        self.words.push(retargeted(slot.address(), trampoline)?);
        Some(())
    }

    /// Changes a site from one word to another, each its nop or a branch to what is complete by then.
    ///
    /// # Errors
    /// The site does not hold what it should.
    #[inline(always)]
    pub(super) fn site(&mut self, site: &Site, from: u32, to: u32) -> Result<(), FtraceError> {
        if self.is_on {
            check_site(site, from)?;
            self.words.push((site.address, to));
        }
        Ok(())
    }

    /// Makes all changes. When this returns every CPU executes what was written.
    #[allow(unsafe_code, reason = "writes stubs, and changes live sites and stubs")]
    pub(super) fn make(self) {
        if !self.stubs.is_empty() {
            // SAFETY: the slots are their hooks', and have their heads as long as they are that; nothing leads to them yet.
            unsafe { write_stubs(&self.stubs) };
        }
        if self.words.iter().any(|(_, word)| *word != insn::NOP) {
            // What they lead to may be new.
            cpu::synchronise();
        }
        if !self.words.is_empty() {
            // SAFETY: they are sites and stubs, each of which is right with its old word and with its new one: all that either leads
            // to is complete, and what the old one leads to stays for now.
            unsafe { cpu::change_words(&self.words) };
        }
    }
}

/// Whether a site holds the word that should be there, beneath a debugger's breakpoint if there is one.
#[inline(always)]
#[allow(unsafe_code, reason = "reads an instruction")]
fn check_site(site: &Site, word: u32) -> Result<(), FtraceError> {
    // SAFETY: it is a site.
    let checked = unsafe { check_word(site.address, word) };
    checked.or_else(|mismatch| match kgdb::word_beneath(site.address) {
        Some(beneath) if beneath == word => Ok(()),
        _ => Err(unexpected(site, mismatch)),
    })
}

#[cold]
#[inline(never)]
fn unexpected(site: &Site, mismatch: WordMismatch) -> FtraceError {
    FtraceError::UnexpectedWord {
        function: site.name(),
        mismatch,
    }
}

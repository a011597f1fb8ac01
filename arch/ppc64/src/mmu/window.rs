//! The page through which a CPU writes to memory that is mapped for execution: code.
//!
//! It is at the same address for each CPU, in the part of the tree that is the CPU's own. Nothing is mapped there but during
//! one write, with interrupts off; what is mapped then is one page, for reading and writing. So nobody but the writer can
//! write to code, and he only for as long as he does.
#![allow(unsafe_code, reason = "changes one entry of the CPU's own page tables")]

use core::sync::atomic::{AtomicU64, Ordering};

use kernel_core::radix::{Leaf, PAGE_SIZE, ROOT_ENTRY_COVERS, Rights};

use super::tlb;
use crate::cpu::CpuHead;
use crate::thread;

/// Where the page is, when it is.
pub const ADDRESS: u64 = ROOT_ENTRY_COVERS;

/// An open window.
pub(crate) struct Window<'a> {
    /// The window's entry in the CPU's tables; `None`: the CPU does not translate, and memory is written where it is.
    entry: Option<&'a AtomicU64>,
    process: u32,
    /// What the entry was: not 0 when a debugger writes while it has stopped another's write.
    before: u64,
    /// The page that is written.
    page: u64,
}

impl Window<'_> {
    /// Opens the CPU's window on the page that `address` is in.
    ///
    /// # Safety
    /// Interrupts are off until it closes, when it is dropped; who has opened another one on this CPU waits until then.
    pub(crate) unsafe fn open(address: u64) -> Self {
        let page = address & !(PAGE_SIZE - 1);
        // SAFETY: r13 points to the running thread's head.
        let cpu = unsafe { (*thread::current()).cpu.load(Ordering::Relaxed) };
        // SAFETY: the head of the CPU that runs the caller, which stays: interrupts are off.
        let cpu: &CpuHead = unsafe { &*cpu };
        let entry = match cpu.window_entry.load(Ordering::Relaxed) {
            0 => None,
            // SAFETY: the address of an entry of the CPU's own tables, which nobody else changes.
            entry => Some(unsafe { AtomicU64::from_ptr(entry as *mut u64) }),
        };
        let mut before = 0;
        if let Some(entry) = entry {
            let leaf = Leaf::new(page, Rights::ReadWrite);
            // Not an exchange: who is stepped never comes to its end, and nobody else writes here.
            before = entry.load(Ordering::Relaxed);
            entry.store(leaf.word().to_be(), Ordering::Relaxed);
            if before == 0 {
                tlb::entries_written();
            } else {
                tlb::forget_page_here(cpu.process(), ADDRESS);
            }
        }
        Window {
            entry,
            process: cpu.process(),
            before,
            page,
        }
    }

    /// Where the byte at `address`, which is in the page, is written.
    pub(crate) fn at(&self, address: u64) -> u64 {
        match self.entry {
            Some(_) => ADDRESS + (address - self.page),
            None => address,
        }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            entry.store(self.before, Ordering::Relaxed);
            tlb::forget_page_here(self.process, ADDRESS);
        }
    }
}

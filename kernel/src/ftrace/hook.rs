//! A site in use: its ops, its stub, and the one store that changes either.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use arch::ftrace::{
    FtraceOps, HookHead, ORIGINAL_OFFSET, OpsEntry, OpsFlags, STUB_SIZE, Trampoline, check_word,
    retarget_stub, site_word, write_stub,
};
use arch::text;
use kernel_core::insn;

use super::retired::{Retire, retire};
use super::{FtraceError, Site, stubs};
use crate::cpu;

/// A site in use.
pub(super) struct Hook {
    /// What the stub has the address of. It lives as long as the stub.
    head: Box<HookHead>,
    site: Site,
    stub: u64,
    list: List,
    trampoline: Trampoline,
    /// What the enabled site holds.
    branch: u32,
    /// The site has its nop, as long as hooks are turned off as a whole.
    is_off: bool,
}

/// The ops of a hook in the order of their calls: for us, and as the trampolines read them.
struct List {
    ops: Vec<Arc<FtraceOps>>,
    entries: Box<[OpsEntry]>,
}

impl List {
    fn new(ops: Vec<Arc<FtraceOps>>) -> Self {
        let entry = |ops: &Arc<FtraceOps>| OpsEntry {
            function: ops.function as usize as u64,
            ops: Arc::as_ptr(ops) as u64,
        };
        let entries = ops.iter().map(entry).chain([OpsEntry::END]).collect();
        List { ops, entries }
    }

    fn trampoline(&self) -> Trampoline {
        Trampoline::needed_for(
            self.ops
                .iter()
                .fold(OpsFlags::empty(), |flags, ops| flags | ops.flags),
        )
    }

    /// What a thread that goes through the list has in r30.
    fn range(&self) -> Range<u64> {
        let range = self.entries.as_ptr_range();
        range.start as u64..range.end as u64
    }
}

impl Retire for List {
    fn ranges(&self) -> Vec<Range<u64>> {
        vec![self.range()]
    }
}

impl Hook {
    /// A hook with these ops. The site is enabled when this returns; on an error nothing has changed.
    #[allow(unsafe_code, reason = "writes the stub")]
    pub(super) fn new(site: Site, ops: Vec<Arc<FtraceOps>>) -> Result<Self, FtraceError> {
        let list = List::new(ops);
        let trampoline = list.trampoline();
        let Some(stub) = stubs::allocate() else {
            return Err(FtraceError::NoStub {
                function: site.function,
            });
        };
        let head = Box::new(HookHead::new(site.address, list.entries.as_ptr()));
        let branch = site_word(site.shape, site.address, stub);
        let hook = Hook {
            head,
            site,
            stub,
            list,
            trampoline,
            branch: branch.unwrap_or(insn::NOP),
            is_off: false,
        };
        // SAFETY: the slot is ours, and the hook keeps `head` until it gives the slot back.
        let written = unsafe {
            write_stub(
                stub,
                &raw const *hook.head as u64,
                trampoline,
                hook.site.entry,
                hook.site.address,
            )
        };
        if !written || branch.is_none() {
            return Err(FtraceError::NoStub {
                function: hook.site.function.clone(),
            });
        }
        // The slot may have been another hook's stub: no CPU has its old instructions any more when the site leads there.
        cpu::synchronise();
        hook.write_site(insn::NOP, hook.branch)?;
        Ok(hook)
    }

    pub(super) fn ops(&self) -> &[Arc<FtraceOps>] {
        &self.list.ops
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// A global entry of the function that does not pass the hook. It lives as long as the hook.
    pub(super) fn original(&self) -> u64 {
        self.stub + ORIGINAL_OFFSET
    }

    /// Puts the site's nop back. Threads may still be on their way through the stub.
    pub(super) fn disable(&self) -> Result<(), FtraceError> {
        if self.is_off {
            return Ok(());
        }
        self.write_site(self.branch, insn::NOP)
    }

    /// Turns the hook on or off, while it stays what it is.
    pub(super) fn switch(&mut self, on: bool) -> Result<(), FtraceError> {
        match (self.is_off, on) {
            (true, true) => self.write_site(insn::NOP, self.branch)?,
            (false, false) => self.write_site(self.branch, insn::NOP)?,
            _ => {}
        }
        self.is_off = !on;
        Ok(())
    }

    /// Replaces the ops, of which there is at least one, by one store.
    pub(super) fn set_ops(&mut self, ops: Vec<Arc<FtraceOps>>) {
        let list = List::new(ops);
        let trampoline = list.trampoline();
        // An ops that needs all registers must never get fewer: they come before it and go after it.
        if trampoline == Trampoline::AllRegisters {
            self.lead_to(trampoline);
        }
        self.head.publish(list.entries.as_ptr());
        self.lead_to(trampoline);
        retire(core::mem::replace(&mut self.list, list));
    }

    #[allow(unsafe_code, reason = "changes a live stub")]
    fn lead_to(&mut self, trampoline: Trampoline) {
        if self.trampoline != trampoline {
            cpu::change_code(|| {
                // SAFETY: the stub is this hook's, written by `write_stub`.
                unsafe { retarget_stub(self.stub, trampoline) }
            });
            self.trampoline = trampoline;
        }
    }

    /// Every CPU executes the new word when this returns.
    #[allow(unsafe_code, reason = "changes a live site")]
    fn write_site(&self, from: u32, to: u32) -> Result<(), FtraceError> {
        // SAFETY: it is a site.
        let checked = unsafe { check_word(self.site.address, from) };
        checked.map_err(|mismatch| FtraceError::UnexpectedWord {
            function: self.site.function.clone(),
            mismatch,
        })?;
        cpu::change_code(|| {
            // SAFETY: it is a site, and both its nop and its branch are right at any moment: the stub is complete.
            unsafe { text::write_word(self.site.address, to) }
        });
        Ok(())
    }
}

impl Retire for Hook {
    /// A thread on its way to the ops has its next instruction in the stub, the hook in r11 or r31, or the list in r30.
    fn ranges(&self) -> Vec<Range<u64>> {
        let head = &raw const *self.head as u64;
        vec![
            self.stub..self.stub + STUB_SIZE,
            head..head + size_of::<HookHead>() as u64,
            self.list.range(),
        ]
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        stubs::free(self.stub);
    }
}

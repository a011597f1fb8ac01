//! A site in use: its ops, its stub, and the one store that changes either.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::ftrace::{
    FtraceOps, HookHead, OpsEntry, OpsFlags, Trampoline, check_word, retarget_stub, site_word,
    write_original, write_stub,
};
use kernel_core::insn;

use super::retired::{Retire, retire};
use super::{FtraceError, Site, Slot};
use crate::{cpu, kgdb};

/// A site in use.
pub(super) struct Hook {
    site: Site,
    list: List,
    entry: Entry,
    /// A global entry of the function that does not pass the hook, once somebody has asked for it.
    original: Option<Slot>,
    /// What the enabled site holds.
    branch: u32,
    /// The site has its nop, as long as hooks are turned off as a whole.
    is_off: bool,
}

/// The way to a common trampoline.
struct Entry {
    stub: Slot,
    /// What the stub has the address of. It lives as long as the stub.
    head: Box<HookHead>,
    trampoline: Trampoline,
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
        let flags = self.ops.iter().map(|ops| ops.flags);
        Trampoline::needed_for(flags.fold(OpsFlags::empty(), OpsFlags::union), self.ops.len())
    }

    /// What an enabled site holds; `None` when what it leads to is out of reach.
    fn branch(&self, site: &Site, entry: &Entry) -> Option<u32> {
        match &self.ops[..] {
            [only] if only.direct.load(Ordering::Relaxed) != 0 => {
                insn::b(site.address, only.direct.load(Ordering::Relaxed))
            }
            _ => site_word(site.shape, site.address, entry.stub.address()),
        }
    }

    /// What a thread that goes through the list has in r30, or in the frame of a trampoline for one ops.
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

impl Entry {
    /// A new one, which nobody comes to yet. Its slot may have been another one's: only when all CPUs have been synchronised has none
    /// of them its old instructions any more, and a site may lead there.
    #[allow(unsafe_code, reason = "writes the stub")]
    fn new(site: &Site, list: &List) -> Option<Self> {
        let entry = Entry {
            stub: Slot::take()?,
            head: Box::new(HookHead::new(site.address, list.entries.as_ptr())),
            trampoline: list.trampoline(),
        };
        let (stub, head) = (entry.stub.address(), &raw const *entry.head as u64);
        // SAFETY: the slot is ours, and keeps `head` until it is given back.
        let written = unsafe { write_stub(stub, head, entry.trampoline) };
        written.then_some(entry)
    }
}

impl Hook {
    /// A hook with these ops that nothing leads to yet: as [`Entry::new`].
    pub(super) fn new(site: Site, ops: Vec<Arc<FtraceOps>>) -> Result<Self, FtraceError> {
        if kgdb::has_breakpoint_at(site.address) {
            return Err(FtraceError::Breakpoint {
                function: site.name(),
            });
        }
        let list = List::new(ops);
        let no_stub = || FtraceError::NoStub {
            function: site.name(),
        };
        let entry = Entry::new(&site, &list).ok_or_else(no_stub)?;
        let branch = list.branch(&site, &entry).ok_or_else(no_stub)?;
        Ok(Hook {
            site,
            list,
            entry,
            original: None,
            branch,
            is_off: false,
        })
    }

    /// Address and word of the change that leads the site to the hook, or no longer: for who changes many together. `None` where
    /// the site is as it should be, since hooks are turned off as a whole.
    ///
    /// # Errors
    /// The site does not hold what it should.
    pub(super) fn change(&self, on: bool) -> Result<Option<(u64, u32)>, FtraceError> {
        match on {
            true => self.change_from(insn::NOP, self.branch),
            false => self.change_from(self.branch, insn::NOP),
        }
    }

    /// The same from one word to another.
    fn change_from(&self, from: u32, to: u32) -> Result<Option<(u64, u32)>, FtraceError> {
        if self.is_off {
            return Ok(None);
        }
        self.check_site(from)?;
        Ok(Some((self.site.address, to)))
    }

    pub(super) fn ops(&self) -> &[Arc<FtraceOps>] {
        &self.list.ops
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// A global entry of the function that does not pass the hook. It lives as long as the hook. `None`: there is no room.
    #[allow(unsafe_code, reason = "writes it")]
    pub(super) fn original(&mut self) -> Option<u64> {
        if self.original.is_none() {
            let slot = Slot::take()?;
            // SAFETY: the slot is ours, and the site is the function's, which lives as long as it is hooked.
            let written = unsafe { write_original(slot.address(), self.site.entry, self.site.address) };
            cpu::synchronise();
            self.original = written.then_some(slot);
        }
        self.original.as_ref().map(Slot::address)
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

    /// Replaces the ops, of which there is at least one. Every call is shown to the old ones or to the new ones. On an error nothing
    /// has changed.
    pub(super) fn set_ops(&mut self, ops: Vec<Arc<FtraceOps>>) -> Result<(), FtraceError> {
        let list = List::new(ops);
        let needed = list.trampoline();
        if !self.entry.trampoline.serves(needed) {
            // A thread that has come to the old trampoline has fewer registers, or calls fewer ops, than the new list wants.
            let entry = Entry::new(&self.site, &list).ok_or_else(|| FtraceError::NoStub {
                function: self.site.name(),
            })?;
            cpu::synchronise();
            let old = (
                core::mem::replace(&mut self.entry, entry),
                core::mem::replace(&mut self.list, list),
            );
            if let Err(error) = self.lead() {
                let unused = core::mem::replace(&mut self.entry, old.0);
                self.list = old.1;
                drop(unused);
                return Err(error);
            }
            retire(old.0);
            retire(old.1);
            return Ok(());
        }
        self.entry.head.publish(list.entries.as_ptr());
        self.lead_to(needed);
        let old = core::mem::replace(&mut self.list, list);
        if let Err(error) = self.lead() {
            let new = core::mem::replace(&mut self.list, old);
            self.entry.head.publish(self.list.entries.as_ptr());
            retire(new);
            return Err(error);
        }
        retire(old);
        Ok(())
    }

    /// Leads the site to where it is to lead now: straight to where its only ops wants it, or to the trampoline.
    pub(super) fn lead(&mut self) -> Result<(), FtraceError> {
        let branch = self.wanted()?;
        if branch != self.branch && !self.is_off {
            // As in `Entry::new`: what it leads to is new.
            cpu::synchronise();
            self.write_site(self.branch, branch)?;
        }
        self.branch = branch;
        Ok(())
    }

    /// As [`Hook::lead`] for who changes many together, and then tells each that it [has been led](Hook::is_led): the change, if
    /// there is one.
    ///
    /// # Errors
    /// As [`Hook::lead`].
    pub(super) fn leading(&self) -> Result<Option<(u64, u32)>, FtraceError> {
        let branch = self.wanted()?;
        if branch == self.branch {
            return Ok(None);
        }
        self.change_from(self.branch, branch)
    }

    /// What [`Hook::leading`] said has been done.
    pub(super) fn is_led(&mut self) {
        if let Ok(branch) = self.wanted() {
            self.branch = branch;
        }
    }

    /// What the enabled site should hold.
    fn wanted(&self) -> Result<u32, FtraceError> {
        let branch = self.list.branch(&self.site, &self.entry);
        branch.ok_or_else(|| FtraceError::NoStub {
            function: self.site.name(),
        })
    }

    #[allow(unsafe_code, reason = "changes a live stub")]
    fn lead_to(&mut self, trampoline: Trampoline) {
        if self.entry.trampoline != trampoline {
            cpu::change_code(|| {
                // SAFETY: the stub is this hook's, written by `write_stub`.
                unsafe { retarget_stub(self.entry.stub.address(), trampoline) }
            });
            self.entry.trampoline = trampoline;
        }
    }

    #[allow(unsafe_code, reason = "reads an instruction")]
    fn check_site(&self, word: u32) -> Result<(), FtraceError> {
        // What a breakpoint stands in place of is what counts.
        let checked = match kgdb::word_beneath(self.site.address) {
            Some(beneath) if beneath == word => Ok(()),
            // SAFETY: it is a site.
            _ => unsafe { check_word(self.site.address, word) },
        };
        checked.map_err(|mismatch| FtraceError::UnexpectedWord {
            function: self.site.name(),
            mismatch,
        })
    }

    /// Every CPU executes the new word when this returns.
    #[allow(unsafe_code, reason = "changes a live site")]
    fn write_site(&self, from: u32, to: u32) -> Result<(), FtraceError> {
        self.check_site(from)?;
        // SAFETY: it is a site, and its nop and all its branches are right at any moment: what they lead to is complete.
        unsafe { cpu::change_words(&[(self.site.address, to)]) };
        Ok(())
    }
}

impl Retire for Entry {
    /// A thread on its way to the ops has its next instruction in the stub, or the hook in r11 or r31.
    fn ranges(&self) -> Vec<Range<u64>> {
        let head = &raw const *self.head as u64;
        vec![self.stub.range(), head..head + size_of::<HookHead>() as u64]
    }
}

impl Retire for Hook {
    /// Those of its parts; and who calls the original has its next instruction there.
    fn ranges(&self) -> Vec<Range<u64>> {
        let mut ranges = self.entry.ranges();
        ranges.push(self.list.range());
        ranges.extend(self.original.as_ref().map(Slot::range));
        ranges
    }
}

//! A site in use: its ops, its stub, and what changes either.

use alloc::sync::Arc;

use arch::ftrace::{FtraceOps, write_original};
use kernel_core::address_map::AddressMap;
use kernel_core::insn;
use kernel_core::ranges::Ranges;

use super::batch::Batch;
use super::list::List;
use super::{FtraceError, Retire, Site, Slot};
use crate::cpu;

/// A site in use.
pub(super) struct Hook {
    site: Site,
    list: Arc<List>,
    /// The way to the trampoline that the list needs. The head beside it is the hook's.
    stub: Slot,
    /// A global entry of the function that does not pass the hook, once somebody has asked for it.
    original: Option<Slot>,
    /// What the enabled site holds.
    branch: u32,
}

/// What a hook is to become. Nothing has changed before it is adopted, after which its batch must be made.
pub(super) struct Next {
    list: Arc<List>,
    /// A thread that has come to the old trampoline has fewer registers, or calls fewer ops, than the new list wants.
    new_stub: Option<Slot>,
    branch: u32,
}

/// What is not used any more of a hook that has changed, but by threads that are on their way.
pub(super) struct Remains {
    list: Arc<List>,
    stub: Option<Slot>,
}

/// A stub for a hook of `site` with these ops. Its head is complete; the stub is when the batch is made.
#[inline(always)]
fn new_stub(site: &Site, list: &List, batch: &mut Batch) -> Option<Slot> {
    let stub = batch.slot()?;
    stub.head().set(site.address, list.entries());
    batch.stub(&stub, list.code())?;
    Some(stub)
}

#[cold]
#[inline(never)]
fn no_stub(site: &Site) -> FtraceError {
    FtraceError::NoStub {
        function: site.name(),
    }
}

impl Hook {
    /// A hook with these ops; it is complete, and the site leads to it, when the batch is made.
    #[inline(always)]
    pub(super) fn new(site: &Site, list: Arc<List>, batch: &mut Batch) -> Result<Self, FtraceError> {
        let stub = new_stub(site, &list, batch).ok_or_else(|| no_stub(site))?;
        let branch = list.branch(site, stub.address());
        let branch = branch.ok_or_else(|| no_stub(site))?;
        batch.site(site, insn::NOP, branch)?;
        Ok(Hook {
            site: site.clone(),
            list,
            stub,
            original: None,
            branch,
        })
    }

    pub(super) fn list(&self) -> &Arc<List> {
        &self.list
    }

    pub(super) fn ops(&self) -> &[Arc<FtraceOps>] {
        self.list.ops()
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// Leads the site to the hook, or no longer.
    ///
    /// # Errors
    /// The site does not hold what it should.
    #[inline(always)]
    pub(super) fn switch(&self, on: bool, batch: &mut Batch) -> Result<(), FtraceError> {
        match on {
            true => batch.site(&self.site, insn::NOP, self.branch),
            false => batch.site(&self.site, self.branch, insn::NOP),
        }
    }

    /// The hook with these ops, of which there is at least one, and its site led to where they want it. Every call is shown to the old
    /// ones or to the new ones.
    ///
    /// # Errors
    /// There is no stub, or the site does not hold what it should.
    pub(super) fn plan(&self, list: Arc<List>, batch: &mut Batch) -> Result<Next, FtraceError> {
        let no_stub = || no_stub(&self.site);
        let (old, trampoline) = (self.list.trampoline(), list.trampoline());
        let mut new = None;
        if !old.serves(trampoline) {
            new = Some(new_stub(&self.site, &list, batch).ok_or_else(no_stub)?);
        } else if old != trampoline {
            batch.retarget(&self.stub, trampoline).ok_or_else(no_stub)?;
        }
        let stub = new.as_ref().unwrap_or(&self.stub);
        let branch = list.branch(&self.site, stub.address()).ok_or_else(no_stub)?;
        if branch != self.branch {
            batch.site(&self.site, self.branch, branch)?;
        }
        Ok(Next {
            list,
            new_stub: new,
            branch,
        })
    }

    /// Becomes what was planned. Its batch is made next, and what is left, if anything is, retired only then.
    pub(super) fn adopt(&mut self, next: Next) -> Option<Remains> {
        let is_same = Arc::ptr_eq(&self.list, &next.list);
        let stub = match next.new_stub {
            Some(stub) => Some(core::mem::replace(&mut self.stub, stub)),
            None => {
                // Both trampolines carry it, the old one and the new one.
                self.stub.head().publish(next.list.entries());
                None
            }
        };
        self.branch = next.branch;
        let remains = Remains {
            list: core::mem::replace(&mut self.list, next.list),
            stub,
        };
        (!is_same || remains.stub.is_some()).then_some(remains)
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
}

impl Retire for Remains {
    fn tell(&self, ranges: &mut Ranges) {
        self.list.tell(ranges);
        self.stub.iter().for_each(|slot| slot.tell(ranges));
    }
}

impl Retire for Hook {
    fn tell(&self, ranges: &mut Ranges) {
        self.list.tell(ranges);
        self.stub.tell(ranges);
        // Who calls the original has its next instruction there.
        self.original.iter().for_each(|slot| slot.tell(ranges));
    }
}

impl Retire for AddressMap<Hook> {
    fn tell(&self, ranges: &mut Ranges) {
        self.values().for_each(|hook| hook.tell(ranges));
    }
}

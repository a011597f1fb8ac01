//! The ops of a hook, which hooks with the same ops share.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use arch::ftrace::{FtraceOps, OpsEntry, OpsFlags, Trampoline, site_word};
use kernel_core::insn;
use kernel_core::ranges::Ranges;

use super::{Place, Retire, Site};

/// Ops in the order of their calls: for us, and as the trampolines read them. Never changed.
pub(super) struct List {
    ops: Vec<Arc<FtraceOps>>,
    entries: Box<[OpsEntry]>,
    trampoline: Trampoline,
    /// Where the trampoline begins.
    code: u64,
}

impl List {
    fn new(ops: Vec<Arc<FtraceOps>>) -> Arc<Self> {
        let entry = |ops: &Arc<FtraceOps>| OpsEntry {
            function: ops.function as usize as u64,
            ops: Arc::as_ptr(ops) as u64,
        };
        let entries = ops.iter().map(entry).chain([OpsEntry::END]).collect();
        let flags = ops.iter().map(|ops| ops.flags);
        let trampoline = Trampoline::needed_for(flags.fold(OpsFlags::empty(), OpsFlags::union), ops.len());
        Arc::new(List {
            ops,
            entries,
            trampoline,
            code: trampoline.address(),
        })
    }

    pub(super) fn ops(&self) -> &[Arc<FtraceOps>] {
        &self.ops
    }

    #[inline]
    pub(super) fn has(&self, ops: &Arc<FtraceOps>) -> bool {
        self.ops.iter().any(|other| Arc::ptr_eq(other, ops))
    }

    /// What the trampolines go through.
    pub(super) fn entries(&self) -> *const OpsEntry {
        self.entries.as_ptr()
    }

    /// The least that gives all of them what they want.
    pub(super) fn trampoline(&self) -> Trampoline {
        self.trampoline
    }

    /// Where that begins.
    pub(super) fn code(&self) -> u64 {
        self.code
    }

    /// What an enabled site holds: the way straight to where its only ops wants it, or to the stub; `None` when that is out of
    /// reach.
    #[inline(always)]
    pub(super) fn branch(&self, site: &Site, stub: u64) -> Option<u32> {
        match &self.ops[..] {
            [only] if only.direct.load(Ordering::Relaxed) != 0 => {
                insn::b(site.address, only.direct.load(Ordering::Relaxed))
            }
            _ => site_word(site.shape, site.address, stub),
        }
    }
}

impl Retire for Arc<List> {
    /// What a thread that goes through the list has in r30, or in the frame of a trampoline for one ops.
    fn tell(&self, ranges: &mut Ranges) {
        let range = self.entries.as_ptr_range();
        ranges.add(range.start as u64..range.end as u64);
    }
}

/// Makes the lists of many hooks: the same change of the same list is made once.
#[derive(Default)]
pub(super) struct Lists {
    last: Option<Change>,
}

/// The list that was changed, if there was one, by which ops, and what it became.
type Change = (Option<Arc<List>>, Arc<FtraceOps>, Arc<List>);

impl Lists {
    /// The list with an ops more.
    #[inline(always)]
    pub(super) fn with(&mut self, old: Option<&Arc<List>>, ops: &Arc<FtraceOps>, place: Place) -> Arc<List> {
        self.change(old, ops, |list| match place {
            Place::First => list.insert(0, ops.clone()),
            Place::Last => list.push(ops.clone()),
        })
    }

    /// The list without an ops.
    #[inline(always)]
    pub(super) fn without(&mut self, old: &Arc<List>, ops: &Arc<FtraceOps>) -> Arc<List> {
        self.change(Some(old), ops, |list| {
            list.retain(|other| !Arc::ptr_eq(other, ops))
        })
    }

    #[inline(always)]
    fn change(
        &mut self,
        old: Option<&Arc<List>>,
        ops: &Arc<FtraceOps>,
        change: impl FnOnce(&mut Vec<Arc<FtraceOps>>),
    ) -> Arc<List> {
        match &self.last {
            Some((from, by, to))
                if from.as_ref().map(Arc::as_ptr) == old.map(Arc::as_ptr) && Arc::ptr_eq(by, ops) =>
            {
                to.clone()
            }
            _ => self.change_first(old, ops, change),
        }
    }

    #[cold]
    #[inline(never)]
    fn change_first(
        &mut self,
        old: Option<&Arc<List>>,
        ops: &Arc<FtraceOps>,
        change: impl FnOnce(&mut Vec<Arc<FtraceOps>>),
    ) -> Arc<List> {
        let mut list = old.map_or(Vec::new(), |old| old.ops.clone());
        change(&mut list);
        let new = List::new(list);
        self.last = Some((old.cloned(), ops.clone(), new.clone()));
        new
    }
}

//! Records of `livepatch-stack`: they lie at the other end of the thread's stack, and do not name their frame.

use core::mem::{offset_of, size_of};
use core::sync::atomic::Ordering;

use arch::livepatch::{LIVEPATCH_MARKER, LivepatchRecord, ReturnDesign};
use arch::thread::ThreadHead;

use super::extent::Extent;
use crate::unwind::Reason;
use crate::unwind::memory::Stacks;

/// Bytes of a record.
const RECORD_SIZE: u64 = size_of::<LivepatchRecord>() as u64;

/// Those of a thread that a walk has not used yet.
#[derive(Clone, Debug)]
pub(in crate::unwind) struct LivepatchRecords {
    pub(in crate::unwind) unused: Extent,
    was_used: bool,
}

impl LivepatchRecords {
    /// All of a thread's; none where its pointer is none.
    pub(super) fn of(head: &ThreadHead) -> LivepatchRecords {
        let [base, high, end] =
            [&head.stack_low, &head.stack_high, &head.livepatch_sp].map(|word| word.load(Ordering::Relaxed));
        let mut records = LivepatchRecords::between(base, high);
        records.unused.begin_at(end);
        records
    }

    /// Those between two addresses.
    pub(in crate::unwind) fn between(base: u64, end: u64) -> LivepatchRecords {
        LivepatchRecords {
            unused: Extent::between(base, end, RECORD_SIZE),
            was_used: false,
        }
    }

    /// Whether one was taken.
    pub(super) fn was_used(&self) -> bool {
        self.was_used
    }

    /// The newest one, which is of the call that was made with r1 at `stack_pointer` if all before were of calls further down.
    pub(in crate::unwind) fn take(
        &mut self,
        stacks: &Stacks,
        stack_pointer: u64,
    ) -> Result<LivepatchRecord, Reason> {
        let at = self.unused.newest(stack_pointer)?;
        let word = |offset: usize| stacks.read(at + offset as u64);
        let record = LivepatchRecord {
            toc: word(offset_of!(LivepatchRecord, toc))?,
            return_address: word(offset_of!(LivepatchRecord, return_address))?,
            marker: word(offset_of!(LivepatchRecord, marker))?,
        };
        if record.marker != LIVEPATCH_MARKER {
            return Err(Reason::Overwritten {
                design: ReturnDesign::LivepatchStack,
                stack_pointer,
            });
        }
        self.unused.go_below(at);
        self.was_used = true;
        Ok(record)
    }
}

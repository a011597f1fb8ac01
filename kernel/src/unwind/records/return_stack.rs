//! Records of `return-stack`: they name their frame.
#![allow(unsafe_code, reason = "reads records by their address")]

use core::mem::{offset_of, size_of};
use core::sync::atomic::Ordering;

use arch::livepatch::ReturnRecord;
use arch::thread::{RETURN_STACK_DEPTH, ThreadHead};

use super::extent::Extent;
use crate::unwind::Reason;

/// Bytes of a record.
pub(in crate::unwind) const RECORD_SIZE: u64 = size_of::<ReturnRecord>() as u64;

/// Those of a thread that a walk has not used yet.
#[derive(Clone, Debug)]
pub(in crate::unwind) struct ReturnRecords {
    pub(in crate::unwind) unused: Extent,
}

impl ReturnRecords {
    /// All of a thread's; none where its pointer is none.
    pub(super) fn of(head: &ThreadHead) -> ReturnRecords {
        let limit = head.return_limit.load(Ordering::Relaxed);
        let mut records = ReturnRecords::between(Self::base_of(head), limit);
        records.unused.begin_at(head.return_sp.load(Ordering::Relaxed));
        records
    }

    /// Where a thread's first one is.
    pub(in crate::unwind) fn base_of(head: &ThreadHead) -> u64 {
        let limit = head.return_limit.load(Ordering::Relaxed);
        limit.saturating_sub(RETURN_STACK_DEPTH as u64 * RECORD_SIZE)
    }

    /// Those between two addresses, for who has a copy of them.
    pub(in crate::unwind) fn between(base: u64, end: u64) -> ReturnRecords {
        ReturnRecords {
            unused: Extent::between(base, end, RECORD_SIZE),
        }
    }

    /// The newest one, which must be of the call that was made with r1 at `stack_pointer`.
    pub(in crate::unwind) fn take(&mut self, stack_pointer: u64) -> Result<ReturnRecord, Reason> {
        let at = self.unused.newest(stack_pointer)?;
        // SAFETY: every word below is in the thread's return stack, which lives as long as the thread.
        let word = |offset: usize| unsafe { arch::unwind::read(at + offset as u64) };
        let record = ReturnRecord {
            return_address: word(offset_of!(ReturnRecord, return_address)),
            toc: word(offset_of!(ReturnRecord, toc)),
            toc_save: word(offset_of!(ReturnRecord, toc_save)),
            stack_pointer: word(offset_of!(ReturnRecord, stack_pointer)),
        };
        if record.stack_pointer != stack_pointer {
            return Err(Reason::NoRecord { stack_pointer });
        }
        self.unused.go_below(at);
        Ok(record)
    }
}

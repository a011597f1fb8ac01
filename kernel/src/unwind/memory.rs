//! What a walk may read: words of the thread's stacks, and records of its return stack. Everything else is refused.
#![allow(unsafe_code, reason = "reads words of stacks by their address")]

use core::mem::{offset_of, size_of};
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::abi::{FRAME_HEADER_SIZE, FrameHeader, STACK_ALIGN};
use arch::livepatch::ReturnRecord;
use arch::thread::{RETURN_STACK_DEPTH, ThreadHead};

use super::Reason;
use crate::thread;

/// A thread's stacks.
#[derive(Clone, Debug)]
pub(super) struct Stacks {
    /// Its own.
    pub(super) thread: Range<u64>,
    /// Those of the CPU that runs it, in the order in which one may come on top of the other: the emergency stack, where an
    /// exception goes when the thread's cannot be used, and the reset stack. Empty for a thread that does not run.
    pub(super) cpu: [Range<u64>; 2],
}

impl Stacks {
    /// Those of a thread. `running`: it is the one that runs here.
    pub(super) fn of(head: &ThreadHead, running: bool) -> Stacks {
        let range = head.stack_low.load(Ordering::Relaxed)..head.stack_high.load(Ordering::Relaxed);
        Stacks {
            // Before there are threads, r13's head knows no stack, and r1 is on the boot stack.
            thread: if range.end == 0 {
                arch::start::boot_stack()
            } else {
                range
            },
            cpu: if running {
                let cpu = thread::current_cpu_head();
                [cpu.emergency_stack(), cpu.reset_stack()]
            } else {
                [0..0, 0..0]
            },
        }
    }

    /// Every stack, in the order in which an exception can leave one for another.
    fn all(&self) -> impl Iterator<Item = &Range<u64>> {
        core::iter::once(&self.thread).chain(&self.cpu)
    }

    /// The stack that has `size` bytes from `address` on.
    fn of_address(&self, address: u64, size: usize) -> Result<&Range<u64>, Reason> {
        let fits = |stack: &&Range<u64>| stack.contains(&address) && stack.end - address >= size as u64;
        let stack = self.all().find(fits);
        stack.ok_or(Reason::OutsideStacks {
            stack_pointer: address,
        })
    }

    /// Whether `size` bytes from `stack_pointer` on are a frame's.
    pub(super) fn check(&self, stack_pointer: u64, size: usize) -> Result<(), Reason> {
        if !stack_pointer.is_multiple_of(STACK_ALIGN as u64) {
            return Err(Reason::Misaligned { stack_pointer });
        }
        self.of_address(stack_pointer, size).map(|_| ())
    }

    /// A word of a stack.
    pub(super) fn read(&self, address: u64) -> Result<u64, Reason> {
        if !address.is_multiple_of(8) {
            return Err(Reason::Misaligned {
                stack_pointer: address,
            });
        }
        self.of_address(address, 8)?;
        // SAFETY: the address is a multiple of 8 inside a stack, which lives as long as the thread, whom the caller holds.
        Ok(unsafe { arch::unwind::read(address) })
    }

    /// The frame that a frame's back chain points to. Frames go up.
    pub(super) fn back_chain(&self, stack_pointer: u64) -> Result<u64, Reason> {
        self.check(stack_pointer, FRAME_HEADER_SIZE)?;
        let caller = self.read(stack_pointer + offset_of!(FrameHeader, back_chain) as u64)?;
        self.rises(stack_pointer, caller)?;
        Ok(caller)
    }

    /// Whether a frame can be called from another: above it on the same stack, or back on one that an exception has left.
    pub(super) fn rises(&self, from: u64, to: u64) -> Result<(), Reason> {
        self.check(to, FRAME_HEADER_SIZE)?;
        let place = |address| self.all().position(|stack| stack.contains(&address));
        let (from_place, to_place) = (place(from), place(to));
        if to_place < from_place || to_place == from_place && to > from {
            return Ok(());
        }
        Err(Reason::BackChain {
            stack_pointer: from,
            back_chain: to,
            expected: from + FRAME_HEADER_SIZE as u64,
        })
    }

    /// Where the outermost frame of the thread's stack is.
    pub(super) fn outermost(&self) -> u64 {
        self.thread.end - FRAME_HEADER_SIZE as u64
    }
}

/// The records of a thread's return stack that a walk has not used yet.
#[derive(Clone, Debug)]
pub(super) struct ReturnRecords {
    base: u64,
    /// The end of the newest one.
    cursor: u64,
}

/// Bytes of a record.
pub(super) const RECORD_SIZE: u64 = size_of::<ReturnRecord>() as u64;

impl ReturnRecords {
    /// All of a thread's.
    pub(super) fn of(head: &ThreadHead) -> ReturnRecords {
        let limit = head.return_limit.load(Ordering::Relaxed);
        let base = limit.saturating_sub(RETURN_STACK_DEPTH as u64 * RECORD_SIZE);
        let cursor = head.return_sp.load(Ordering::Relaxed);
        let is_sound = (base..=limit).contains(&cursor) && (cursor - base).is_multiple_of(RECORD_SIZE);
        ReturnRecords {
            base,
            cursor: if is_sound { cursor } else { base },
        }
    }

    /// Leaves the newest record out if its end is at `end`: it is not complete.
    pub(super) fn leave_out(&mut self, end: u64) {
        if self.cursor == end && self.cursor > self.base {
            self.cursor -= RECORD_SIZE;
        }
    }

    /// The record of the call that was made with r1 at `stack_pointer`. Newer ones, of frames below, were for calls that had
    /// no need of theirs yet.
    pub(super) fn take(&mut self, stack_pointer: u64) -> Result<ReturnRecord, Reason> {
        while self.cursor > self.base {
            let at = self.cursor - RECORD_SIZE;
            // SAFETY: every word below is in the thread's return stack, which lives as long as the thread.
            let word = |offset: usize| unsafe { arch::unwind::read(at + offset as u64) };
            let of = word(offset_of!(ReturnRecord, stack_pointer));
            if of > stack_pointer {
                break;
            }
            self.cursor = at;
            if of == stack_pointer {
                return Ok(ReturnRecord {
                    return_address: word(offset_of!(ReturnRecord, return_address)),
                    toc: word(offset_of!(ReturnRecord, toc)),
                    toc_save: word(offset_of!(ReturnRecord, toc_save)),
                    stack_pointer,
                });
            }
        }
        Err(Reason::NoRecord { stack_pointer })
    }
}

//! What a walk may read: words of the thread's stacks, and of its CPU's. Everything else is refused.
#![allow(unsafe_code, reason = "reads words of stacks by their address")]

use core::mem::offset_of;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::abi::{FRAME_HEADER_SIZE, FrameHeader, RED_ZONE, STACK_ALIGN};
use arch::cpu::CpuHead;
use arch::entry::EXCEPTION_FRAME_SIZE;
use arch::thread::ThreadHead;

use super::Reason;

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
    /// Those of a thread, and of the CPU that runs it.
    pub(super) fn of(head: &ThreadHead, cpu: Option<&CpuHead>) -> Stacks {
        let range = head.stack_low.load(Ordering::Relaxed)..head.stack_high.load(Ordering::Relaxed);
        Stacks {
            // Before there are threads, r13's head knows no stack, and r1 is on the boot stack.
            thread: if range.end == 0 {
                arch::start::boot_stack()
            } else {
                range
            },
            cpu: cpu.map_or([0..0, 0..0], |cpu| [cpu.emergency_stack(), cpu.reset_stack()]),
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

    /// Whether an exception's frame is where the entry code puts one: below the interrupted function's red zone, or on top of
    /// one of the CPU's own stacks.
    pub(super) fn check_exception_frame(
        &self,
        frame: u64,
        interrupted: u64,
        back_chain: u64,
    ) -> Result<(), Reason> {
        self.check(frame, EXCEPTION_FRAME_SIZE)?;
        let room = (EXCEPTION_FRAME_SIZE + RED_ZONE) as u64;
        let below = interrupted.wrapping_sub(room) & !(STACK_ALIGN as u64 - 1);
        let is_top = |stack: &Range<u64>| frame == stack.end.wrapping_sub(EXCEPTION_FRAME_SIZE as u64);
        if back_chain == interrupted && (frame == below || self.cpu.iter().any(is_top)) {
            Ok(())
        } else {
            Err(Reason::ExceptionFrame { address: frame })
        }
    }

    /// Where the outermost frame of the thread's stack is.
    pub(super) fn outermost(&self) -> u64 {
        self.thread.end - FRAME_HEADER_SIZE as u64
    }
}

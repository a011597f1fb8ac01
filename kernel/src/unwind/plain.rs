//! A first look at a thread that is in a call in each of its frames: a dozen instructions for each, where the walk by the tables
//! takes a thousand.
#![allow(unsafe_code, reason = "reads stacks by their addresses")]

use core::mem::offset_of;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::abi::{FRAME_HEADER_SIZE, FrameHeader, STACK_ALIGN};
use arch::image;
use arch::thread::{SWITCH_FRAME_SIZE, ThreadHead};

use crate::cpu::World;
use crate::thread::{self, Thread};

/// Whether a thread, which is not the caller's, plainly sleeps outside of `functions` and of all that is never hooked. If not,
/// only its trace can tell.
///
/// A thread that has given its CPU away by itself is in a call in each of its frames, so the header of the frame above has the
/// return address and the back chain (ELFv2 2.2.2). Where that is not all of the truth, a return address leads to assembly: to
/// the entry of exceptions, to a return helper, to the graph tracer's; and then the answer is no.
pub(crate) fn is_plainly_outside(world: &World, thread: &Thread, functions: &[Range<u64>]) -> bool {
    if world.interrupted(thread).is_some() {
        return false;
    }
    let head = thread.head();
    let frame = head.saved_stack_pointer.load(Ordering::Relaxed);
    let is_switch = |stack: &Stack| {
        let size = SWITCH_FRAME_SIZE as u64;
        stack.contains(frame) && stack.back_chain(frame) == frame + size
    };
    Stack::of(head).is_some_and(|stack| is_switch(&stack) && stack.is_outside(frame, functions))
}

/// The same for the caller's thread, from the caller on.
#[inline(never)]
pub(crate) fn am_plainly_outside(functions: &[Range<u64>]) -> bool {
    let (_, frame) = arch::unwind::capture();
    let stack = Stack::of(thread::current_head());
    stack.is_some_and(|stack| stack.contains(frame) && stack.is_outside(frame, functions))
}

/// A thread's own stack.
struct Stack {
    low: u64,
    /// Where the outermost frame is.
    outermost: u64,
}

impl Stack {
    fn of(head: &ThreadHead) -> Option<Stack> {
        let [low, high] = [&head.stack_low, &head.stack_high].map(|word| word.load(Ordering::Relaxed));
        let outermost = high.checked_sub(FRAME_HEADER_SIZE as u64)?;
        Some(Stack { low, outermost })
    }

    fn contains(&self, frame: u64) -> bool {
        (self.low..=self.outermost).contains(&frame) && frame.is_multiple_of(STACK_ALIGN as u64)
    }

    /// The word at this offset in the header of a frame that it contains.
    fn header(&self, frame: u64, offset: usize) -> u64 {
        // SAFETY: a multiple of 8 in the thread's stack, which lives as long as the thread.
        unsafe { arch::unwind::read(frame + offset as u64) }
    }

    fn back_chain(&self, frame: u64) -> u64 {
        self.header(frame, offset_of!(FrameHeader, back_chain))
    }

    /// Whether all functions above this frame's are outside.
    fn is_outside(&self, mut frame: u64, functions: &[Range<u64>]) -> bool {
        // What can be hooked: the kernel, and what modules and cases share. Everything else that is met is assembly or a stub.
        let [kernel, others] = [
            image::notrace().end..image::text().end,
            image::noinit().start..image::cases().end,
        ];
        let is_inside = |address: &u64| functions.iter().any(|function| function.contains(address));
        loop {
            let above = self.back_chain(frame);
            // It is above `frame`, which the stack contains.
            if above <= frame || above > self.outermost || !above.is_multiple_of(STACK_ALIGN as u64) {
                return false;
            }
            frame = above;
            let inside = self
                .header(frame, offset_of!(FrameHeader, lr_save))
                .wrapping_sub(4);
            if !kernel.contains(&inside) && !others.contains(&inside) {
                // Where every stack ends: in the code that starts a thread.
                let assembly = image::text().start..image::notrace().end;
                let is_end = frame == self.outermost && self.back_chain(frame) == 0;
                return assembly.contains(&inside) && is_end && !is_inside(&inside);
            }
            if is_inside(&inside) {
                return false;
            }
        }
    }
}

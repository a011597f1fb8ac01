//! Where a walk begins.
#![allow(unsafe_code, reason = "a thread's head names the CPU that runs it by address")]

use core::mem::offset_of;
use core::sync::atomic::Ordering;

use arch::abi::FrameHeader;
use arch::entry::ExceptionFrame;
use arch::thread::{SWITCH_FRAME_SIZE, ThreadHead, start_address};

use super::memory::Stacks;
use super::records::Records;
use super::trace::{Live, Position, Trace};
use super::{Kind, Reason, tables};
use crate::cpu::World;
use crate::ftrace::GraphStack;
use crate::thread::{self, Thread};

/// The callers of the function that calls this, innermost first.
#[inline(never)]
pub fn here() -> Trace<'static> {
    let (address, stack_pointer) = arch::unwind::capture();
    let head = thread::current_head();
    let position = Position {
        // As if the instruction before had called.
        address: address + 4,
        stack_pointer,
        kind: Kind::Call,
        live: None,
    };
    let records = Records::of(head, thread::current_graph_stack());
    let mut trace = Trace::new(stacks_of_running(head), records, Ok(position), None);
    // This function's own frame, and its caller's: what is wanted begins above them.
    trace.next();
    trace.next();
    trace
}

/// What an exception interrupted, and its callers. The exception is of the running thread.
pub fn trace_from(frame: &ExceptionFrame) -> Trace<'static> {
    of_interrupted(thread::current_head(), thread::current_graph_stack(), frame)
}

/// The same for a thread that a CPU runs, this one or another, and that is stopped in the exception whose frame this is.
/// Whoever asks sees to it that it stays there meanwhile.
pub fn trace_parked<'a>(thread: &'a Thread, frame: &ExceptionFrame) -> Trace<'a> {
    of_interrupted(thread.head(), Some(&thread.graph), frame)
}

/// The functions that a thread, other than the caller's, is in, innermost first.
pub fn trace_other<'a>(world: &World, thread: &'a Thread) -> Trace<'a> {
    match world.interrupted(thread) {
        None => trace_thread(thread),
        Some(frame) => trace_parked(thread, frame),
    }
}

/// The functions that a thread which does not run is in, innermost first. Whoever asks sees to it that it does not run
/// meanwhile: interrupts are off, or the thread is held in some other way.
pub fn trace_thread(thread: &Thread) -> Trace<'_> {
    let head = thread.head();
    let frame = head.saved_stack_pointer.load(Ordering::Relaxed);
    let records = Records::of(head, Some(&thread.graph));
    of_sleeping(Stacks::of(head, None), records, frame)
}

/// The stacks of a thread that runs, and those of its CPU.
fn stacks_of_running(head: &ThreadHead) -> Stacks {
    let cpu = head.cpu.load(Ordering::Relaxed);
    // SAFETY: null, or the head of a CPU, and CPUs never go.
    Stacks::of(head, unsafe { cpu.as_ref() })
}

fn of_interrupted<'a>(head: &ThreadHead, graph: Option<&'a GraphStack>, frame: &ExceptionFrame) -> Trace<'a> {
    let stacks = stacks_of_running(head);
    let mut records = Records::of(head, graph);
    records.begin_at(frame.gpr[1], frame.return_sp, frame.livepatch_sp);
    let live = Live {
        lr: frame.lr,
        gpr: frame.gpr,
    };
    let position = Position {
        address: frame.nip,
        stack_pointer: frame.gpr[1],
        kind: Kind::Interrupted { vector: frame.vector },
        live: Some(live),
    };
    let back_chain = frame.header.back_chain;
    let doubt = stacks.check_exception_frame(frame as *const _ as u64, frame.gpr[1], back_chain);
    Trace::new(stacks, records, Ok(position), doubt.err())
}

/// From the frame that thread_switch has put on a stack.
pub(super) fn of_sleeping<'a>(stacks: Stacks, records: Records<'a>, frame: u64) -> Trace<'a> {
    // Where thread_switch returns to is in the header of the frame above.
    let expected = frame.wrapping_add(SWITCH_FRAME_SIZE as u64);
    let first = stacks.back_chain(frame).and_then(|stack_pointer| {
        if stack_pointer != expected {
            return Err(Reason::BackChain {
                stack_pointer: frame,
                back_chain: stack_pointer,
                expected,
            });
        }
        let address = stacks.read(stack_pointer + offset_of!(FrameHeader, lr_save) as u64)?;
        let kind = if address == start_address() {
            Kind::NeverRan
        } else {
            Kind::Call
        };
        if kind == Kind::Call {
            tables::check_return_address(address)?;
        }
        Ok(Position {
            address,
            stack_pointer,
            kind,
            live: None,
        })
    });
    Trace::new(stacks, records, first, None)
}

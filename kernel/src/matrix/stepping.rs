//! A patched call, stopped before every single instruction from A's `bl` to the instruction after it.
//!
//! At each stop one of three things happens: somebody checks what must always hold; another thread makes the same call; or an
//! interrupt handler makes it, on the very thread that was stopped.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::mem::offset_of;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::abi::{FrameHeader, STACK_ALIGN};
use arch::entry::ExceptionFrame;

use super::players::CallA;
use super::stage::{MILLISECOND, Stage, judge};
use super::subjects::Seen;
use super::{Outcome, Wrong};
use crate::thread::{self, Builder};
use crate::{step, symbols, unwind};

type Cell = Result<Outcome, String>;

/// What a stepped call may take; each stop costs thousands of instructions.
const TIME_LIMIT: u64 = 5000 * MILLISECOND;

/// Stops of all cells of this boot.
static STOPS: AtomicU64 = AtomicU64::new(0);

/// How often a call was stopped in this boot.
pub fn stops() -> u64 {
    STOPS.load(Ordering::Relaxed)
}

/// A's side of the call that is stepped.
#[derive(Clone, Copy)]
struct Call {
    /// A's r1, which does not change in A's body.
    stack_pointer: u64,
    /// The instruction after the call.
    return_address: u64,
}

/// Follows one call of A.
struct Follower {
    /// A's code.
    a: Range<u64>,
    call: Option<Call>,
    is_over: bool,
    stops: u64,
}

impl Follower {
    fn new(a: Range<u64>) -> Self {
        Follower {
            a,
            call: None,
            is_over: false,
            stops: 0,
        }
    }

    /// Whether the stop is part of the call: from A's first call instruction to the one after it, both included.
    fn is_inside(&mut self, frame: &ExceptionFrame) -> Option<Call> {
        if self.is_over {
            return None;
        }
        if self.call.is_none() && self.a.contains(&frame.nip) && is_call(word_at(frame.nip)) {
            self.call = Some(Call {
                stack_pointer: frame.gpr[1],
                return_address: frame.nip + 4,
            });
        }
        let call = self.call?;
        self.is_over = frame.nip == call.return_address && frame.gpr[1] == call.stack_pointer;
        self.stops += 1;
        STOPS.fetch_add(1, Ordering::Relaxed);
        Some(call)
    }
}

/// `bl` or `bctrl`.
fn is_call(word: u32) -> bool {
    kernel_core::insn::is_bl(word) || word == kernel_core::insn::BCTRL
}

#[allow(unsafe_code, reason = "reads text and the thread's own stack")]
fn word_at(address: u64) -> u32 {
    // SAFETY: the stepped thread's next instruction, or a word of its stack that was checked to be one.
    unsafe { arch::text::read_word(address) }
}

fn doubleword_at(address: u64) -> u64 {
    u64::from(word_at(address)) | u64::from(word_at(address + 4)) << 32
}

/// Calls A in a thread, stopped before every instruction; `look` is asked at each stop inside the call.
fn stepped(
    a: CallA,
    range: Range<u64>,
    mut look: impl FnMut(&ExceptionFrame, Call) -> Result<(), Wrong> + Send + 'static,
) -> (Outcome, Option<Wrong>) {
    let result = Builder::new("A, stepped").time_limit(TIME_LIMIT).spawn(move || {
        let mut seen = Seen::default();
        let mut follower = Follower::new(range);
        let mut first_fault = None;
        let mut observer = |frame: &mut ExceptionFrame| {
            if let Some(call) = follower.is_inside(frame)
                && let Err(wrong) = look(frame, call)
            {
                first_fault.get_or_insert((wrong, frame.nip));
            }
        };
        step::run(&mut observer, || a(&mut seen));
        (seen, first_fault, follower.is_over, follower.stops)
    });
    match result.join() {
        // Fewer stops than a patched call has instructions: the call was not followed at all.
        Ok((_, _, is_over, stops)) if !is_over || stops < 20 => (Outcome::Wrong(Wrong::Events), None),
        Ok((seen, first_fault, _, _)) => {
            if let Some((wrong, nip)) = first_fault {
                log::info!("first at {:#x}: {wrong:?}", nip);
            }
            (judge(Ok(seen)), first_fault.map(|(wrong, _)| wrong))
        }
        Err(outcome) => (judge(Err(outcome)), None),
    }
}

/// The address range of the stage's A.
fn range_of(a: CallA) -> Result<Range<u64>, String> {
    range_at(a as usize as u64)
}

/// The address range of the function that begins at `address`.
fn range_at(address: u64) -> Result<Range<u64>, String> {
    let mut range = None;
    symbols::resolve(address, &mut |location| {
        range = Some(address..address + location.size)
    });
    range.ok_or_else(|| "a function has no symbol".to_string())
}

/// What holds at every instruction: r1 is aligned and in the thread's stack, not above A's, and the back chain leads from it
/// up to A's frame.
fn check_stack(frame: &ExceptionFrame, call: Call) -> Result<(), Wrong> {
    let head = thread::current_head();
    let stack = head.stack_low.load(Ordering::Relaxed)..head.stack_high.load(Ordering::Relaxed);
    let mut stack_pointer = frame.gpr[1];
    while stack_pointer != call.stack_pointer {
        let is_sound = stack.contains(&stack_pointer) && stack_pointer.is_multiple_of(STACK_ALIGN as u64);
        if !is_sound || stack_pointer > call.stack_pointer {
            return Err(Wrong::Stack);
        }
        let next = doubleword_at(stack_pointer);
        if next <= stack_pointer {
            return Err(Wrong::Stack);
        }
        stack_pointer = next;
    }
    Ok(())
}

/// Whether the unwinder finds A, at its call or at the instruction after it and in A's frame, and behind it A's caller.
fn check_trace(frame: &ExceptionFrame, call: Call) -> Result<(), Wrong> {
    // A has a frame, so its caller's frame is where A's back chain points, with the return address into the caller in it.
    let callers_frame = doubleword_at(call.stack_pointer);
    let into_caller = doubleword_at(callers_frame + offset_of!(FrameHeader, lr_save) as u64);
    let is_a = |found: &unwind::Frame| {
        found.stack_pointer == callers_frame
            && (found.address == call.return_address || found.address + 4 == call.return_address)
    };
    let mut trace = unwind::trace_from(frame).skip_while(|found| !is_a(found));
    let (a, caller) = (trace.next(), trace.next());
    let is_whole =
        a.is_some_and(|a| a.is_reliable()) && caller.is_some_and(|caller| caller.address == into_caller);
    if is_whole { Ok(()) } else { Err(Wrong::Hidden) }
}

/// Whether who walks the back chains, as a debugger without tables does, finds A: its return address is in a frame's header.
fn check_back_chains(frame: &ExceptionFrame, call: Call) -> Result<(), Wrong> {
    let mut stack_pointer = frame.gpr[1];
    while stack_pointer < call.stack_pointer {
        stack_pointer = doubleword_at(stack_pointer);
        if doubleword_at(stack_pointer + offset_of!(FrameHeader, lr_save) as u64) == call.return_address {
            return Ok(());
        }
    }
    Err(Wrong::Hidden)
}

/// Looks for A at every stop at which `is_asked`, in the situation `id`; r2 is no concern of its.
fn traced(
    stage: &Stage,
    id: &str,
    mut is_asked: impl FnMut(u64) -> bool + Send + 'static,
    look: fn(&ExceptionFrame, Call) -> Result<(), Wrong>,
) -> Cell {
    let a = stage.a(id)?;
    let range = range_of(a)?;
    stage.enable(&[id])?;
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let (outcome, hidden) = stepped(a, range, move |frame, call| {
        if !is_asked(frame.nip) {
            return Ok(());
        }
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        look(frame, call)
    });
    if asked.load(Ordering::Relaxed) == 0 {
        return Err(String::from("there was no such instruction"));
    }
    Ok(match (outcome, hidden) {
        (Outcome::Right | Outcome::Wrong(Wrong::Toc), Some(wrong)) => Outcome::Wrong(wrong),
        (Outcome::Right | Outcome::Wrong(Wrong::Toc), None) => Outcome::Right,
        (outcome, _) => outcome,
    })
}

/// The code of the stage's C.
fn range_of_c(stage: &Stage, id: &str) -> Result<Range<u64>, String> {
    let address = stage.c(id)?;
    range_at(address)
}

/// The unwinder is asked at every instruction of C.
pub(super) fn unwound_in_c(stage: &Stage) -> Cell {
    let c = range_of_c(stage, "local")?;
    traced(stage, "local", move |nip| c.contains(&nip), check_trace)
}

/// The unwinder is asked at every instruction between C's return and A. Under `none` there is none: it is asked in A then.
pub(super) fn unwound_in_helper(stage: &Stage) -> Cell {
    let c = range_of_c(stage, "local")?;
    let mut was_in_c = false;
    let is_asked = move |nip| {
        was_in_c |= c.contains(&nip);
        was_in_c && !c.contains(&nip)
    };
    traced(stage, "local", is_asked, check_trace)
}

/// The unwinder is asked at every instruction.
pub(super) fn unwound(stage: &Stage) -> Cell {
    traced(stage, "local", |_| true, check_trace)
}

/// Who walks back chains is asked where C has called somebody.
pub(super) fn back_chains(stage: &Stage) -> Cell {
    let c = range_of_c(stage, "non_leaf")?;
    let mut calls = false;
    let is_asked = move |nip| {
        let has_called = calls && !c.contains(&nip);
        calls = c.contains(&nip) && is_call(word_at(nip));
        has_called
    };
    traced(stage, "non_leaf", is_asked, check_back_chains)
}

/// A stepped call's outcome, and what was found at its stops: the first thing that was wrong counts.
fn worse((outcome, found): (Outcome, Option<Wrong>)) -> Outcome {
    match found {
        Some(wrong) if outcome == Outcome::Right => Outcome::Wrong(wrong),
        _ => outcome,
    }
}

/// The observer checks what must always hold.
pub(super) fn observed(stage: &Stage) -> Cell {
    let a = stage.a("local")?;
    let range = range_of(a)?;
    stage.enable(&["local"])?;
    Ok(worse(stepped(a, range, check_stack)))
}

/// Another thread makes the same call at every instruction.
pub(super) fn switched(stage: &Stage) -> Cell {
    let a = stage.a("local")?;
    let range = range_of(a)?;
    stage.enable(&["local"])?;
    Ok(worse(stepped(a, range, move |_, _| {
        let other = Builder::new("another A").time_limit(TIME_LIMIT).spawn(move || {
            let mut seen = Seen::default();
            a(&mut seen);
            seen
        });
        match judge(other.join()) {
            Outcome::Wrong(wrong) => Err(wrong),
            _ => Ok(()),
        }
    })))
}

/// An interrupt handler makes the same call at every instruction, on the thread that it has interrupted.
pub(super) fn interrupted(stage: &Stage) -> Cell {
    let a = stage.a("local")?;
    let range = range_of(a)?;
    stage.enable(&["local"])?;
    Ok(worse(stepped(a, range, move |_, _| {
        let mut seen = Seen::default();
        a(&mut seen);
        match judge(Ok(seen)) {
            Outcome::Wrong(wrong) => Err(wrong),
            _ => Ok(()),
        }
    })))
}

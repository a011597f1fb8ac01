//! The walk from a function to its caller, and on.

use core::mem::offset_of;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::abi::{FRAME_HEADER_SIZE, FrameHeader, RED_ZONE, STACK_ALIGN};
use arch::entry::{EXCEPTION_FRAME_SIZE, ExceptionFrame};
use arch::ftrace::return_to_handler_entry;
use arch::image;
use arch::livepatch::ReturnDesign;
use arch::thread::{SWITCH_FRAME_SIZE, start_address};

use super::memory::{RECORD_SIZE, ReturnRecords, Stacks};
use super::tables::{self, Answer, ReturnRule, Row};
use super::{End, Reason};
use crate::ftrace::GraphStack;
use crate::thread::{self, Thread};

/// More frames than any sound stack has: the smallest has 32 bytes, and records of calls without frame come on top.
const LIMIT: usize = 4096;

/// How a frame was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By its return address: the function called the frame before.
    Call,
    /// It is the first function of a thread that has not run yet.
    NeverRan,
    /// By a record of the return stack: it called a patched function, and that called, or is, the frame before.
    ReturnStack {
        /// Its TOC pointer, which it will get back.
        toc: u64,
    },
    /// By a record of the graph tracer: it called a traced function, and that called, or is, the frame before.
    GraphStack,
    /// It was interrupted.
    Interrupted {
        /// The exception's vector.
        vector: u64,
    },
}

/// Whether a frame is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// It is a caller of the frame before, the next one up, and nothing in between is missing.
    Reliable,
    /// It may be so. Why it is not certain.
    Unreliable(Reason),
}

/// One function on the way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where the function goes on: its return address, or the interrupted instruction.
    pub address: u64,
    /// r1 of who called it, at the call; its own where that is not known.
    pub stack_pointer: u64,
    /// How it was found.
    pub kind: Kind,
    /// Whether it is certain.
    pub reliability: Reliability,
}

impl Frame {
    /// Whether the function is certainly on the stack, with all frames before it.
    pub fn is_reliable(&self) -> bool {
        self.reliability == Reliability::Reliable
    }

    /// An address that is certainly in the function: a call may be a function's last instruction.
    pub fn address_inside(&self) -> u64 {
        match self.kind {
            Kind::Interrupted { .. } | Kind::NeverRan => self.address,
            _ => self.address.wrapping_sub(4),
        }
    }
}

/// Registers that only an interrupted function still has as it left them.
#[derive(Clone, Debug)]
struct Live {
    lr: u64,
    gpr: [u64; 32],
}

/// Where the walk stands: in a function.
#[derive(Clone, Debug)]
struct Position {
    address: u64,
    stack_pointer: u64,
    kind: Kind,
    /// Present where the function was interrupted.
    live: Option<Live>,
}

/// Where the caller of a function is.
struct Caller {
    stack_pointer: u64,
    return_address: u64,
    kind: Kind,
}

/// The frames of a thread, innermost first.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    stacks: Stacks,
    records: ReturnRecords,
    graph: Option<&'a GraphStack>,
    /// How many records of the graph stack are not used yet.
    graph_depth: usize,
    next: Option<Position>,
    doubt: Option<Reason>,
    end: Option<End>,
    left: usize,
}

/// The callers of the function that calls this, innermost first.
#[inline(never)]
pub fn here() -> Trace<'static> {
    let (address, stack_pointer) = arch::unwind::capture();
    let mut trace = of_running(Position {
        // As if the instruction before had called.
        address: address + 4,
        stack_pointer,
        kind: Kind::Call,
        live: None,
    });
    // This function's own frame, and its caller's: what is wanted begins above them.
    trace.next();
    trace.next();
    trace
}

/// What an exception interrupted, and its callers. The exception is of the running thread.
pub fn trace_from(frame: &ExceptionFrame) -> Trace<'static> {
    of_running(interrupted(
        frame.nip,
        frame.gpr[1],
        frame.vector,
        Live {
            lr: frame.lr,
            gpr: frame.gpr,
        },
    ))
}

/// The functions that a thread which does not run is in, innermost first. Whoever asks sees to it that it does not run
/// meanwhile: interrupts are off, or the thread is held in some other way.
pub fn trace_thread(thread: &Thread) -> Trace<'_> {
    let head = thread.head();
    let frame = head.saved_stack_pointer.load(Ordering::Relaxed);
    of_sleeping(
        Stacks::of(head, false),
        ReturnRecords::of(head),
        Some(&thread.graph),
        frame,
    )
}

/// From the frame that thread_switch has put on a stack.
pub(super) fn of_sleeping<'a>(
    stacks: Stacks,
    records: ReturnRecords,
    graph: Option<&'a GraphStack>,
    frame: u64,
) -> Trace<'a> {
    // Where thread_switch returns to is in the header of the frame above.
    let expected = frame.wrapping_add(SWITCH_FRAME_SIZE as u64);
    let position = stacks.back_chain(frame).and_then(|stack_pointer| {
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
        if kind == Kind::Call && !tables::is_behind_call(address) {
            return Err(Reason::OutsideText { address });
        }
        Ok(Position {
            address,
            stack_pointer,
            kind,
            live: None,
        })
    });
    let (next, end) = match position {
        Ok(position) => (Some(position), None),
        Err(reason) => (None, Some(End::Lost(reason))),
    };
    Trace {
        stacks,
        records,
        graph,
        graph_depth: graph.map_or(0, GraphStack::depth),
        next,
        doubt: None,
        end,
        left: LIMIT,
    }
}

fn interrupted(address: u64, stack_pointer: u64, vector: u64, live: Live) -> Position {
    Position {
        address,
        stack_pointer,
        kind: Kind::Interrupted { vector },
        live: Some(live),
    }
}

fn of_running(position: Position) -> Trace<'static> {
    let head = thread::current_head();
    let graph = thread::current_graph_stack();
    Trace {
        stacks: Stacks::of(head, true),
        records: ReturnRecords::of(head),
        graph,
        graph_depth: graph.map_or(0, GraphStack::depth),
        next: Some(position),
        doubt: None,
        end: None,
        left: LIMIT,
    }
}

impl Trace<'_> {
    /// Why there are no more frames; `None` while there are.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Walks to the end. Why the trace is not reliable all the way to the thread's first function, with the frames that were
    /// walked before.
    pub fn check(mut self) -> Result<(), Reason> {
        self.by_ref().for_each(drop);
        match (self.doubt, self.end) {
            (Some(reason), _) | (None, Some(End::Lost(reason))) => Err(reason),
            (None, _) => Ok(()),
        }
    }

    /// What is known of the function at a position.
    fn row(&self, position: &Position) -> Result<Row, Reason> {
        let address = position.address;
        let interrupted = position.live.is_some();
        let is_next = interrupted || position.kind == Kind::NeverRan;
        match tables::look_up(
            if is_next { address } else { address.wrapping_sub(4) },
            interrupted,
        ) {
            Answer::Row(row) => Ok(row),
            Answer::NoTable => Err(Reason::NoTable { address }),
            Answer::Unproven => Err(Reason::Unproven { address }),
            Answer::NoCode => Err(Reason::OutsideText { address }),
            Answer::Busy => Err(Reason::Busy { address }),
        }
    }

    /// r1 of the caller, by the function's row and by the back chain, which must agree.
    fn callers_stack_pointer(&self, position: &Position, row: &Row) -> Result<u64, Reason> {
        let stack_pointer = position.stack_pointer;
        self.stacks.check(stack_pointer, FRAME_HEADER_SIZE)?;
        if row.frame_size == Some(0) {
            return Ok(stack_pointer);
        }
        let back_chain = self.stacks.back_chain(stack_pointer)?;
        let expected = row
            .frame_size
            .map_or(back_chain, |size| stack_pointer.wrapping_add(size));
        if back_chain == expected {
            Ok(back_chain)
        } else {
            Err(Reason::BackChain {
                stack_pointer,
                back_chain,
                expected,
            })
        }
    }

    /// The caller of the function at a position; `None`: it is the outermost.
    fn caller(&mut self, position: &Position) -> Result<Option<Caller>, Reason> {
        let row = self.row(position)?;
        let stack_pointer = self.callers_stack_pointer(position, &row)?;
        let lost = Reason::Lost {
            address: position.address,
        };
        self.leave_out_unfinished_record(position, &row);
        let return_address = match (row.return_address, &position.live) {
            (ReturnRule::LinkRegister, Some(live)) => live.lr,
            (ReturnRule::Register(number), Some(live)) => live.gpr[usize::from(number)],
            (ReturnRule::LinkRegister | ReturnRule::Register(_), None) => return Err(lost),
            (ReturnRule::Saved(offset), _) => self.stacks.read(stack_pointer.wrapping_add_signed(offset))?,
            // Only our own assembly says so.
            (ReturnRule::Undefined, _) if row.function.contains(&start_address()) => {
                return self.outermost(stack_pointer);
            }
            (ReturnRule::Undefined, _) if row.function.contains(&image::text().start) => {
                return self.outermost(stack_pointer);
            }
            (ReturnRule::Undefined, _) if row.function.contains(&return_to_handler_entry()) => {
                self.take_graph_record_of_handler(stack_pointer)?
            }
            (ReturnRule::Undefined, _) => {
                let is_of = |design: &ReturnDesign| {
                    design
                        .helper()
                        .is_some_and(|helper| row.function.contains(&helper))
                };
                let design = ReturnDesign::ALL.into_iter().find(is_of).ok_or(lost)?;
                design.helper().ok_or(lost)?
            }
        };
        let caller = Caller {
            stack_pointer,
            return_address,
            kind: Kind::Call,
        };
        self.behind_helpers(caller).map(Some)
    }

    /// klp_enter_return_stack advances the return stack's pointer before it writes the record, and LR is A's until it calls C:
    /// whoever is interrupted in between has a record that must not be used. r11 holds where it begins.
    fn leave_out_unfinished_record(&mut self, position: &Position, row: &Row) {
        let (Some(live), Some(helper)) = (&position.live, ReturnDesign::ReturnStack.helper()) else {
            return;
        };
        if row.function.contains(&helper)
            && row.function.start < position.address
            && position.address < helper
        {
            self.records.leave_out(live.gpr[11].wrapping_add(RECORD_SIZE));
        }
    }

    fn outermost(&self, stack_pointer: u64) -> Result<Option<Caller>, Reason> {
        let back_chain = self
            .stacks
            .read(stack_pointer + offset_of!(FrameHeader, back_chain) as u64)?;
        if stack_pointer == self.stacks.outermost() && back_chain == 0 {
            Ok(None)
        } else {
            Err(Reason::NotOutermost { stack_pointer })
        }
    }

    /// Who is returned to behind the return helpers that a return address leads through. A sibling call from C to another
    /// patched function leaves more than one on the same frame.
    fn behind_helpers(&mut self, mut caller: Caller) -> Result<Caller, Reason> {
        let is = |design: ReturnDesign, address: u64| design.helper() == Some(address);
        loop {
            let address = caller.return_address;
            if is(ReturnDesign::ReturnStack, address) {
                let record = self.records.take(caller.stack_pointer)?;
                caller.return_address = record.return_address;
                caller.kind = Kind::ReturnStack { toc: record.toc };
            } else if address == return_to_handler_entry() {
                caller.return_address = self.take_graph_record(caller.stack_pointer)?;
                caller.kind = Kind::GraphStack;
            } else {
                break;
            }
        }
        for hides in [ReturnDesign::CallerFrame, ReturnDesign::LivepatchStack] {
            if is(hides, caller.return_address) {
                return Err(Reason::Hidden(hides));
            }
        }
        Ok(caller)
    }

    /// As [`ReturnRecords::take`], from the graph tracer's stack.
    fn take_graph_record(&mut self, stack_pointer: u64) -> Result<u64, Reason> {
        let missing = Reason::NoRecord { stack_pointer };
        let graph = self.graph.ok_or(missing)?;
        while let Some(index) = self.graph_depth.checked_sub(1) {
            let (return_address, of) = graph.record(index).ok_or(missing)?;
            if of > stack_pointer {
                break;
            }
            self.graph_depth = index;
            if of == stack_pointer {
                return Ok(return_address);
            }
        }
        Err(missing)
    }

    /// The same for return_to_handler itself, whose record may have been given back just now. It is where it was, unless an
    /// interrupt's has come in its place, which is of a frame further down.
    fn take_graph_record_of_handler(&mut self, stack_pointer: u64) -> Result<u64, Reason> {
        let given_back = self.graph.and_then(|graph| graph.record(self.graph_depth));
        match (self.take_graph_record(stack_pointer), given_back) {
            (Err(_), Some((return_address, of))) if of == stack_pointer => Ok(return_address),
            (result, _) => result,
        }
    }

    /// Where a caller stands.
    fn go_to(&self, caller: &Caller) -> Result<Position, Reason> {
        let Caller {
            stack_pointer,
            return_address: address,
            kind,
        } = *caller;
        if arch::entry::exit_range().contains(&address) {
            return self.interrupted(stack_pointer);
        }
        if !tables::is_behind_call(address) && ReturnDesign::MiniFrame.helper() != Some(address) {
            return Err(Reason::OutsideText { address });
        }
        Ok(Position {
            address,
            stack_pointer,
            kind,
            live: None,
        })
    }

    /// What the exception with this frame interrupted.
    fn interrupted(&self, frame: u64) -> Result<Position, Reason> {
        self.stacks.check(frame, EXCEPTION_FRAME_SIZE)?;
        let word = |offset: usize| self.stacks.read(frame + offset as u64);
        let mut gpr = [0; 32];
        for (number, register) in gpr.iter_mut().enumerate() {
            *register = word(offset_of!(ExceptionFrame, gpr) + 8 * number)?;
        }
        // As the entry code places it: below the interrupted function's red zone, or on top of one of the CPU's own stacks.
        let room = (EXCEPTION_FRAME_SIZE + RED_ZONE) as u64;
        let below = gpr[1].wrapping_sub(room) & !(STACK_ALIGN as u64 - 1);
        let is_top = |stack: &Range<u64>| frame == stack.end.wrapping_sub(EXCEPTION_FRAME_SIZE as u64);
        let on_top = self.stacks.cpu.iter().any(is_top);
        if word(offset_of!(FrameHeader, back_chain))? != gpr[1] || frame != below && !on_top {
            return Err(Reason::ExceptionFrame { address: frame });
        }
        let live = Live {
            lr: word(offset_of!(ExceptionFrame, lr))?,
            gpr,
        };
        let vector = word(offset_of!(ExceptionFrame, vector))?;
        Ok(interrupted(
            word(offset_of!(ExceptionFrame, nip))?,
            gpr[1],
            vector,
            live,
        ))
    }

    /// What comes next for who reads a backtrace, when nothing is certain any more: whoever the link register names, for a
    /// jump to where no code is, or the back chain.
    fn guess(&self, position: &Position) -> Result<Position, Reason> {
        let jumped = position.live.as_ref().filter(|live| {
            matches!(tables::look_up(position.address, false), Answer::NoCode)
                && tables::is_behind_call(live.lr)
        });
        let caller = match jumped {
            Some(live) => Caller {
                stack_pointer: position.stack_pointer,
                return_address: live.lr,
                kind: Kind::Call,
            },
            None => {
                let stack_pointer = self.stacks.back_chain(position.stack_pointer)?;
                let return_address = self
                    .stacks
                    .read(stack_pointer + offset_of!(FrameHeader, lr_save) as u64)?;
                Caller {
                    stack_pointer,
                    return_address,
                    kind: Kind::Call,
                }
            }
        };
        self.go_to(&caller)
    }
}

impl Iterator for Trace<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let position = self.next.take()?;
        let reliability = self.doubt.map_or(Reliability::Reliable, Reliability::Unreliable);
        let caller = self.caller(&position);
        let frame = Frame {
            address: position.address,
            stack_pointer: caller
                .as_ref()
                .ok()
                .and_then(|caller| caller.as_ref())
                .map_or(position.stack_pointer, |caller| caller.stack_pointer),
            kind: position.kind,
            reliability,
        };
        self.left -= 1;
        let next = match caller {
            Ok(None) => {
                self.end = Some(End::Outermost);
                return Some(frame);
            }
            _ if self.left == 0 => Err(Reason::TooMany),
            Ok(Some(caller)) => self.go_to(&caller),
            Err(reason) => Err(reason),
        };
        match next {
            Ok(next) => self.next = Some(next),
            Err(reason) => {
                self.doubt = self.doubt.or(Some(reason));
                match self.guess(&position) {
                    Ok(next) if self.left != 0 => self.next = Some(next),
                    _ => self.end = Some(End::Lost(reason)),
                }
            }
        }
        Some(frame)
    }
}

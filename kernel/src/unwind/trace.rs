//! The walk: one frame after the other, each with what is known of it.

use core::mem::offset_of;
use core::ops::Range;

use arch::abi::FrameHeader;
use arch::livepatch::ReturnStub;

use super::memory::Stacks;
use super::records::Records;
use super::tables::{self, Answer};
use super::{End, Frame, Kind, Reason, Reliability};

/// More frames than any sound stack has: the smallest has 32 bytes, and records of calls without frame come on top.
const LIMIT: usize = 4096;

/// Registers that only an interrupted function still has as it left them.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) lr: u64,
    pub(super) gpr: [u64; 32],
}

/// Where the walk stands: in a function.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) address: u64,
    pub(super) stack_pointer: u64,
    pub(super) kind: Kind,
    /// Present where the function was interrupted.
    pub(super) live: Option<Live>,
}

/// Who called a function.
pub(super) struct Caller {
    /// Its r1.
    pub(super) stack_pointer: u64,
    pub(super) return_address: u64,
    pub(super) kind: Kind,
}

/// What is above a function.
pub(super) enum Above {
    /// Nobody called it.
    Nothing,
    /// This one called it.
    Caller(Caller),
    /// It is an exception's entry or exit, and what the exception interrupted is in this frame.
    Exception {
        /// The frame's address.
        frame: u64,
    },
}

/// The frames of a thread, innermost first.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    pub(super) stacks: Stacks,
    pub(super) records: Records<'a>,
    next: Option<Position>,
    doubt: Option<Reason>,
    end: Option<End>,
    left: usize,
    /// The order of records is known to be right, or is being looked at.
    adds_up: bool,
    /// Stubs of `return-stack` to look out for.
    watched: &'a [Range<u64>],
    met: Option<ReturnStub>,
}

impl<'a> Trace<'a> {
    /// The walk that begins at this position; where there is none it is over.
    pub(super) fn new(
        stacks: Stacks,
        records: Records<'a>,
        first: Result<Position, Reason>,
        doubt: Option<Reason>,
    ) -> Trace<'a> {
        let (next, end) = match first {
            Ok(position) => (Some(position), None),
            Err(reason) => (None, Some(End::Lost(reason))),
        };
        Trace {
            stacks,
            records,
            next,
            doubt,
            end,
            left: LIMIT,
            adds_up: false,
            watched: &[],
            met: None,
        }
    }

    /// Looks out for return addresses in these stubs of `return-stack`, which are no frames.
    pub fn watching(mut self, stubs: &'a [Range<u64>]) -> Trace<'a> {
        self.watched = stubs;
        self
    }

    /// The first one that was met on the way so far.
    pub fn met(&self) -> Option<ReturnStub> {
        self.met
    }

    pub(super) fn meet(&mut self, stub: ReturnStub) {
        if self.met.is_none() && self.watched.iter().any(|range| range.contains(&stub.helper())) {
            self.met = Some(stub);
        }
    }

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

    /// Records that do not name their frame are matched by their order alone, which is proven when they come out even at
    /// the outermost function, and at every exception on the way: looks ahead, once, from the position that is next.
    #[inline(never)]
    fn look_ahead(&mut self) {
        self.adds_up = true;
        let ahead = self.clone();
        self.doubt = ahead.check().err();
    }

    /// What comes next for who reads a backtrace, when nothing is certain any more: whoever the link register names, for a
    /// jump to where no code is, or the back chain.
    fn guess(&mut self, position: &Position) -> Result<Position, Reason> {
        let jumped = position.live.as_ref().filter(|live| {
            matches!(tables::look_up(position.address, false), Answer::NoCode)
                && tables::is_behind_call(live.lr)
        });
        let (stack_pointer, return_address) = match jumped {
            Some(live) => (position.stack_pointer, live.lr),
            None => {
                let stack_pointer = self.stacks.back_chain(position.stack_pointer)?;
                let save_slot = stack_pointer + offset_of!(FrameHeader, lr_save) as u64;
                (stack_pointer, self.stacks.read(save_slot)?)
            }
        };
        self.go_to(Caller {
            stack_pointer,
            return_address,
            kind: Kind::Call,
        })
    }
}

impl Iterator for Trace<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let position = self.next.take()?;
        let above = self.above(&position);
        if let (Err(reason @ Reason::OutsideText { address }), Some(_)) = (&above, &position.live)
            && *address == position.address
        {
            // Not who called it is in doubt, but the function itself.
            self.doubt = self.doubt.or(Some(*reason));
        }
        let reliability = self.doubt.map_or(Reliability::Reliable, Reliability::Unreliable);
        let stack_pointer = match &above {
            Ok(Above::Caller(caller)) => caller.stack_pointer,
            _ => position.stack_pointer,
        };
        let frame = Frame {
            address: position.address,
            stack_pointer,
            kind: position.kind,
            reliability,
        };
        self.left -= 1;
        let next = match above {
            Ok(Above::Nothing) => {
                self.end = Some(End::Outermost);
                return Some(frame);
            }
            _ if self.left == 0 => Err(Reason::TooMany),
            Ok(Above::Caller(caller)) => self.go_to(caller),
            Ok(Above::Exception { frame }) => self.interrupted(frame),
            Err(reason) => Err(reason),
        };
        match next {
            Ok(next) => {
                self.next = Some(next);
                if self.records.are_matched_by_order() && !self.adds_up && self.doubt.is_none() {
                    self.look_ahead();
                }
            }
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

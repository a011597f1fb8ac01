//! What return designs and the graph tracer have written down of a thread's calls, as far as a walk has not used it yet.
//!
//! Every record belongs to one call, and a walk meets the calls in the order in which the records were written, the newest
//! first. So nothing may be left when the walk is at its end, and what an exception's handler has written must be used
//! when the walk comes to the exception's frame, which says how many there were before.

use arch::thread::ThreadHead;

use super::Reason;
use crate::ftrace::GraphStack;

pub(super) mod caller_frame;
mod extent;
mod graph;
mod livepatch_stack;
mod return_stack;

pub(super) use graph::GraphRecords;
pub(super) use livepatch_stack::LivepatchRecords;
pub(super) use return_stack::{RECORD_SIZE, ReturnRecords};

/// Those of one thread that are not used yet.
#[derive(Clone, Debug)]
pub(super) struct Records<'a> {
    pub(super) returns: ReturnRecords,
    pub(super) livepatch: LivepatchRecords,
    pub(super) graph: GraphRecords<'a>,
}

impl<'a> Records<'a> {
    /// All of a thread's.
    pub(super) fn of(head: &ThreadHead, graph: Option<&'a GraphStack>) -> Records<'a> {
        Records {
            returns: ReturnRecords::of(head),
            livepatch: LivepatchRecords::of(head),
            graph: GraphRecords::of(graph),
        }
    }

    /// Leaves those of what an exception called: the interrupted r1, and the ends of both stacks as its frame has them.
    pub(super) fn begin_at(&mut self, stack_pointer: u64, return_sp: u64, livepatch_sp: u64) {
        self.returns.unused.begin_at(return_sp);
        self.livepatch.unused.begin_at(livepatch_sp);
        self.graph.begin_at(stack_pointer);
    }

    /// Whether a record was used that only its place in the order says whose it is.
    pub(super) fn are_matched_by_order(&self) -> bool {
        self.livepatch.was_used()
    }

    /// At the outermost function.
    pub(super) fn must_be_used_up(&self, stack_pointer: u64) -> Result<(), Reason> {
        if self.returns.unused.is_empty() && self.livepatch.unused.is_empty() {
            Ok(())
        } else {
            Err(Reason::RecordsLeft { stack_pointer })
        }
    }

    /// At the frame of an exception.
    pub(super) fn must_be_used_down_to(
        &self,
        frame: u64,
        return_sp: u64,
        livepatch_sp: u64,
    ) -> Result<(), Reason> {
        if self.returns.unused.end() == return_sp && self.livepatch.unused.end() == livepatch_sp {
            Ok(())
        } else {
            Err(Reason::RecordsLeft { stack_pointer: frame })
        }
    }
}

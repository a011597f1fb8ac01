//! Records of the graph tracer: they name their frame.
//!
//! Those that nobody needs are passed over: the tracer writes a record before it makes the function return to
//! `return_to_handler`, and gives it back after it has said where to return to.

use crate::ftrace::GraphStack;
use crate::unwind::Reason;

/// Those of a thread that a walk has not used yet.
#[derive(Clone, Debug)]
pub(in crate::unwind) struct GraphRecords<'a> {
    stack: Option<&'a GraphStack>,
    depth: usize,
}

impl<'a> GraphRecords<'a> {
    /// All of a thread's.
    pub(in crate::unwind) fn of(stack: Option<&'a GraphStack>) -> GraphRecords<'a> {
        GraphRecords {
            stack,
            depth: stack.map_or(0, GraphStack::depth),
        }
    }

    /// Leaves those of frames from `stack_pointer` on.
    pub(super) fn begin_at(&mut self, stack_pointer: u64) {
        while let Some((index, _, of)) = self.newest()
            && of < stack_pointer
        {
            self.depth = index;
        }
    }

    /// Its index, its return address, and r1 of who called.
    fn newest(&self) -> Option<(usize, u64, u64)> {
        let index = self.depth.checked_sub(1)?;
        let (return_address, of) = self.stack?.record(index)?;
        Some((index, return_address, of))
    }

    /// Where the call that was made with r1 at `stack_pointer` returns to.
    pub(in crate::unwind) fn take(&mut self, stack_pointer: u64) -> Result<u64, Reason> {
        while let Some((index, return_address, of)) = self.newest()
            && of <= stack_pointer
        {
            self.depth = index;
            if of == stack_pointer {
                return Ok(return_address);
            }
        }
        Err(Reason::NoRecord { stack_pointer })
    }

    /// The same for return_to_handler itself, whose record may have been given back just now. It is where it was, unless an
    /// interrupt's has come in its place, which is of a frame further down.
    pub(in crate::unwind) fn take_for_handler(&mut self, stack_pointer: u64) -> Result<u64, Reason> {
        let given_back = self.stack.and_then(|stack| stack.record(self.depth));
        match (self.take(stack_pointer), given_back) {
            (Err(_), Some((return_address, of))) if of == stack_pointer => Ok(return_address),
            (result, _) => result,
        }
    }
}

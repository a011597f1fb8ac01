//! A copy of a thread's stack and of all its records, at other addresses, that can be spoilt.
#![allow(unsafe_code, reason = "reads another thread's stack and records")]

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::abi::STACK_ALIGN;

use crate::ftrace::GraphStack;
use crate::thread::Thread;
use crate::unwind::Trace;
use crate::unwind::memory::Stacks;
use crate::unwind::records::{GraphRecords, LivepatchRecords, Records, ReturnRecords};
use crate::unwind::start::of_sleeping;

/// Addresses that were copied, and where to.
#[derive(Clone)]
struct Piece {
    from: Range<u64>,
    to: u64,
}

/// The copy.
pub(super) struct Copy {
    /// Records of livepatch-stack, and behind them the stack from where the thread's r1 is.
    stack: Vec<u128>,
    /// Records of return-stack.
    returns: Vec<u64>,
    graph: GraphStack,
    pieces: [Piece; 3],
}

fn words(range: &Range<u64>) -> impl Iterator<Item = u64> {
    // SAFETY: words of the stack, or of the records, of a thread that does not run.
    let read = |at| unsafe { arch::unwind::read(at) };
    range.clone().step_by(8).map(read)
}

impl Copy {
    /// Of a thread that does not run.
    pub(super) fn of(thread: &Thread) -> Copy {
        let head = thread.head();
        let [low, high, r1, livepatch_sp, return_sp] = [
            &head.stack_low,
            &head.stack_high,
            &head.saved_stack_pointer,
            &head.livepatch_sp,
            &head.return_sp,
        ]
        .map(|word| word.load(Ordering::Relaxed));
        let returns = ReturnRecords::base_of(head)..return_sp;
        let (stack, livepatch) = (r1..high, low..livepatch_sp);
        let room = (livepatch.end - livepatch.start).next_multiple_of(STACK_ALIGN as u64);
        let mut copy = Copy {
            stack: vec![0; ((room + stack.end - stack.start) / 16) as usize],
            returns: vec![0; ((returns.end - returns.start) / 8) as usize],
            graph: GraphStack::new(),
            pieces: [&stack, &livepatch, &returns].map(|from| Piece {
                from: from.clone(),
                to: 0,
            }),
        };
        let base = copy.stack.as_ptr() as u64;
        copy.pieces[0].to = base + room;
        copy.pieces[1].to = base;
        copy.pieces[2].to = copy.returns.as_ptr() as u64;
        for piece in copy.pieces.clone() {
            for (index, word) in words(&piece.from).enumerate() {
                let word = copy.moved(word);
                copy.set(piece.to + 8 * index as u64, word);
            }
        }
        thread.graph.copy_to(&copy.graph, |word| copy.moved(word));
        copy
    }

    /// An address of the thread's stack or records, as it is in the copy; any other word as it is.
    fn moved(&self, word: u64) -> u64 {
        let has = |piece: &&Piece| (piece.from.start..=piece.from.end).contains(&word);
        let piece = self.pieces.iter().find(has);
        piece.map_or(word, |piece| word - piece.from.start + piece.to)
    }

    /// Where the copy of the thread's r1 points.
    pub(super) fn frame(&self) -> u64 {
        self.pieces[0].to
    }

    /// The copy of the stack from there on.
    pub(super) fn stack(&self) -> Range<u64> {
        self.range(0)
    }

    /// The copy of the records of livepatch-stack.
    pub(super) fn livepatch(&self) -> Range<u64> {
        self.range(1)
    }

    /// The copy of the records of return-stack.
    pub(super) fn returns(&self) -> Range<u64> {
        self.range(2)
    }

    fn range(&self, piece: usize) -> Range<u64> {
        let Piece { from, to } = &self.pieces[piece];
        *to..to + (from.end - from.start)
    }

    /// The word at an address of the copy.
    pub(super) fn get(&self, address: u64) -> u64 {
        // SAFETY: an address of a word of one of the vectors.
        unsafe { arch::unwind::read(address) }
    }

    /// Changes it.
    pub(super) fn set(&mut self, address: u64, word: u64) {
        // SAFETY: an address of a word of one of the vectors, which nobody else knows.
        unsafe { (address as *mut u64).write_volatile(word) };
    }

    /// The trace of the copy.
    pub(super) fn trace(&self) -> Trace<'_> {
        let stacks = Stacks {
            thread: self.stack.as_ptr() as u64..self.stack().end,
            cpu: [0..0, 0..0],
        };
        let (livepatch, returns) = (self.livepatch(), self.returns());
        let records = Records {
            returns: ReturnRecords::between(returns.start, returns.end),
            livepatch: LivepatchRecords::between(livepatch.start, livepatch.end),
            graph: GraphRecords::of(Some(&self.graph)),
        };
        of_sleeping(stacks, records, self.frame())
    }
}

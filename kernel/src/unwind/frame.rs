//! What a walk finds: frames, and how certain they are.

use arch::livepatch::ReturnDesign;

use super::Reason;

/// How a frame was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By its return address: the function called the frame before.
    Call,
    /// It is the first function of a thread that has not run yet.
    NeverRan,
    /// By what a return design has written down: it called a patched function, and that called, or is, the frame before.
    Patched {
        /// The design.
        design: ReturnDesign,
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

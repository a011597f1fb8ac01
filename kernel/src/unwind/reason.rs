//! Why a frame is not reliable, and why a walk is over.

use core::fmt;

use arch::livepatch::ReturnDesign;

/// Why it is not known who a function's caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The function at this address has no unwind table.
    NoTable {
        /// It.
        address: u64,
    },
    /// It was interrupted at this address, and no path through the function says what it has saved by then.
    Unproven {
        /// It.
        address: u64,
    },
    /// This address, to which the function returns or where it was interrupted, is in no code.
    OutsideText {
        /// It.
        address: u64,
    },
    /// Somebody is changing the list of modules: what is at this address cannot be looked up.
    Busy {
        /// It.
        address: u64,
    },
    /// A stack pointer that is no multiple of 16.
    Misaligned {
        /// It.
        stack_pointer: u64,
    },
    /// A stack pointer that is in no stack of the thread, or too near its end for what must be there.
    OutsideStacks {
        /// It.
        stack_pointer: u64,
    },
    /// The back chain and the unwind table do not agree on where the caller's frame is.
    BackChain {
        /// The frame.
        stack_pointer: u64,
        /// Where its back chain points to.
        back_chain: u64,
        /// Where the caller's frame should be.
        expected: u64,
    },
    /// A function that calls, or was called, keeps its return address where only an interrupted one can.
    Lost {
        /// An address in it.
        address: u64,
    },
    /// What should be an exception's frame is none.
    ExceptionFrame {
        /// Where.
        address: u64,
    },
    /// The outermost function is not where it should be, at the end of the stack.
    NotOutermost {
        /// The stack pointer there.
        stack_pointer: u64,
    },
    /// It was interrupted at this address, where an exception is half saved or half restored: the processor's save register had
    /// the instruction that comes next, and has been used again.
    HalfAnException {
        /// It.
        address: u64,
    },
    /// What a return design had written down of a call is not as it was.
    Overwritten {
        /// The design.
        design: ReturnDesign,
        /// The caller's frame.
        stack_pointer: u64,
    },
    /// There are records of calls that the walk up to this frame has not met.
    RecordsLeft {
        /// The frame.
        stack_pointer: u64,
    },
    /// The records of a return design, or the graph tracer's, have none for the frame.
    NoRecord {
        /// The frame.
        stack_pointer: u64,
    },
    /// More frames than a stack has.
    TooMany,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::NoTable { address } => write!(f, "no unwind table has {address:#x}"),
            Reason::Unproven { address } => write!(f, "nothing tells what is saved where at {address:#x}"),
            Reason::OutsideText { address } => write!(f, "{address:#x} is in no code"),
            Reason::Busy { address } => {
                write!(f, "the modules are changing, {address:#x} cannot be looked up")
            }
            Reason::Misaligned { stack_pointer } => {
                write!(f, "the stack pointer {stack_pointer:#x} is unaligned")
            }
            Reason::OutsideStacks { stack_pointer } => {
                write!(
                    f,
                    "the stack pointer {stack_pointer:#x} is outside the thread's stack"
                )
            }
            Reason::BackChain {
                stack_pointer,
                back_chain,
                expected,
            } => {
                write!(
                    f,
                    "the back chain of {stack_pointer:#x} is {back_chain:#x}, expected {expected:#x}"
                )
            }
            Reason::Lost { address } => write!(f, "the return address at {address:#x} is lost"),
            Reason::ExceptionFrame { address } => write!(f, "there is no exception frame at {address:#x}"),
            Reason::NotOutermost { stack_pointer } => {
                write!(
                    f,
                    "the outermost function is at {stack_pointer:#x}, not at the end of the stack"
                )
            }
            Reason::HalfAnException { address } => {
                write!(
                    f,
                    "an exception is half saved at {address:#x}, and what it interrupted is lost"
                )
            }
            Reason::Overwritten {
                design,
                stack_pointer,
            } => {
                write!(
                    f,
                    "the record that {design} has for the frame at {stack_pointer:#x} was overwritten"
                )
            }
            Reason::RecordsLeft { stack_pointer } => {
                write!(f, "records of calls are left over at {stack_pointer:#x}")
            }
            Reason::NoRecord { stack_pointer } => {
                write!(
                    f,
                    "no record of a return belongs to the frame at {stack_pointer:#x}"
                )
            }
            Reason::TooMany => f.write_str("there are more frames than a stack has"),
        }
    }
}

/// Why there are no more frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The outermost function: nobody called it.
    Outermost,
    /// The trace is lost.
    Lost(Reason),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Outermost => f.write_str("the outermost function"),
            End::Lost(reason) => reason.fmt(f),
        }
    }
}

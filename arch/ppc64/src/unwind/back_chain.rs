//! The walk along the back chains (ELFv2 2.2.3.1).
//!
//! Every frame's first word points to the caller's frame, and the caller's frame has, at offset 16, the return address into
//! the caller. An exception's frame is such a frame too, whose "caller" is the interrupted code: it is recognised by the
//! return address into the exception's exit, and it says more than the chain does.
//!
//! What it cannot know: whether a function that was interrupted has saved its return address yet, which only the compiler's
//! unwind tables tell. It offers the link register as a [`Kind::LinkRegister`] then, and leaves it to the reader.

use core::fmt;
use core::mem::offset_of;
use core::ops::Range;

use crate::abi::{FRAME_HEADER_SIZE, FrameHeader, STACK_ALIGN};
use crate::entry::{EXCEPTION_FRAME_SIZE, ExceptionFrame};

/// More frames than any sound stack has.
const LIMIT: usize = 4096;

/// Where frames may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stacks {
    /// The thread's own stack.
    pub thread: Range<u64>,
    /// Where an exception goes when that cannot be used. From here the chain may go over to the thread's stack.
    pub emergency: Range<u64>,
}

/// How a frame's address was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A return address: the function called the frame before.
    Call,
    /// The instruction that an exception interrupted.
    Interrupted {
        /// The exception's vector.
        vector: u64,
    },
    /// The link register of the interrupted code: perhaps its caller, perhaps left over from an earlier call.
    LinkRegister,
}

/// One step of the way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// An address in the function.
    pub address: u64,
    /// The function's stack pointer.
    pub stack_pointer: u64,
    /// How `address` was found.
    pub kind: Kind,
}

/// Why the walk is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The outermost frame: nobody called it.
    Outermost,
    /// A stack pointer that is in no stack, or too near its end for what must be there.
    OutsideStacks {
        /// It.
        stack_pointer: u64,
    },
    /// A stack pointer that is no multiple of 16.
    Misaligned {
        /// It.
        stack_pointer: u64,
    },
    /// A back chain that does not go up.
    NotRising {
        /// The frame.
        from: u64,
        /// Where its back chain points.
        to: u64,
    },
    /// More frames than a stack has.
    TooMany,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Outermost => f.write_str("the outermost frame"),
            End::OutsideStacks { stack_pointer } => {
                write!(
                    f,
                    "the stack pointer {stack_pointer:#x} is outside the thread's stack"
                )
            }
            End::Misaligned { stack_pointer } => {
                write!(f, "the stack pointer {stack_pointer:#x} is unaligned")
            }
            End::NotRising { from, to } => write!(f, "the back chain of {from:#x} goes down to {to:#x}"),
            End::TooMany => write!(f, "more than {LIMIT} frames"),
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The return address that the frame's caller has, found through the frame's back chain.
    Caller {
        stack_pointer: u64,
    },
    /// The exception frame's link register, and then whoever its back chain leads to.
    Link {
        exception_frame: u64,
    },
    Nothing(End),
}

/// The frames of a stack, innermost first.
#[derive(Clone, Debug)]
pub struct Unwinder<R> {
    stacks: Stacks,
    exception_exit: Range<u64>,
    /// Reads a word of a stack. It is asked only for words inside [`Stacks`].
    read: R,
    next: Next,
    left: usize,
}

impl<R: FnMut(u64) -> u64> Unwinder<R> {
    /// From a function with the frame at `stack_pointer`: its caller is the first.
    ///
    /// `exception_exit` is where exception handlers return to.
    pub fn from_frame(stack_pointer: u64, stacks: Stacks, exception_exit: Range<u64>, read: R) -> Self {
        Unwinder {
            stacks,
            exception_exit,
            read,
            next: Next::Caller { stack_pointer },
            left: LIMIT,
        }
    }

    /// From an exception's frame: what it interrupted is the first.
    pub fn from_exception(
        exception_frame: u64,
        stacks: Stacks,
        exception_exit: Range<u64>,
        read: R,
    ) -> (Option<Frame>, Self) {
        let mut unwinder = Self::from_frame(exception_frame, stacks, exception_exit, read);
        let first = unwinder.interrupted(exception_frame);
        (first, unwinder)
    }

    /// Why there are no more frames; `None` while there are.
    pub fn end(&self) -> Option<End> {
        match self.next {
            Next::Nothing(end) => Some(end),
            _ => None,
        }
    }

    /// Whether `size` bytes from `stack_pointer` on are an aligned part of one stack.
    fn check(&self, stack_pointer: u64, size: usize) -> Result<(), End> {
        if stack_pointer % STACK_ALIGN as u64 != 0 {
            return Err(End::Misaligned { stack_pointer });
        }
        let fits =
            |stack: &Range<u64>| stack.contains(&stack_pointer) && stack.end - stack_pointer >= size as u64;
        if fits(&self.stacks.thread) || fits(&self.stacks.emergency) {
            Ok(())
        } else {
            Err(End::OutsideStacks { stack_pointer })
        }
    }

    /// The frame that `stack_pointer`'s back chain names.
    fn back_chain(&mut self, stack_pointer: u64) -> Result<u64, End> {
        self.check(stack_pointer, FRAME_HEADER_SIZE)?;
        let caller = (self.read)(stack_pointer + offset_of!(FrameHeader, back_chain) as u64);
        if caller == 0 {
            return Err(End::Outermost);
        }
        self.check(caller, FRAME_HEADER_SIZE)?;
        let changes_stack =
            self.stacks.emergency.contains(&stack_pointer) && self.stacks.thread.contains(&caller);
        if caller <= stack_pointer && !changes_stack {
            return Err(End::NotRising {
                from: stack_pointer,
                to: caller,
            });
        }
        Ok(caller)
    }

    /// The code that the exception with this frame interrupted; its link register comes next.
    fn interrupted(&mut self, exception_frame: u64) -> Option<Frame> {
        if let Err(end) = self.check(exception_frame, EXCEPTION_FRAME_SIZE) {
            self.next = Next::Nothing(end);
            return None;
        }
        self.next = Next::Link { exception_frame };
        let vector = (self.read)(exception_frame + offset_of!(ExceptionFrame, vector) as u64);
        Some(Frame {
            address: (self.read)(exception_frame + offset_of!(ExceptionFrame, nip) as u64),
            stack_pointer: self.interrupted_stack_pointer(exception_frame),
            kind: Kind::Interrupted { vector },
        })
    }

    fn interrupted_stack_pointer(&mut self, exception_frame: u64) -> u64 {
        (self.read)(exception_frame + offset_of!(ExceptionFrame, gpr) as u64 + 8)
    }

    /// The caller of the function with this frame.
    fn caller(&mut self, stack_pointer: u64) -> Result<Option<Frame>, End> {
        let caller = self.back_chain(stack_pointer)?;
        let address = (self.read)(caller + offset_of!(FrameHeader, lr_save) as u64);
        if self.exception_exit.contains(&address) {
            return Ok(self.interrupted(caller));
        }
        self.next = Next::Caller {
            stack_pointer: caller,
        };
        Ok(Some(Frame {
            address,
            stack_pointer: caller,
            kind: Kind::Call,
        }))
    }

    /// The interrupted code's link register, unless it says what the chain says next anyway.
    fn link(&mut self, exception_frame: u64) -> Option<Frame> {
        let stack_pointer = self.interrupted_stack_pointer(exception_frame);
        self.next = match self.back_chain(exception_frame) {
            Ok(interrupted) => Next::Caller {
                stack_pointer: interrupted,
            },
            Err(end) => Next::Nothing(end),
        };
        let address = (self.read)(exception_frame + offset_of!(ExceptionFrame, lr) as u64);
        let chained = match self.back_chain(stack_pointer) {
            Ok(caller) => (self.read)(caller + offset_of!(FrameHeader, lr_save) as u64),
            Err(_) => 0,
        };
        (address != chained).then_some(Frame {
            address,
            stack_pointer,
            kind: Kind::LinkRegister,
        })
    }
}

impl<R: FnMut(u64) -> u64> Iterator for Unwinder<R> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        if self.end().is_none() {
            match self.left.checked_sub(1) {
                Some(left) => self.left = left,
                None => self.next = Next::Nothing(End::TooMany),
            }
        }
        match self.next {
            Next::Nothing(_) => None,
            Next::Link { exception_frame } => match self.link(exception_frame) {
                Some(frame) => Some(frame),
                None => self.next(),
            },
            Next::Caller { stack_pointer } => match self.caller(stack_pointer) {
                Ok(frame) => frame,
                Err(end) => {
                    self.next = Next::Nothing(end);
                    None
                }
            },
        }
    }
}

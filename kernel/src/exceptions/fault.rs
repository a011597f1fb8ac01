//! An exception that nobody expected, and its message.

use alloc::string::{String, ToString};
use core::fmt::{self, Display};

use arch::entry::{ExceptionFrame, Vector};

use super::cause::Cause;
use crate::symbols::Symbolized;
use crate::thread::CurrentName;

/// What stopped a thread. The texts are kept for who reads it later; a panic prints it from what they are made of, since it
/// may not allocate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<Cause = String, Name = String> {
    /// The exception's name.
    pub what: &'static str,
    /// What the thread did wrong, and the thread's name, where more is known than the exception's name.
    pub cause: Option<Cause>,
    /// The thread's name.
    pub thread: Name,
    /// The instruction that met it.
    pub nip: u64,
    /// The address that the instruction wanted, where the exception has one.
    pub data_address: Option<u64>,
    /// Link register at that moment.
    pub lr: u64,
    /// Stack pointer at that moment.
    pub stack_pointer: u64,
}

impl Fault<Cause, CurrentName> {
    /// What an exception of the running thread means.
    pub(super) fn of(frame: &ExceptionFrame) -> Self {
        let vector = Vector(frame.vector);
        Fault {
            what: vector.describe(frame.msr),
            cause: Cause::of(frame),
            thread: CurrentName,
            nip: frame.nip,
            data_address: vector.has_data_address().then_some(frame.dar),
            lr: frame.lr,
            stack_pointer: frame.gpr[1],
        }
    }

    /// The same for later, when the names may be others'.
    pub(super) fn keep(&self) -> Fault {
        Fault {
            what: self.what,
            cause: self.cause.as_ref().map(Cause::to_string),
            thread: self.thread.to_string(),
            nip: self.nip,
            data_address: self.data_address,
            lr: self.lr,
            stack_pointer: self.stack_pointer,
        }
    }
}

impl<Cause: Display, Name: Display> Display for Fault<Cause, Name> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{cause}: {}", self.what)?,
            None => write!(f, "{} in thread '{}'", self.what, self.thread)?,
        }
        write!(f, " at {}", Symbolized(self.nip))?;
        if let Some(address) = self.data_address {
            write!(f, ", data address {address:#x}")?;
        }
        write!(f, ", lr {:#x}, r1 {:#x}", self.lr, self.stack_pointer)
    }
}

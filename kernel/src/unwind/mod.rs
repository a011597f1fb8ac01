//! Who called whom, exactly: from any instruction, through trampolines, return helpers and exceptions.
//!
//! The walk goes by the unwind tables of the compilers and of our own assembly, and believes nothing that it can check: the
//! back chain has to agree, frames have to rise inside the thread's stack, return addresses have to be in code, an exception's
//! frame has to lie where the entry code puts one, and the way has to end at a thread's first function, at the end of its
//! stack. A trace for which all of that holds is reliable. What cannot be proven is followed as well as possible, for the
//! sake of who reads a backtrace, and marked with the reason.
//!
//! | file | what |
//! |---|---|
//! | `trace` | the walk |
//! | `tables` | the unwind tables, and the instructions where tables do not say enough |
//! | `memory` | what may be read: stacks and return stacks, within their bounds |
//! | `reason` | why a frame is not reliable |
//!
//! Nothing here allocates or waits, so a panic can use it.

mod memory;
mod reason;
mod stepped;
mod tables;
mod tests;
mod trace;

pub use reason::{End, Reason};
pub use tables::ModuleTables;
pub use trace::{Frame, Kind, Reliability, Trace, here, trace_from, trace_thread};

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
//! | `start` | where a walk begins: here, at an exception, in a thread that does not run |
//! | `plain` | a first look at threads that are in a call in each of their frames |
//! | `trace` | the walk, frame by frame |
//! | `calls` | from a function to its caller |
//! | `helpers` | behind return helpers and the graph tracer's |
//! | `interrupted` | through an exception's frame |
//! | `records` | what return designs and the graph tracer have written down |
//! | `tables` | the unwind tables, and the instructions where tables do not say enough |
//! | `memory` | what may be read: stacks, within their bounds |
//! | `frame`, `reason` | what is found, and why it may not be reliable |
//!
//! Nothing here allocates or waits, so a panic can use it.

mod calls;
mod corrupt;
mod exceptions;
mod frame;
mod helpers;
mod interrupted;
mod memory;
mod plain;
mod reason;
mod records;
mod start;
mod stepped;
mod tables;
mod tests;
mod trace;

pub use frame::{Frame, Kind, Reliability};
pub(crate) use helpers::return_stub;
pub(crate) use plain::{am_plainly_outside, is_plainly_outside};
pub use reason::{End, Reason};
pub use start::{here, trace_from, trace_other, trace_parked, trace_thread};
pub use tables::ModuleTables;
pub use trace::Trace;

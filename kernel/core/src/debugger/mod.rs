//! A debugger at the other end of a line: GDB's remote protocol, which the crate `gdbstub` speaks, for a machine that
//! somebody else stops and starts.
//!
//! | file | what |
//! |---|---|
//! | `stub` | bytes in, answers out; when the machine goes on, and how |
//! | `target` | what the protocol asks of the machine, put as what a [`Debuggee`] can do |
//! | `registers` | the processor's registers, as the protocol numbers and writes them |
//! | `plan` | who shall do what when the machine goes on |
//! | `breakpoints` | the words that stand where breakpoints are |
//! | `watch` | what the processor is given for memory that it is to watch |
//! | `step` | what a single step does to the machine state that it needs itself |
//!
//! Nothing here allocates: the machine is stopped, perhaps in the middle of an allocation.

mod breakpoints;
mod plan;
mod registers;
mod step;
mod stub;
mod target;
mod watch;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use breakpoints::{BREAKPOINT, Breakpoint, Breakpoints};
pub use gdbstub::common::{Signal, Tid};
pub use gdbstub::conn::Connection;
pub use gdbstub::target::ext::breakpoints::WatchKind;
pub use plan::Plan;
pub use registers::{Register, Registers};
pub use step::Effect;
pub use stub::{Equipment, Event, Reason, Stub};
pub use target::{Debuggee, ITSELF};
pub use watch::Watch;

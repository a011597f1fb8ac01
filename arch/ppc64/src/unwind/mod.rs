//! Who called whom: from a stack pointer up through the stack frames.
//!
//! [`Unwinder`] is pure logic over a function that reads a word, so that corrupt stacks are tried on the host.

mod back_chain;
#[cfg(target_arch = "powerpc64")]
mod live;
#[cfg(test)]
mod tests;

pub use back_chain::{End, Frame, Kind, Stacks, Unwinder};
#[cfg(target_arch = "powerpc64")]
pub use live::{LiveUnwinder, from_exception, here};

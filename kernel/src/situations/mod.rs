//! The kernel's side of the situations: functions A, which call functions B, which the suite's modules replace.
//!
//! Each A reads a static of its own through r2 after the call, and says with which r2: so a lost TOC shows as the value
//! that A read, not only as a wrong register. Everything is `pub`, because private functions with more than eight
//! arguments get a calling convention of LLVM's own that no replacement in another crate could follow.

mod gate;
mod local;
mod mixed;
mod moments;
mod stack_arguments;
mod tests;

pub use arch::abi::toc_pointer;
pub use gate::{GATE, Gate};
pub use local::{A_OWN, B_OWN, a_calls_b, b_reads_its_static};
pub use moments::{a_calls_b_that_waits, b_waits};
pub use stack_arguments::{A_TEN_OWN, a_calls_ten, b_ten_integers};

/// What A has seen when B, or whatever ran in B's place, came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Seen {
    /// What the call returned.
    pub result: u64,
    /// What A read from its own static after the call.
    pub own: u64,
    /// r2 after the call.
    pub toc: u64,
}

//! Who called whom: what the processor and its ABI have to say to that. The walk itself is the kernel's `unwind`.
//!
//! [`Unwinder`] and [`frame_state`] are pure logic over functions that read words, and are tried on the host.

mod back_chain;
#[cfg(target_arch = "powerpc64")]
mod capture;
mod frame_state;
#[cfg(target_arch = "powerpc64")]
mod live;
#[cfg(test)]
mod tests;

pub use back_chain::{End, Frame, Kind, Stacks, Unwinder};
#[cfg(target_arch = "powerpc64")]
pub use capture::{capture, read};
pub use frame_state::{FrameState, ReturnAddress, frame_state, is_call};
#[cfg(target_arch = "powerpc64")]
pub use live::{LiveUnwinder, from_exception, here};

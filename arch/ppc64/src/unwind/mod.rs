//! What the processor and its ABI have to say to who called whom. The walk itself is the kernel's `unwind`.
//!
//! [`frame_state`] is pure logic over a function that reads words, and is tried on the host.

#[cfg(target_arch = "powerpc64")]
mod capture;
mod frame_state;
mod prefixed;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "powerpc64")]
pub use capture::{capture, read};
pub use frame_state::{FrameState, ReturnAddress, frame_state, is_call};

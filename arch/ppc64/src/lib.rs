//! All that knows the processor: assembly, frames, traps, trampolines.
//!
//! One folder a subject, the `.S` beside its `.rs`. What is pure (frame layouts, masks, site shapes)
//! also compiles on the host, where its unit tests run; what executes is behind
//! `cfg(target_arch = "powerpc64")`. This crate depends on nobody above it: what it must call
//! upwards is declared in [`upcalls`] and nowhere else.
#![cfg_attr(target_arch = "powerpc64", no_std)]

pub mod abi;
pub mod cpu;
pub mod entry;
pub mod ftrace;
pub mod livepatch;
pub mod msr;
pub mod thread;
pub mod unwind;

#[cfg(target_arch = "powerpc64")]
pub mod barrier;
#[cfg(target_arch = "powerpc64")]
pub mod debug;
#[cfg(target_arch = "powerpc64")]
pub mod firmware;
#[cfg(target_arch = "powerpc64")]
pub mod hcall;
#[cfg(target_arch = "powerpc64")]
pub mod hypervisor;
#[cfg(target_arch = "powerpc64")]
pub mod idle;
#[cfg(target_arch = "powerpc64")]
pub mod image;
#[cfg(target_arch = "powerpc64")]
pub mod interrupts;
#[cfg(target_arch = "powerpc64")]
pub mod mmu;
#[cfg(target_arch = "powerpc64")]
pub mod opal;
#[cfg(target_arch = "powerpc64")]
pub mod start;
#[cfg(target_arch = "powerpc64")]
pub mod step;
#[cfg(target_arch = "powerpc64")]
pub mod text;
#[cfg(target_arch = "powerpc64")]
pub mod time;
#[cfg(target_arch = "powerpc64")]
pub mod trap;
#[cfg(target_arch = "powerpc64")]
pub mod upcalls;
#[cfg(target_arch = "powerpc64")]
mod variadic;

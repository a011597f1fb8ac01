//! Address translation by radix tables, where the processor has it.
//!
//! Effective addresses are real ones, so code that runs without translation (the exception entry, the firmware) uses the
//! same. Every CPU has a process of its own in the process table, so a tree of its own: below
//! [`ROOT_ENTRY_COVERS`](kernel_core::radix::ROOT_ENTRY_COVERS) they share everything, above it each has its
//! [`window`].
#![allow(
    unsafe_code,
    reason = "page tables are found by their real addresses, and MSR turns translation on"
)]

mod tables;
pub mod tlb;
pub mod window;

use core::arch::asm;
use core::sync::atomic::Ordering;

pub use tables::{PartitionTable, ProcessTable, TablePool};

use crate::cpu::CpuHead;
use crate::msr;

/// The Process Identification Register's number.
const PIDR: u32 = 48;

/// Makes this CPU run in the process `process`, with translation on from here on, in its exception handlers as well.
///
/// # Safety
/// The process table is registered, and the process's tree maps everything that is in use to itself, with the rights for it.
/// Interrupts are off, and `cpu` is the CPU that runs the caller.
pub unsafe fn turn_on(cpu: &CpuHead, process: u32) {
    let on = msr::IR | msr::DR;
    // SAFETY: nothing is translated yet, so that nothing depends on the register.
    unsafe {
        asm!("mtspr {}, {}", "isync", const PIDR, in(reg) u64::from(process), options(nostack, preserves_flags))
    };
    cpu.kernel_msr.fetch_or(on, Ordering::Relaxed);
    // SAFETY: the caller says that this code, its stack and its data are where they were.
    unsafe { asm!("mtmsrd {}", "isync", in(reg) msr::read() | on, options(nostack, preserves_flags)) };
}

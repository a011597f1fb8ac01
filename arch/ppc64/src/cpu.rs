//! What assembly needs to know of a CPU: the head of the kernel's own per-CPU structure.
//!
//! r13 leads to the running thread's head, and that to the CPU that runs it. A thread that is moved between the two steps
//! would find another CPU: whoever goes that way has interrupts off.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

/// CPUs that the kernel uses at most.
pub const MAXIMUM: usize = 8;

/// The part of a CPU that assembly reads. The kernel's own per-CPU structure starts with it.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct CpuHead {
    /// The machine state in which exception handlers run: translation as it is set up, interrupts off, recoverable.
    pub kernel_msr: AtomicU64,
    /// Lowest address of the stack for exceptions that find r1 unusable.
    pub emergency_low: AtomicU64,
    /// First address above it.
    pub emergency_high: AtomicU64,
    /// Lowest address of the stack for system resets and machine checks, which ask nobody whether they may come.
    pub reset_low: AtomicU64,
    /// First address above it.
    pub reset_high: AtomicU64,
    /// The CPU's number: 0 for the one that the firmware has started, then by their servers.
    pub number: AtomicU64,
    /// What the machine calls it: its interrupt server, which is its PIR where there is no hypervisor.
    pub server: AtomicU64,
    /// Real address of the page table entry through which the CPU writes to code; 0 while it does not translate.
    pub window_entry: AtomicU64,
}

/// Whether the processor has prefixed instructions, and so runs pc-relative code (Power ISA 3.1, book I, 1.6.3). It is told
/// from the version: POWER10's is 0x80, POWER9's and those before are smaller (book III, 4.3.1, "Processor Version Register").
#[cfg(target_arch = "powerpc64")]
#[allow(unsafe_code, reason = "reads a register that the language does not know")]
pub fn has_prefixed_instructions() -> bool {
    let version: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mfspr {}, 287", out(reg) version, options(nomem, nostack, preserves_flags)) };
    version >> 16 >= 0x80
}

impl CpuHead {
    /// The CPU of this number, without stacks.
    pub const fn new(number: u64) -> Self {
        CpuHead {
            kernel_msr: AtomicU64::new(0),
            emergency_low: AtomicU64::new(0),
            emergency_high: AtomicU64::new(0),
            reset_low: AtomicU64::new(0),
            reset_high: AtomicU64::new(0),
            number: AtomicU64::new(number),
            server: AtomicU64::new(0),
            window_entry: AtomicU64::new(0),
        }
    }

    /// The process in which the CPU runs, in the process table: each has its own. 0 is nobody's.
    pub fn process(&self) -> u32 {
        self.number.load(Ordering::Relaxed) as u32 + 1
    }

    /// The stack for exceptions that find r1 unusable.
    pub fn emergency_stack(&self) -> Range<u64> {
        self.emergency_low.load(Ordering::Relaxed)..self.emergency_high.load(Ordering::Relaxed)
    }

    /// The stack for system resets and machine checks.
    pub fn reset_stack(&self) -> Range<u64> {
        self.reset_low.load(Ordering::Relaxed)..self.reset_high.load(Ordering::Relaxed)
    }
}

//! What the processor needs to know of a thread: the head of the kernel's thread structure.
//!
//! r13 holds the address of the running thread's head, always. ELFv2 gives r13 to the thread
//! pointer and the compiler never touches it, so one load reaches everything that belongs to the
//! thread, in a trampoline as in an exception entry, and no migration between CPUs can tear it.

use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

use crate::cpu::CpuHead;

/// How deep patched calls may nest on one thread under the design `return-stack`.
pub const RETURN_STACK_DEPTH: usize = 512;

#[cfg(target_arch = "powerpc64")]
mod switch;
#[cfg(target_arch = "powerpc64")]
pub use switch::{SWITCH_FRAME_SIZE, ThreadMain, adopt, current, prepare, start_address, switch};

/// Bytes of every kernel stack.
pub const STACK_SIZE: usize = 64 * 1024;

/// Bytes below a stack that are not mapped. They are more than any function's frame has, so that none steps over them.
pub const GUARD_SIZE: usize = 16 * 1024;

/// The part of a thread that assembly reads and writes. The kernel's own thread structure starts with it.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct ThreadHead {
    /// Lowest address of the thread's stack.
    pub stack_low: AtomicU64,
    /// First address above the thread's stack.
    pub stack_high: AtomicU64,
    /// r1 while the thread does not run: it points to a [`SwitchFrame`].
    pub saved_stack_pointer: AtomicU64,
    /// Not 0 while the thread is inside the ops of a hook (the recursion guard of `ftrace_caller`).
    /// An exception entry puts 0 here and its exit puts the old value back: what an interrupt calls is a new context.
    pub trace_depth: AtomicU64,
    /// Where the next record of the return stack goes (`return-stack`).
    pub return_sp: AtomicU64,
    /// The end of the return stack: no record begins here or above.
    pub return_limit: AtomicU64,
    /// The end of the newest record of the livepatch stack (`livepatch-stack`); starts as `stack_low`.
    pub livepatch_sp: AtomicU64,
    /// Which functions the thread runs while a live patch comes or goes: 0: those from before, 1: the patch's.
    pub patch_state: AtomicU64,
    /// Where an exception entry keeps r10, r11, r12 and CR until it has a frame.
    pub exception_scratch: [AtomicU64; 4],
    /// The same for a system reset, which may come while the other is in use.
    pub reset_scratch: [AtomicU64; 4],
    /// The same for a machine check.
    pub machine_check_scratch: [AtomicU64; 4],
    /// The CPU that runs the thread, or that ran it last; never null once it has run.
    pub cpu: AtomicPtr<CpuHead>,
    /// Locks that the thread holds. A thread that faults with one in its hand cannot be ended: others would wait for ever.
    pub locks_held: AtomicU32,
    /// Interrupt handlers that run on the thread's stack just now. A fault in one is not the thread's fault.
    pub interrupts_active: AtomicU32,
    /// Where the thread can go on after an interrupt, while it waits for one: see `arch::idle`. 0: it does not.
    pub idle_window: AtomicU64,
}

impl ThreadHead {
    /// A head with an empty stack, of a thread that `cpu` runs, or that nobody runs yet.
    pub const fn new(cpu: *const CpuHead) -> Self {
        ThreadHead {
            stack_low: AtomicU64::new(0),
            stack_high: AtomicU64::new(0),
            saved_stack_pointer: AtomicU64::new(0),
            trace_depth: AtomicU64::new(0),
            return_sp: AtomicU64::new(0),
            return_limit: AtomicU64::new(0),
            livepatch_sp: AtomicU64::new(0),
            patch_state: AtomicU64::new(0),
            exception_scratch: [const { AtomicU64::new(0) }; 4],
            reset_scratch: [const { AtomicU64::new(0) }; 4],
            machine_check_scratch: [const { AtomicU64::new(0) }; 4],
            cpu: AtomicPtr::new(cpu.cast_mut()),
            locks_held: AtomicU32::new(0),
            interrupts_active: AtomicU32::new(0),
            idle_window: AtomicU64::new(0),
        }
    }
}

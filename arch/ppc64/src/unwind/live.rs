//! The running CPU's own stack.
#![allow(unsafe_code, reason = "reads r1, and words of stacks by their address")]

use core::arch::asm;
use core::sync::atomic::Ordering;

use super::{Frame, Stacks, Unwinder};
use crate::entry::{self, ExceptionFrame};
use crate::{start, thread};

/// The stacks that the running thread can have frames on.
fn stacks() -> Stacks {
    // SAFETY: r13 points to the running thread's head from `_start` on.
    let head = unsafe { &*thread::current() };
    let low = head.stack_low.load(Ordering::Relaxed);
    let high = head.stack_high.load(Ordering::Relaxed);
    Stacks {
        // Before there are threads, r13's head knows no stack, and r1 is on the boot stack.
        thread: if high == 0 { start::boot_stack() } else { low..high },
        emergency: entry::emergency_stack(),
    }
}

/// Reads a word of one of [`stacks`].
fn read(address: u64) -> u64 {
    // SAFETY: the unwinder asks for aligned words inside the running thread's stack or the emergency stack; both are
    // memory for as long as the thread runs. Volatile: r1 owns them, not Rust.
    unsafe { (address as *const u64).read_volatile() }
}

/// An unwinder of the running thread's own stack.
pub type LiveUnwinder = Unwinder<fn(u64) -> u64>;

/// The callers of the function that calls this, innermost first.
#[inline(always)]
pub fn here() -> LiveUnwinder {
    let stack_pointer: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mr {}, 1", out(reg) stack_pointer, options(nomem, nostack, preserves_flags)) };
    Unwinder::from_frame(stack_pointer, stacks(), entry::exit_range(), read)
}

/// What an exception interrupted, and its callers. The exception is of the running thread.
pub fn from_exception(frame: &ExceptionFrame) -> (Option<Frame>, LiveUnwinder) {
    let address = core::ptr::from_ref(frame) as u64;
    Unwinder::from_exception(address, stacks(), entry::exit_range(), read)
}

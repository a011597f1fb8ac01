//! A CPU that has nothing to do.
#![allow(
    unsafe_code,
    reason = "the processor waits, and what it is interrupted by is taken, in assembly"
)]

use core::arch::global_asm;
use core::sync::atomic::Ordering;

use crate::entry::{self, ExceptionFrame, Vector};
use crate::thread::{self, ThreadHead};
use crate::{hcall, msr};

global_asm!(
    include_str!("idle.S"),
    CEDE = const hcall::CEDE,
    MSR_RI = const msr::RI,
    MSR_EE = const msr::EE,
);

unsafe extern "C" {
    fn idle_cede();
    fn idle_stop();
    static idle_cede_window: [u32; 0];
    static idle_stop_window: [u32; 0];
}

/// Gives the processor to the hypervisor until an interrupt comes, and takes that. Interrupts are off before and after.
pub fn cede() {
    // SAFETY: H_CEDE touches no memory, and the handlers that run may.
    idle_with(&raw const idle_cede_window as u64, || unsafe { idle_cede() });
}

/// Stops until an interrupt comes, and takes that: where there is no hypervisor. Interrupts are off before and after.
pub fn stop() {
    // SAFETY: the instruction touches no memory, and the handlers that run may.
    idle_with(&raw const idle_stop_window as u64, || unsafe { idle_stop() });
}

fn idle_with(window: u64, wait: impl FnOnce()) {
    // SAFETY: the running thread's head, which cannot go under its own feet.
    let head: &ThreadHead = unsafe { &*thread::current() };
    head.idle_window.store(window, Ordering::Relaxed);
    wait();
    head.idle_window.store(0, Ordering::Relaxed);
}

/// Repairs what a system reset saved that came together with an interrupt, on an idle CPU; whether it has to and can.
///
/// The processor was at the interrupt's vector or not far behind, and the reset has put this over where the interrupt came from.
/// An idle thread takes interrupts in its window and nowhere else, and can go on at the beginning of it with what it had in the
/// registers that are left. The interrupt comes once more: both kinds stay pending until a handler does something about them.
/// (Those with save registers of their own are not lost, and can be gone back to.)
pub fn repair(frame: &mut ExceptionFrame, head: &ThreadHead, kernel_msr: u64) -> bool {
    let window = head.idle_window.load(Ordering::Relaxed);
    let is_interrupt = matches!(
        entry::forgetful(frame),
        Some(Vector::EXTERNAL | Vector::DECREMENTER)
    );
    let can_be_repaired = window != 0 && is_interrupt;
    if can_be_repaired {
        frame.nip = window;
        frame.msr = kernel_msr | msr::EE;
    }
    can_be_repaired
}

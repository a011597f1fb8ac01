//! Leaving one thread for another.
#![allow(unsafe_code, reason = "a switch changes r1 and r13 under the compiler's feet")]

use core::arch::{asm, global_asm};
use core::mem::{offset_of, size_of};
use core::sync::atomic::Ordering;

use super::ThreadHead;
use crate::abi::{FRAME_HEADER_SIZE, FrameHeader, STACK_ALIGN};

/// What a thread that does not run has on top of its stack.
#[repr(C)]
struct SwitchFrame {
    header: FrameHeader,
    /// r14 to r31.
    gpr: [u64; 18],
}

/// Bytes of the frame that a thread which does not run has on top of its stack.
pub const SWITCH_FRAME_SIZE: usize = size_of::<SwitchFrame>();

const _: () = assert!(SWITCH_FRAME_SIZE % STACK_ALIGN == 0);

global_asm!(
    include_str!("switch.S"),
    FRAME_SIZE = const size_of::<SwitchFrame>(),
    GPR14 = const offset_of!(SwitchFrame, gpr),
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    CR_SAVE = const offset_of!(FrameHeader, cr_save),
    TOC_SAVE = const offset_of!(FrameHeader, toc_save),
    SAVED_STACK_POINTER = const offset_of!(ThreadHead, saved_stack_pointer),
);

unsafe extern "C" {
    fn thread_switch(from: *const ThreadHead, to: *const ThreadHead);
    fn thread_start();
}

/// The main function of a thread: gets its argument, never returns.
pub type ThreadMain = extern "C" fn(usize) -> !;

/// Prepares a new thread's stack, so that the first switch to it calls `main(argument)` with interrupts off.
///
/// # Safety
/// `head` names a stack of at least 4 KiB that is nobody else's, and is not running.
pub unsafe fn prepare(head: &ThreadHead, main: ThreadMain, argument: usize) {
    let outermost = head.stack_high.load(Ordering::Relaxed) - FRAME_HEADER_SIZE as u64;
    let frame_address = outermost - size_of::<SwitchFrame>() as u64;
    let mut frame = SwitchFrame {
        header: FrameHeader {
            back_chain: outermost,
            ..Default::default()
        },
        gpr: [0; 18],
    };
    frame.gpr[0] = main as usize as u64;
    frame.gpr[1] = argument as u64;
    let header = FrameHeader {
        lr_save: thread_start as *const () as u64,
        ..Default::default()
    };
    // SAFETY: the header lies at the very top of the stack, which the caller says is ours.
    unsafe { (outermost as *mut FrameHeader).write(header) };
    // SAFETY: the frame lies directly below the header.
    unsafe { (frame_address as *mut SwitchFrame).write(frame) };
    head.saved_stack_pointer.store(frame_address, Ordering::Relaxed);
}

/// Where a new thread begins: the outermost function of every thread but the boot thread.
pub fn start_address() -> u64 {
    thread_start as *const () as u64
}

/// Runs the thread `to`; returns when somebody switches back to `from`, the running thread.
///
/// # Safety
/// Interrupts are off; both are heads of threads that live; `from` is the running one, and `to` was left by a switch or
/// made by [`prepare`].
pub unsafe fn switch(from: *const ThreadHead, to: *const ThreadHead) {
    // SAFETY: as this function's own contract.
    unsafe { thread_switch(from, to) };
}

/// The running thread's head.
#[inline(always)]
pub fn current() -> *const ThreadHead {
    let head;
    // SAFETY: reads r13.
    unsafe { asm!("mr {}, 13", out(reg) head, options(nomem, nostack, preserves_flags, pure)) };
    head
}

/// Makes `head` the running thread's head: r13 from here on.
///
/// # Safety
/// Only for the first thread of a CPU, on whose stack the caller runs, and with interrupts off.
pub unsafe fn adopt(head: &'static ThreadHead) {
    // SAFETY: the compiler never uses r13 (ELFv2: thread pointer).
    unsafe { asm!("mr 13, {}", in(reg) head, options(nostack, preserves_flags)) };
}

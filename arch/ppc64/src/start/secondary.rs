//! Where a CPU begins that the firmware is asked to start, and how it finds its first thread.
#![allow(unsafe_code, reason = "the entry point is assembly")]

use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::abi::{FRAME_HEADER_SIZE, FrameHeader};
use crate::cpu::MAXIMUM;
use crate::msr;
use crate::thread::ThreadHead;

/// What a CPU that starts looks for: its own server, and beside it the thread that it is to run.
#[repr(C)]
struct Start {
    server: AtomicU64,
    /// Null: the entry is nobody's.
    head: AtomicPtr<ThreadHead>,
}

/// By the CPU's number.
static START: [Start; MAXIMUM] = [const {
    Start {
        server: AtomicU64::new(0),
        head: AtomicPtr::new(core::ptr::null_mut()),
    }
}; MAXIMUM];

global_asm!(
    include_str!("../to_little_endian.S"),
    include_str!("kernel_msr.S"),
    include_str!("secondary.S"),
    ".purgem to_little_endian",
    ".purgem kernel_msr",
    MSR_EE = const msr::EE,
    MSR_ME = const msr::ME,
    MSR_RI = const msr::RI,
    START = sym START,
    START_COUNT = const MAXIMUM,
    START_SIZE = const size_of::<Start>(),
    START_SERVER = const offset_of!(Start, server),
    START_HEAD = const offset_of!(Start, head),
    STACK_HIGH = const offset_of!(ThreadHead, stack_high),
    FRAME_HEADER_SIZE = const FRAME_HEADER_SIZE,
    FRAME_LR_SAVE = const offset_of!(FrameHeader, lr_save),
);

unsafe extern "C" {
    fn secondary_start();
}

/// Lets the CPU `number`, which the machine calls `server`, run the thread `head` when the firmware starts it at the address
/// that this answers.
///
/// # Panics
/// There is no such number.
pub fn offer(number: usize, server: u32, head: &'static ThreadHead) -> u64 {
    let start = &START[number];
    start.server.store(server.into(), Ordering::Relaxed);
    start
        .head
        .store(core::ptr::from_ref(head).cast_mut(), Ordering::Release);
    start_address()
}

/// Where a CPU begins: the outermost function of its first thread.
pub fn start_address() -> u64 {
    secondary_start as *const () as u64
}

/// Takes the offer back: a CPU that comes from now on stays where it begins.
///
/// # Panics
/// There is no such number.
pub fn withdraw(number: usize) {
    START[number].head.store(core::ptr::null_mut(), Ordering::Release);
}

//! Running a piece of code one instruction at a time, with somebody who looks at every one.
//!
//! What runs must not use load-and-reserve loops (`AtomicU64::fetch_add` and its kind): an exception between the two
//! halves takes the reservation away, every time.
#![allow(
    unsafe_code,
    reason = "the observer waits behind a raw pointer while its thread runs"
)]

use core::sync::atomic::Ordering;

use arch::entry::ExceptionFrame;
use arch::step;

use crate::thread;

/// Who looks. It is called before the instruction at `frame.nip`, on the stepped thread's stack, with interrupts off; what
/// it does itself is not stepped.
pub type Observer<'a> = dyn FnMut(&mut ExceptionFrame) + 'a;

/// Runs `body` one instruction at a time.
pub fn run<R>(observer: &mut Observer<'_>, body: impl FnOnce() -> R) -> R {
    let mut observer: *mut Observer<'_> = observer;
    let thread = thread::current();
    thread
        .observer
        .store(&raw mut observer as usize, Ordering::Relaxed);
    step::set(true);
    let result = body();
    step::set(false);
    thread.observer.store(0, Ordering::Relaxed);
    result
}

/// The handler of the trace exception: one instruction was executed.
pub(crate) fn trace(frame: &mut ExceptionFrame) {
    let thread = thread::current();
    let observer = thread.observer.load(Ordering::Relaxed) as *mut *mut Observer<'_>;
    if observer.is_null() {
        // Stepping was left on by somebody who is gone: a thread that was ended in the middle of a stepped call.
        frame.msr &= !arch::msr::SE;
        return;
    }
    // SAFETY: `run` has stored the address of its own pointer and is still on this thread's stack.
    let observer = unsafe { *observer };
    // SAFETY: `run` holds the only reference for as long as it steps, and is stopped meanwhile.
    let observer = unsafe { &mut *observer };
    observer(frame);
}

//! Whether any thread may come back to a piece of memory.

use alloc::string::String;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::interrupts;

use super::{Thread, all, current};

/// The name of a thread that has an address in `range` anywhere in the live part of its stack.
///
/// Whatever a thread may return to, jump to or read lies there, in a frame, an exception frame or the switch frame:
/// so `None` is proof that nobody comes back. A stale word can make the answer `Some` without need; then the caller
/// tries again later.
pub fn find_stack_word_in(range: Range<u64>) -> Option<String> {
    interrupts::without(|| {
        let me = current();
        all()
            .into_iter()
            .find(|thread| thread.id != me.id && stack_words(thread).any(|word| range.contains(&word)))
            .map(|thread| thread.name.clone())
    })
}

/// The words between a sleeping thread's stack pointer and the end of its stack.
#[allow(unsafe_code, reason = "reads another thread's stack")]
fn stack_words(thread: &Thread) -> impl Iterator<Item = u64> {
    let low = thread.head.saved_stack_pointer.load(Ordering::Relaxed);
    let high = thread.head.stack_high.load(Ordering::Relaxed);
    (low..high).step_by(8).map(|address| {
        // SAFETY: the address lies in the thread's stack, which lives as long as the thread; interrupts are off, so it does not run.
        unsafe { (address as *const u64).read_volatile() }
    })
}

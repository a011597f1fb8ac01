//! Whether any thread may come back to a piece of memory.

use alloc::string::String;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::interrupts;

use super::{Thread, all, current};

/// The name of a thread, other than the running one, with an address in `range` anywhere in the live part of its stack.
///
/// Whatever a thread may return to, jump to or read lies there, in a frame, an exception frame or the switch frame:
/// so `None` is proof that nobody comes back. A stale word can make the answer `Some` without need; then the caller
/// tries again later.
pub fn find_stack_word_in(range: Range<u64>) -> Option<String> {
    find(|thread| stack_words(thread).any(|word| range.contains(&word)))
}

/// The name of a thread, other than the running one, that is in a hook's stub or in a trampoline, or in what one of
/// these called, and has an address in one of `ranges` on its stack.
pub fn find_in_trampoline_with(ranges: &[Range<u64>]) -> Option<String> {
    let code = [arch::image::trampolines(), arch::image::stub_area()];
    let reaches = |thread: &Thread, ranges: &[Range<u64>]| {
        stack_words(thread).any(|word| ranges.iter().any(|range| range.contains(&word)))
    };
    find(|thread| reaches(thread, &code) && reaches(thread, ranges))
}

fn find(matches: impl Fn(&Thread) -> bool) -> Option<String> {
    interrupts::without(|| {
        let me = current();
        let found = all()
            .into_iter()
            .find(|thread| thread.id != me.id && matches(thread));
        found.map(|thread| thread.name.clone())
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

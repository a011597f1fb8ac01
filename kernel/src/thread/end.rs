//! The end of a thread, which others wait for, and which outlives the thread's memory.

use core::sync::atomic::{AtomicBool, Ordering};

use super::WaitQueue;

/// Whether a thread has ended and left its stack.
pub(super) struct End {
    is_over: AtomicBool,
    waiting: WaitQueue,
}

impl End {
    pub(super) fn new() -> Self {
        End {
            is_over: AtomicBool::new(false),
            waiting: WaitQueue::with_room_for_one(),
        }
    }

    pub(super) fn has_come(&self) {
        self.is_over.store(true, Ordering::Release);
        self.waiting.wake_all();
    }

    pub(super) fn wait(&self) {
        self.waiting.wait_until(|| self.is_over.load(Ordering::Acquire));
    }
}

//! Where a CPU stands that another one has stopped: on top of an exception's frame, which the other may look at meanwhile.

use core::sync::atomic::{AtomicUsize, Ordering};

use arch::entry::ExceptionFrame;
use arch::thread::ThreadHead;

use super::MAXIMUM;
use crate::thread;

/// Where one CPU stands, if it does.
pub(super) struct Stand {
    /// Address of the exception frame with everything that it had in its registers; 0 while it does not stand.
    frame: AtomicUsize,
    /// Address of the head of the thread that it runs.
    thread: AtomicUsize,
}

impl Stand {
    /// One for each CPU.
    pub(super) const fn all() -> [Stand; MAXIMUM] {
        [const {
            Stand {
                frame: AtomicUsize::new(0),
                thread: AtomicUsize::new(0),
            }
        }; MAXIMUM]
    }

    /// The running CPU stands on top of this frame.
    pub(super) fn enter(&self, frame: &mut ExceptionFrame) {
        let thread = core::ptr::from_ref(thread::current_head()) as usize;
        self.thread.store(thread, Ordering::Relaxed);
        self.frame.store(&raw mut *frame as usize, Ordering::Release);
    }

    /// It goes on.
    pub(super) fn leave(&self) {
        self.thread.store(0, Ordering::Relaxed);
        self.frame.store(0, Ordering::Release);
    }

    /// Whether it stands.
    pub(super) fn is_taken(&self) -> bool {
        !self.frame().is_null()
    }

    /// The frame, as long as it stands; null otherwise.
    pub(super) fn frame(&self) -> *mut ExceptionFrame {
        self.frame.load(Ordering::Acquire) as *mut ExceptionFrame
    }

    /// The head of its thread, as long as it stands; null otherwise.
    pub(super) fn thread(&self) -> *const ThreadHead {
        self.thread.load(Ordering::Relaxed) as *const ThreadHead
    }
}

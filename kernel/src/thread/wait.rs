//! Waiting for a condition.

use alloc::sync::Arc;
use alloc::vec::Vec;

use arch::interrupts;

use super::{State, Thread, current, scheduler};
use crate::sync::IrqLock;

/// Threads that wait for the same thing.
#[derive(Default)]
pub struct WaitQueue(IrqLock<Vec<Arc<Thread>>>);

impl WaitQueue {
    /// A queue in which nobody waits.
    pub const fn new() -> Self {
        WaitQueue(IrqLock::new(Vec::new()))
    }

    /// A queue that needs no memory until more than one thread waits: who starts to wait must not change how much of the
    /// heap is in use at a moment that nobody can foresee.
    pub(super) fn with_room_for_one() -> Self {
        WaitQueue(IrqLock::new(Vec::with_capacity(1)))
    }

    /// Blocks until `condition` holds. It is asked with interrupts off, first now and then after every wake-up.
    pub fn wait_until(&self, mut condition: impl FnMut() -> bool) {
        interrupts::without(|| {
            while !condition() {
                let thread = current();
                thread.set_state(State::Blocked);
                self.0.lock().push(thread);
                scheduler::schedule();
            }
        });
    }

    /// Wakes all who wait; each asks its condition again.
    pub fn wake_all(&self) {
        let waiting = core::mem::take(&mut *self.0.lock());
        for thread in waiting {
            scheduler::wake(&thread);
        }
    }
}

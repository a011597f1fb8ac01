//! Waiting for a condition.

use alloc::sync::Arc;
use alloc::vec::Vec;

use arch::interrupts;

use super::{State, Thread, current, scheduler};
use crate::sync::{IrqLock, Rank};

/// Threads that wait for the same thing.
pub struct WaitQueue(IrqLock<Vec<Arc<Thread>>>);

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl WaitQueue {
    /// A queue in which nobody waits.
    pub const fn new() -> Self {
        WaitQueue(IrqLock::new(Rank::WaitQueue, Vec::new()))
    }

    /// A queue that needs no memory until more than one thread waits: who starts to wait must not change how much of the
    /// heap is in use at a moment that nobody can foresee.
    pub(super) fn with_room_for_one() -> Self {
        WaitQueue(IrqLock::new(Rank::WaitQueue, Vec::with_capacity(1)))
    }

    /// Blocks until `condition` holds. It is asked with interrupts off, first now and then after every wake-up.
    pub fn wait_until(&self, mut condition: impl FnMut() -> bool) {
        interrupts::without(|| {
            if condition() {
                return;
            }
            loop {
                let thread = current();
                // In this order: who makes the condition true and takes the queue before the thread enters it is seen by the
                // condition below; who takes it later finds the thread there, and sees it blocked.
                thread.set_state(State::Blocked);
                self.enter(&thread);
                if condition() {
                    thread.set_state(State::Runnable);
                    self.leave(&thread);
                    return;
                }
                drop(thread);
                scheduler::schedule();
            }
        });
    }

    fn enter(&self, thread: &Arc<Thread>) {
        let mut waiting = self.0.lock();
        // Who was woken by somebody else is still there.
        if !waiting.iter().any(|other| Arc::ptr_eq(other, thread)) {
            waiting.push(thread.clone());
        }
    }

    fn leave(&self, thread: &Arc<Thread>) {
        let mut waiting = self.0.lock();
        waiting.retain(|other| !Arc::ptr_eq(other, thread));
        if waiting.is_empty() {
            // What is in use of the heap shall not depend on who has waited here.
            *waiting = Vec::new();
        }
    }

    /// Wakes all who wait; each asks its condition again.
    pub fn wake_all(&self) {
        let waiting = core::mem::take(&mut *self.0.lock());
        for thread in waiting {
            scheduler::wake(&thread);
        }
    }
}

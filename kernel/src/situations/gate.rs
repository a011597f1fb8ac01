//! Where a B or a C sleeps until a case lets it go on: no case depends on how fast the machine is.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::thread::{JoinHandle, State, Thread, WaitQueue, spawn, yield_now};

/// Open, or closed: then who comes waits.
pub struct Gate {
    closed: AtomicBool,
    waiting: WaitQueue,
}

/// The one gate that all B and C wait at.
pub static GATE: Gate = Gate {
    closed: AtomicBool::new(false),
    waiting: WaitQueue::new(),
};

impl Gate {
    /// From here on, who comes waits.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Lets everybody through, who waits and who comes.
    pub fn open(&self) {
        self.closed.store(false, Ordering::Release);
        self.waiting.wake_all();
    }

    /// Closes it, and lets so many threads sleep there, a few calls deep.
    pub fn sleepers(&'static self, count: usize) -> Vec<JoinHandle<()>> {
        self.close();
        let sleep = |_| {
            let thread = spawn("sleeper", || self.wait());
            self.wait_for(thread.thread());
            thread
        };
        (0..count).map(sleep).collect()
    }

    /// Waits until the gate is open.
    pub fn wait(&self) {
        self.waiting.wait_until(|| !self.closed.load(Ordering::Acquire));
    }

    /// Returns when `thread` waits at the gate, or has come to its end without.
    pub fn wait_for(&self, thread: &Thread) {
        while thread.state() == State::Runnable {
            yield_now();
        }
    }
}

/// The same for modules in C.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "C calls it by its name")]
extern "C" fn wait_at_gate() {
    GATE.wait();
}

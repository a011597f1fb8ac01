//! `linux/completion.h`: waiting until somebody says that something is done.
#![allow(unsafe_code, reason = "C calls these by their names")]

use core::sync::atomic::{AtomicU32, Ordering};

use arch::time::timebase;

use super::jiffies::JIFFY;
use crate::thread::{self, WaitQueue};

/// `struct completion`.
#[repr(C)]
struct CCompletion {
    /// How many may pass; all ones: everybody.
    done: AtomicU32,
}

const EVERYBODY: u32 = u32::MAX;

/// All who wait for any completion: each asks for its own.
static WAITING: WaitQueue = WaitQueue::new();

impl CCompletion {
    /// Passes, if that takes no waiting.
    fn pass(&self) -> bool {
        let one_less = |done| match done {
            0 => None,
            EVERYBODY => Some(EVERYBODY),
            done => Some(done - 1),
        };
        self.done
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, one_less)
            .is_ok()
    }
}

#[unsafe(no_mangle)]
extern "C" fn complete(completion: &CCompletion) {
    let one_more = |done: u32| Some(done.saturating_add(1));
    let _ = completion
        .done
        .fetch_update(Ordering::Release, Ordering::Relaxed, one_more);
    WAITING.wake_all();
}

#[unsafe(no_mangle)]
extern "C" fn complete_all(completion: &CCompletion) {
    completion.done.store(EVERYBODY, Ordering::Release);
    WAITING.wake_all();
}

#[unsafe(no_mangle)]
extern "C" fn wait_for_completion(completion: &CCompletion) {
    WAITING.wait_until(|| completion.pass());
}

/// Jiffies that were left, at least 1; 0 when time was over.
#[unsafe(no_mangle)]
extern "C" fn wait_for_completion_timeout(completion: &CCompletion, jiffies: u64) -> u64 {
    let end = timebase().saturating_add(jiffies.saturating_mul(JIFFY));
    while !completion.pass() {
        if timebase() >= end {
            return 0;
        }
        thread::sleep(JIFFY / 4);
    }
    (end.saturating_sub(timebase()) / JIFFY).max(1)
}

#[unsafe(no_mangle)]
extern "C" fn try_wait_for_completion(completion: &CCompletion) -> bool {
    completion.pass()
}

#[unsafe(no_mangle)]
extern "C" fn completion_done(completion: &CCompletion) -> bool {
    completion.done.load(Ordering::Acquire) != 0
}

//! Who waits for whom: a change waits for the calls that began before it, and a change of everything waits for all others.

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use arch::time::{TICKS_PER_SECOND, timebase};

use super::failure;
use crate::thread;

/// Ticks of the timebase: 20 s. Nothing here takes nearly as long on a machine that makes any progress.
pub(super) const PATIENCE: u64 = 20 * TICKS_PER_SECOND;
/// Ticks of the timebase between two looks: 100 us.
pub(super) const GLANCE: u64 = TICKS_PER_SECOND / 10_000;

/// The most threads that call.
pub(super) const CALLERS: usize = 2 * crate::cpu::MAXIMUM;

/// For each thread that calls, how many calls it has begun and ended: odd while it is in one.
static CALLS: [AtomicU64; CALLERS] = [const { AtomicU64::new(0) }; CALLERS];

/// The time of one call. Who learns within it where calls may go, can rely on that until it ends.
pub(super) struct InCall(usize);

impl InCall {
    /// Begins a call of this caller.
    pub(super) fn begin(caller: usize) -> InCall {
        CALLS[caller].fetch_add(1, Ordering::SeqCst);
        // Either the one who makes a change sees this call, or this call sees the change.
        fence(Ordering::SeqCst);
        InCall(caller)
    }
}

impl Drop for InCall {
    fn drop(&mut self) {
        CALLS[self.0].fetch_add(1, Ordering::SeqCst);
    }
}

/// How many calls a caller has begun and ended.
pub(super) fn progress(caller: usize) -> u64 {
    CALLS[caller].load(Ordering::Relaxed)
}

/// Returns when every call has ended that began before what the caller of this has just changed. Answers `false` when something
/// went wrong meanwhile, or when that takes too long, which is wrong itself.
pub(super) fn wait_for_calls() -> bool {
    fence(Ordering::SeqCst);
    let begun: Vec<u64> = CALLS.iter().map(|calls| calls.load(Ordering::SeqCst)).collect();
    let start = timebase();
    for (caller, begun) in begun.into_iter().enumerate().filter(|(_, begun)| begun % 2 == 1) {
        while CALLS[caller].load(Ordering::SeqCst) == begun {
            if failure::has_come() {
                return false;
            }
            if timebase() - start > PATIENCE {
                failure::fail(format!("caller {caller} does not come back from a call"));
                return false;
            }
            thread::sleep(GLANCE);
        }
    }
    true
}

/// Somebody changes everything.
static ALONE: AtomicBool = AtomicBool::new(false);
/// How many change something of their own.
static TOGETHER: AtomicUsize = AtomicUsize::new(0);

/// The right to change what is one's own.
pub(super) struct Together;

impl Together {
    /// Waits while somebody is alone.
    pub(super) fn enter() -> Together {
        loop {
            TOGETHER.fetch_add(1, Ordering::SeqCst);
            if !ALONE.load(Ordering::SeqCst) {
                return Together;
            }
            TOGETHER.fetch_sub(1, Ordering::SeqCst);
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        TOGETHER.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The right to change what is others'.
pub(super) struct Alone;

impl Alone {
    /// Waits until all others have done.
    pub(super) fn enter() -> Alone {
        while ALONE.swap(true, Ordering::SeqCst) {
            thread::sleep(GLANCE);
        }
        while TOGETHER.load(Ordering::SeqCst) != 0 {
            thread::sleep(GLANCE);
        }
        Alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        ALONE.store(false, Ordering::SeqCst);
    }
}

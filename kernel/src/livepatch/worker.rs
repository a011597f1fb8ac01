//! Who tries again while threads are where they must not be: a thread of its own, that there is only as long as there is
//! something to wait for.

use core::sync::atomic::{AtomicBool, Ordering};

use super::lifecycle::{is_in_transition, retry};
use crate::thread;

/// Ticks of the timebase between two attempts: 5 ms. A thread in the way costs a few thousand instructions each time.
const PATIENCE: u64 = arch::time::TICKS_PER_SECOND / 200;

static IS_THERE: AtomicBool = AtomicBool::new(false);

/// Sees to it that somebody tries again.
pub(super) fn wake() {
    if !IS_THERE.swap(true, Ordering::AcqRel) {
        drop(thread::spawn("livepatch", work));
    }
}

fn work() {
    loop {
        while is_in_transition() {
            thread::sleep(PATIENCE);
            retry();
        }
        IS_THERE.store(false, Ordering::Release);
        // A transition that began in between has found this thread still there.
        if !is_in_transition() || IS_THERE.swap(true, Ordering::AcqRel) {
            return;
        }
    }
}

/// Waits until no transition is going on.
pub fn settle() {
    while is_in_transition() {
        thread::sleep(PATIENCE / 2);
    }
}

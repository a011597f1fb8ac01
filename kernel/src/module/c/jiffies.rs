//! `linux/jiffies.h`: time as a variable that the tick keeps.
#![allow(unsafe_code, reason = "C reads it by its name")]

use core::sync::atomic::{AtomicU64, Ordering};

use arch::time::TICKS_PER_SECOND;

use crate::logging;

/// Jiffies in a second; `HZ` in C.
const HZ: u64 = 250;
/// Ticks of the timebase in a jiffy.
pub(super) const JIFFY: u64 = TICKS_PER_SECOND / HZ;

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "C's name")]
static jiffies: AtomicU64 = AtomicU64::new(0);

/// Sets the variable to the time. The tick calls it.
pub(crate) fn update_jiffies() {
    jiffies.store(logging::uptime() / JIFFY, Ordering::Relaxed);
}

//! `linux/delay.h` and `linux/sched.h`: letting time pass.
#![allow(unsafe_code, reason = "C calls these by their names")]

use core::ffi::{c_long, c_uint, c_ulong};

use arch::time::{TICKS_PER_SECOND, timebase};

use super::jiffies::JIFFY;
use crate::thread;

/// Sleeps at least so many milliseconds.
#[unsafe(no_mangle)]
extern "C" fn msleep(milliseconds: c_uint) {
    thread::sleep(u64::from(milliseconds) * (TICKS_PER_SECOND / 1000));
}

/// Sleeps at least so many microseconds.
#[unsafe(no_mangle)]
extern "C" fn usleep_range(least: c_ulong, _most: c_ulong) {
    thread::sleep(least * (TICKS_PER_SECOND / 1_000_000));
}

/// Waits so many microseconds.
#[unsafe(no_mangle)]
extern "C" fn udelay(microseconds: c_ulong) {
    let end = timebase() + microseconds * (TICKS_PER_SECOND / 1_000_000);
    while timebase() < end {
        arch::hcall::spin_hint();
    }
}

/// Waits so many milliseconds.
#[unsafe(no_mangle)]
extern "C" fn mdelay(milliseconds: c_ulong) {
    udelay(1000 * milliseconds);
}

/// Lets others run; `yield` in C.
#[unsafe(export_name = "yield")]
extern "C" fn yield_() {
    thread::yield_now();
}

/// Sleeps so many jiffies.
#[unsafe(no_mangle)]
extern "C" fn schedule_timeout_uninterruptible(jiffies: c_long) -> c_long {
    thread::sleep(jiffies.max(0) as u64 * JIFFY);
    0
}

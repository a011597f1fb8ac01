//! `linux/delay.h`.
#![allow(unsafe_code, reason = "C calls these by their names")]

use core::ffi::c_uint;

use crate::thread;

/// Sleeps at least so many milliseconds.
#[unsafe(no_mangle)]
extern "C" fn msleep(milliseconds: c_uint) {
    thread::sleep(u64::from(milliseconds) * (arch::time::TICKS_PER_SECOND / 1000));
}

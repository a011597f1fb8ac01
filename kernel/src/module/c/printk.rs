//! `_printk`, for modules in C. Its entry, which puts the arguments into a list, is `arch/ppc64/src/variadic/printk.S`.
#![allow(unsafe_code, reason = "C's variable arguments, and C's strings")]

use alloc::string::String;
use core::ffi::{CStr, c_char, c_int};

use kernel_core::printf::{self, Arguments};
use log::Level;

/// The next of the variable arguments, which lie one after the other in the caller's frame.
struct CArguments(*const u64);

impl Arguments for CArguments {
    fn next(&mut self) -> u64 {
        // SAFETY: the caller of `_printk` passed what its format announces, and each of these takes a doubleword.
        let argument = unsafe { self.0.read() };
        self.0 = self.0.wrapping_add(1);
        argument
    }

    fn string(&self, address: u64, limit: usize) -> &[u8] {
        let start = address as *const u8;
        let mut length = 0;
        // SAFETY: the caller passed a string that ends with NUL where its format says %s; no byte behind that is read.
        while length < limit && unsafe { start.wrapping_add(length).read() } != 0 {
            length += 1;
        }
        // SAFETY: these bytes were read just now, and live as long as the call of `_printk`.
        unsafe { core::slice::from_raw_parts(start, length) }
    }
}

/// Prints to the log. A format may begin with the level: `\x01` and a digit, as the macros of `linux/printk.h` have it.
///
/// # Safety
/// The arguments are what the format announces, one after the other, and strings end with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn printk(format: *const c_char, arguments: *const u64) -> c_int {
    // SAFETY: a string that ends with NUL, as the caller promises.
    let format = unsafe { CStr::from_ptr(format) }.to_bytes();
    let (level, format) = match format {
        [1, digit, rest @ ..] => (level(*digit), rest),
        _ => (Level::Warn, format),
    };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = printf::write(&mut text, format, &mut CArguments(arguments));
    text.trim_end_matches('\n')
        .lines()
        .for_each(|line| log::log!(target: "", level, "{line}"));
    text.len() as c_int
}

/// Linux has eight levels.
fn level(digit: u8) -> Level {
    match digit {
        b'0'..=b'3' => Level::Error,
        b'4' => Level::Warn,
        b'5' | b'6' => Level::Info,
        _ => Level::Debug,
    }
}

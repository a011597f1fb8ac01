//! `_printk`, for modules in C. Its entry, which puts the arguments into a list, is `arch/ppc64/src/variadic/variadic.S`.
#![allow(unsafe_code, reason = "C's variable arguments, and C's strings")]

use alloc::string::String;
use core::ffi::{CStr, c_char, c_int};
use core::fmt::{self, Write};

use kernel_core::printf::{self, Arguments};
use log::Level;

use crate::{logging, symbols};

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

    fn bytes(&self, address: u64, count: usize) -> &[u8] {
        // SAFETY: the caller passed a pointer to as many bytes as its format announces; they live as long as its call.
        unsafe { core::slice::from_raw_parts(address as *const u8, count) }
    }

    fn symbol(&self, out: &mut dyn Write, address: u64, with_offset: bool) -> fmt::Result {
        let mut result = None;
        symbols::resolve(address, &mut |location| {
            let (path, offset, size) = (location.path(), location.offset, location.size);
            let mut written = write!(out, "{path}");
            if with_offset {
                written = written.and_then(|()| write!(out, "+{offset:#x}/{size:#x}"));
            }
            if let Some(module) = location.module {
                written = written.and_then(|()| write!(out, " [{module}]"));
            }
            result = Some(written);
        });
        result.unwrap_or_else(|| write!(out, "{address:#x}"))
    }
}

/// The text of a format and its list of arguments.
///
/// # Safety
/// The arguments are what the format announces, one after the other, and strings end with NUL.
pub(super) unsafe fn text(format: &CStr, arguments: *const u64) -> String {
    bytes_text(format.to_bytes(), arguments)
}

fn bytes_text(format: &[u8], arguments: *const u64) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = printf::write(&mut text, format, &mut CArguments(arguments));
    text
}

/// Prints to the log. A format may begin with the level: `\x01` and a digit, as the macros of `linux/printk.h` have it.
///
/// # Safety
/// The arguments are what the format announces, one after the other, and strings end with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn printk(format: *const c_char, arguments: *const u64) -> c_int {
    // SAFETY: a string that ends with NUL, as the caller promises.
    let format = unsafe { CStr::from_ptr(format) }.to_bytes();
    let (number, format) = match format {
        [1, digit @ b'0'..=b'7', rest @ ..] => (digit - b'0', rest),
        [1, _, rest @ ..] => (logging::USER_LEVEL, rest),
        _ => (logging::USER_LEVEL, format),
    };
    let text = bytes_text(format, arguments);
    if level(number) <= log::max_level() {
        let lines = text.trim_end_matches('\n').lines();
        lines.for_each(|line| logging::emit(number, format_args!("{line}")));
    }
    text.len() as c_int
}

/// Linux has eight levels.
fn level(number: u8) -> Level {
    match number {
        0..=3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        _ => Level::Debug,
    }
}

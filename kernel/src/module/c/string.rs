//! `linux/string.h`, and what prints to memory.
#![allow(unsafe_code, reason = "C's strings")]

use core::cmp::Ordering;
use core::ffi::{CStr, c_char, c_int};
use core::ptr::null_mut;

use kernel_core::errno::Errno;

use super::printk;

/// The bytes of a string.
///
/// # Safety
/// It ends with NUL, and lives as long as what is returned is used.
unsafe fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(string) }.to_bytes()
}

fn compare(left: &[u8], right: &[u8]) -> c_int {
    match left.cmp(right) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// Compares two strings.
///
/// # Safety
/// They end with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn strcmp(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: as the caller promises.
    let left = unsafe { bytes(left) };
    // SAFETY: as the caller promises.
    compare(left, unsafe { bytes(right) })
}

/// Compares the first bytes of two strings.
///
/// # Safety
/// They end with NUL, or have as many bytes as are compared.
#[unsafe(no_mangle)]
unsafe extern "C" fn strncmp(left: *const u8, right: *const u8, size: usize) -> c_int {
    for index in 0..size {
        // SAFETY: no earlier byte was the string's last, and there are so many, as the caller promises.
        let left = unsafe { left.wrapping_add(index).read() };
        // SAFETY: as above: no earlier byte was a NUL, or the two would have differed.
        let right = unsafe { right.wrapping_add(index).read() };
        if left != right || left == 0 {
            return c_int::from(left) - c_int::from(right);
        }
    }
    0
}

/// Copies a string, or as much of it as there is room for, always with its end.
///
/// # Safety
/// `from` ends with NUL; `to` has room for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn strscpy(to: *mut u8, from: *const c_char, size: usize) -> isize {
    // SAFETY: as the caller promises.
    let from = unsafe { bytes(from) };
    // SAFETY: as the caller promises.
    let copied = unsafe { put(to, from, size) };
    if copied == from.len() && size != 0 {
        copied as isize
    } else {
        -(Errno::TooBig.number() as isize)
    }
}

/// The first place of a character.
///
/// # Safety
/// The string ends with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn strchr(string: *mut c_char, character: c_int) -> *mut c_char {
    // SAFETY: as the caller promises.
    let text = unsafe { CStr::from_ptr(string) }.to_bytes_with_nul();
    let found = text.iter().position(|&byte| byte == character as u8);
    found.map_or(null_mut(), |index| string.wrapping_add(index))
}

/// The first place of a string in another.
///
/// # Safety
/// They end with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn strstr(string: *mut c_char, part: *const c_char) -> *mut c_char {
    // SAFETY: as the caller promises.
    let text = unsafe { bytes(string) };
    // SAFETY: as the caller promises.
    let part = unsafe { bytes(part) };
    let found = (0..=text.len()).find(|&start| text[start..].starts_with(part));
    found.map_or(null_mut(), |index| string.wrapping_add(index))
}

/// Puts text and its end into `size` bytes; answers how much of the text that is.
///
/// # Safety
/// There is room for `size` bytes.
unsafe fn put(to: *mut u8, text: &[u8], size: usize) -> usize {
    let Some(room) = size.checked_sub(1) else {
        return 0;
    };
    let length = text.len().min(room);
    // SAFETY: as the caller promises; the text is somewhere else.
    unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), to, length) };
    // SAFETY: as the caller promises: `length` is below `size`.
    unsafe { to.wrapping_add(length).write(0) };
    length
}

/// Prints to memory; `snprintf` in C.
///
/// # Safety
/// As for `printk`, and there is room for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn snprint_list(
    to: *mut u8,
    size: usize,
    format: *const c_char,
    arguments: *const u64,
) -> c_int {
    // SAFETY: as the caller promises.
    let format = unsafe { CStr::from_ptr(format) };
    // SAFETY: as the caller promises.
    let text = unsafe { printk::text(format, arguments) };
    // SAFETY: as the caller promises.
    unsafe { put(to, text.as_bytes(), size) };
    text.len() as c_int
}

/// Prints to memory; `scnprintf` in C.
///
/// # Safety
/// As for `printk`, and there is room for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn scnprint_list(
    to: *mut u8,
    size: usize,
    format: *const c_char,
    arguments: *const u64,
) -> c_int {
    // SAFETY: as the caller promises.
    let length = unsafe { snprint_list(to, size, format, arguments) };
    length.min(size.saturating_sub(1) as c_int)
}

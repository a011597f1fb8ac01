//! `linux/seq_file.h`: files whose content is made when they are read.
#![allow(unsafe_code, reason = "C calls these by their names, with C's strings")]

use alloc::string::String;
use core::ffi::{CStr, c_char, c_int, c_void};

use kernel_core::errno::Errno;

use super::printk;

/// `struct seq_file`: where the content goes.
#[derive(Debug, Default)]
pub(crate) struct SeqFile {
    pub(crate) text: String,
}

/// What makes the content of a file; 0, or a negative error number.
pub(crate) type Show = extern "C" fn(&mut SeqFile, *mut c_void) -> c_int;

/// The content that `show` makes. It is called as anybody calls it, so a live patch of it has its effect.
///
/// # Errors
/// What `show` says.
pub(crate) fn read(show: Show) -> Result<String, Errno> {
    let mut file = SeqFile::default();
    match core::hint::black_box(show)(&mut file, core::ptr::null_mut()) {
        status @ ..0 => Err(Errno::from_number(status).unwrap_or(Errno::Invalid)),
        _ => Ok(file.text),
    }
}

/// Prints to a file; `seq_printf` in C.
///
/// # Safety
/// As for `printk`.
#[unsafe(no_mangle)]
unsafe extern "C" fn seq_print_list(file: &mut SeqFile, format: *const c_char, arguments: *const u64) {
    // SAFETY: a string that ends with NUL, as the caller promises.
    let format = unsafe { CStr::from_ptr(format) };
    // SAFETY: as the caller promises.
    let text = unsafe { printk::text(format, arguments) };
    file.text.push_str(&text);
}

/// Writes a string to a file.
///
/// # Safety
/// It ends with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn seq_puts(file: &mut SeqFile, string: *const c_char) {
    // SAFETY: as the caller promises.
    let string = unsafe { CStr::from_ptr(string) };
    file.text.push_str(&string.to_string_lossy());
}

/// Writes a character to a file.
#[unsafe(no_mangle)]
extern "C" fn seq_putc(file: &mut SeqFile, character: u8) {
    file.text.push(char::from(character));
}

/// Writes bytes to a file.
///
/// # Safety
/// There are so many.
#[unsafe(no_mangle)]
unsafe extern "C" fn seq_write(file: &mut SeqFile, bytes: *const u8, size: usize) -> c_int {
    // SAFETY: as the caller promises.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, size) };
    file.text.push_str(&String::from_utf8_lossy(bytes));
    0
}

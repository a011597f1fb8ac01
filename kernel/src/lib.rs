//! The kernel.
#![no_std]
#![deny(unsafe_code)]

pub mod console;

/// Exception.
#[unsafe(no_mangle)]
#[allow(unsafe_code)]
pub extern "C" fn exception_handler(frame: &mut arch::entry::ExceptionFrame) {
    console::write("exception");
    loop {}
}

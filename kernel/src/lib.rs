//! The kernel: threads, hooks, live patches, modules, console.
//!
//! What knows the processor is in `arch`; what is pure logic is in `kernel_core`.
#![no_std]
#![deny(unsafe_code)]
#![feature(c_variadic, patchable_function_entry)]

extern crate alloc;

pub mod console;
pub mod exceptions;
pub mod ftrace;
pub mod ktest;
pub mod livepatch;
pub mod memory;
pub mod module;
pub mod situations;
pub mod symbols;
pub mod sync;
pub mod thread;

pub use kernel_core::errno::Errno;

/// Runs the kernel on the boot thread: heap and console work, exceptions do not yet.
pub fn start() -> ! {
    arch::entry::install();
    ftrace::prime_classic_sites();
    thread::init();
    let passed = ktest::run(|_| true);
    println!("EXIT: STATUS={}", u8::from(!passed));
    loop {}
}

//! The kernel: threads, hooks, live patches, modules, console.
//!
//! What knows the processor is in `arch`; what is pure logic is in `kernel_core`.
#![no_std]
#![deny(unsafe_code)]
#![feature(c_variadic, patchable_function_entry, stmt_expr_attributes)]
#![allow(stable_features, reason = "c_variadic is stable from Rust 1.99 on")]

extern crate alloc;

pub mod backtrace;
pub mod boot_arguments;
pub mod console;
pub mod cpu;
pub mod exceptions;
pub mod ftrace;
pub mod initrd;
pub mod ktest;
pub mod livepatch;
pub mod logging;
pub mod machine;
pub mod matrix;
pub mod memory;
pub mod module;
pub mod panic;
pub mod power;
pub mod proc;
pub mod situations;
pub mod step;
pub mod symbols;
pub mod sync;
pub mod thread;
pub mod trace;
pub mod tree;
pub mod unwind;

mod bench;
mod kgdb;
mod platform;
mod selftest;
mod shell;
mod start;
mod stress;
mod suite;

pub use kernel_core::errno::Errno;
pub use log;
pub use start::{Entry, start};

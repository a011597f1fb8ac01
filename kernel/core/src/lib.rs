//! The pure logic of Tocsin: formats, tables and rules that need no processor and no unsafe code.
//!
//! It exists so that what can be decided from bytes alone is decided here, once, and is tested on the host: the kernel
//! reads with it what the host tools write with it. Nothing here knows an allocation policy, a lock or a device, and
//! nothing panics on input.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod address_map;
pub mod area;
pub mod bench;
pub mod cmdline;
#[cfg(any(feature = "debugger", test))]
pub mod debugger;
pub mod device_tree;
pub mod errno;
pub mod glob;
pub mod initrd;
pub mod insn;
pub mod ktap;
pub mod local_entry;
pub mod log_ring;
pub mod matrix;
pub mod module;
pub mod printf;
pub mod radix;
pub mod random;
pub mod ranges;
pub mod scan;
pub mod shell;
pub mod site;
pub mod stress;
pub mod symbols;
pub mod trace;
pub mod tree;

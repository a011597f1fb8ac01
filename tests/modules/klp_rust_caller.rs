//! A in another object than B: it calls a kernel function through a stub and restores its own TOC.
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

use kernel::Errno;
use kernel::situations::{Seen, b_reads_its_static, b_waits};

static A_OWN: AtomicU64 = AtomicU64::new(0x0a0a_0a0a_0a0a_0a0a);

/// A: calls B and then reads its own static.
#[unsafe(no_mangle)]
pub extern "C" fn rust_call_from_outside(argument: u64) -> Seen {
    let result = b_reads_its_static(argument);
    Seen { result, own: A_OWN.load(Ordering::Relaxed), toc: kernel::situations::toc_pointer() }
}

/// A: calls a B that takes its time, and then reads its own static.
#[unsafe(no_mangle)]
pub extern "C" fn rust_wait_from_outside() -> Seen {
    let result = b_waits();
    Seen { result, own: A_OWN.load(Ordering::Relaxed), toc: kernel::situations::toc_pointer() }
}

fn init() -> Result<(), Errno> {
    Ok(())
}

fn exit() {}

kernel::module! { name: "klp_rust_caller", license: "MIT OR Apache-2.0", init: init, exit: exit }

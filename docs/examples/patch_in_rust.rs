//! A live patch of a kernel function in Rust, and the call that shows it before and after.
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

use kernel::livepatch;
use kernel::{Errno, println, situations};

/// C's own static, which C reaches through its own TOC.
static OWN: AtomicU64 = AtomicU64::new(0xc0c0);

/// C: what runs when somebody calls B. It must have B's signature: anything else does not compile.
extern "C" fn replacement(argument: u64) -> u64 {
    OWN.load(Ordering::Relaxed) + argument
}

fn start() -> Result<(), Errno> {
    println!("before:  {:x?}", situations::a_calls_b(5));
    let patch = kernel::klp_patch! {
        name: "patch_in_rust",
        functions: { situations::b_reads_its_static => replacement }
    };
    livepatch::enable(patch).map_err(|error| {
        println!("patch_in_rust: {error}");
        error.errno()
    })?;
    println!("patched: {:x?}", situations::a_calls_b(5));
    Ok(())
}

fn stop() {}

kernel::module! { name: "patch_in_rust", license: "MIT OR Apache-2.0", livepatch: true, init: start, exit: stop }

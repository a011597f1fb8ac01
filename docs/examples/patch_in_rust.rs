//! A live patch of a kernel function in Rust, and the call that shows it before and after.
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

use kernel::livepatch::{self, KlpPatch};
use kernel::{Errno, println, situations};

/// C's own static, which C reaches through its own TOC.
static OWN: AtomicU64 = AtomicU64::new(0xc0c0);

/// C: what runs when somebody calls B. It has B's signature.
extern "C" fn replacement(argument: u64) -> u64 {
    OWN.load(Ordering::Relaxed) + argument
}

fn start() -> Result<(), Errno> {
    println!("before:  {:x?}", situations::a_calls_b(5));
    let functions = [("kernel::situations::local::b_reads_its_static", replacement as *const () as u64)];
    let patch = KlpPatch::of_kernel("patch_in_rust", &functions);
    let patch = KlpPatch { module: Some("patch_in_rust".into()), ..patch };
    livepatch::enable(patch).map_err(|error| {
        println!("patch_in_rust: {error}");
        error.errno()
    })?;
    println!("patched: {:x?}", situations::a_calls_b(5));
    Ok(())
}

fn stop() {}

kernel::module! { name: "patch_in_rust", license: "MIT OR Apache-2.0", livepatch: true, init: start, exit: stop }

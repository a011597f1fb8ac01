//! C in Rust: a live patch of kernel functions, with a TOC and statics of its own.
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

use kernel::livepatch;
use kernel::situations::{self, GATE};
use kernel::{Errno, log};

/// C's own static.
static C_OWN: AtomicU64 = AtomicU64::new(0x000c_000c_0000_0000);
/// The base of C's number system.
static TEN: AtomicU64 = AtomicU64::new(10);

extern "C" fn c_reads_its_static(argument: u64) -> u64 {
    C_OWN.load(Ordering::Relaxed) + argument
}

/// Writes over what earlier calls have left below the live stack: nobody shall be found there by a stale word.
#[inline(never)]
fn scrub() {
    core::hint::black_box([0x5au8; 16 * 1024]);
}

extern "C" fn c_waits() -> u64 {
    scrub();
    GATE.wait();
    C_OWN.load(Ordering::Relaxed)
}

#[allow(clippy::too_many_arguments, reason = "more than eight is the point")]
extern "C" fn c_ten_integers(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64, j: u64) -> u64 {
    let base = TEN.load(Ordering::Relaxed);
    C_OWN.load(Ordering::Relaxed) + [a, b, c, d, e, f, g, h, i, j].iter().fold(0, |number, digit| number * base + digit)
}

fn init() -> Result<(), Errno> {
    let patch = kernel::klp_patch! {
        name: "klp_rust",
        functions: {
            situations::b_reads_its_static => c_reads_its_static,
            situations::b_waits => c_waits,
            situations::b_ten_integers => c_ten_integers,
        },
    };
    livepatch::enable(patch).map_err(|error| {
        log::error!(target: "klp_rust", "{error}");
        error.errno()
    })
}

fn exit() {}

kernel::module! { name: "klp_rust", license: "MIT OR Apache-2.0", livepatch: true, init: init, exit: exit }

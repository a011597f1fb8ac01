//! C of the matrix in Rust, for the situations in which C is not alone (kernel/src/matrix/company.rs).
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

use kernel::matrix::subjects::{B_OWN, C_OWN, argument};
use kernel::situations::GATE;
use kernel::{Errno, livepatch};

static OWN: AtomicU64 = AtomicU64::new(C_OWN);

/// What C answers: its own static, and something else when its argument is not as it should be.
fn checked(one: u64) -> u64 {
    OWN.load(Ordering::Relaxed) + u64::from(one != argument(1))
}

/// Sleeps before it answers.
pub extern "C" fn c_sleeps(one: u64) -> u64 {
    GATE.wait();
    checked(one)
}

/// Meets a trap.
pub extern "C" fn c_faults(one: u64) -> u64 {
    if one != 0 {
        // SAFETY: stops the thread, which the case wants.
        unsafe { core::arch::asm!("trap") };
    }
    checked(one)
}

/// Never comes back.
pub extern "C" fn c_spins(one: u64) -> u64 {
    while OWN.load(Ordering::Relaxed) != 0 {
        core::hint::spin_loop();
    }
    one
}

/// Calls the B that it replaces, which answers B_OWN.
pub extern "C" fn c_original(one: u64) -> u64 {
    let Ok(original) = livepatch::original(None, "kernel::matrix::subjects::callers::b_local", 0) else { return 0 };
    // SAFETY: the registry answers the global entry of a function of b_local's type.
    let original = unsafe { core::mem::transmute::<usize, extern "C" fn(u64) -> u64>(original as usize) };
    let answer = original(one);
    checked(one) + if answer == B_OWN { 0 } else { 64 }
}

fn init() -> Result<(), Errno> {
    Ok(())
}

fn exit() {}

kernel::module! { name: "matrix_company_rust", license: "MIT OR Apache-2.0", init: init, exit: exit }

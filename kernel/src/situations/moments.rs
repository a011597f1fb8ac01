//! A calls B, and B takes its time: long enough for a patch to come or go meanwhile.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{GATE, Seen};

static A_OWN: AtomicU64 = AtomicU64::new(0x00aa_0000_00aa_0000);
static B_OWN: AtomicU64 = AtomicU64::new(0x0000_0000_0000_b000);

/// B: waits at the gate, then answers its static.
#[inline(never)]
pub extern "C" fn b_waits() -> u64 {
    let own = B_OWN.load(Ordering::Relaxed);
    GATE.wait();
    own
}

/// A: calls B and then reads its own static.
#[inline(never)]
pub extern "C" fn a_calls_b_that_waits() -> Seen {
    let result = b_waits();
    Seen {
        result,
        own: A_OWN.load(Ordering::Relaxed),
        toc: arch::abi::toc_pointer(),
    }
}

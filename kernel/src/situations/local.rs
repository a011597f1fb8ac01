//! A calls B inside one object: no nop behind the call, nobody saves r2.

use core::sync::atomic::{AtomicU64, Ordering};

use super::Seen;

/// A's own static.
pub static A_OWN: AtomicU64 = AtomicU64::new(0x000a_000a_000a_000a);
/// B's own static.
pub static B_OWN: AtomicU64 = AtomicU64::new(0x000b_000b_0000_0000);

/// B: adds its argument to its static.
#[inline(never)]
pub extern "C" fn b_reads_its_static(argument: u64) -> u64 {
    B_OWN.load(Ordering::Relaxed) + argument
}

/// A: calls B and then reads its own static.
#[inline(never)]
pub extern "C" fn a_calls_b(argument: u64) -> Seen {
    let result = b_reads_its_static(argument);
    Seen {
        result,
        own: A_OWN.load(Ordering::Relaxed),
        toc: arch::abi::toc_pointer(),
    }
}

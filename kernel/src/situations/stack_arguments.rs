//! A calls B with more arguments than registers hold: the last two lie in A's frame, from 96(r1) on.

use core::sync::atomic::{AtomicU64, Ordering};

use super::Seen;

/// A's own static.
pub static A_TEN_OWN: AtomicU64 = AtomicU64::new(0x0a10_0a10_0a10_0a10);

/// B's own static: the base of its number system.
static TEN: AtomicU64 = AtomicU64::new(10);

/// B: one decimal digit for each argument, the first one in front.
#[inline(never)]
#[allow(clippy::too_many_arguments, reason = "more than eight is the point")]
pub extern "C" fn b_ten_integers(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
    i: u64,
    j: u64,
) -> u64 {
    let base = TEN.load(Ordering::Relaxed);
    [a, b, c, d, e, f, g, h, i, j]
        .iter()
        .fold(0, |number, digit| number * base + digit)
}

/// A: calls B with the digits 1 to 9 and 0, and then reads its own static.
#[inline(never)]
pub extern "C" fn a_calls_ten() -> Seen {
    let digit = core::hint::black_box;
    let result = b_ten_integers(
        digit(1),
        digit(2),
        digit(3),
        digit(4),
        digit(5),
        digit(6),
        digit(7),
        digit(8),
        digit(9),
        digit(0),
    );
    Seen {
        result,
        own: A_TEN_OWN.load(Ordering::Relaxed),
        toc: arch::abi::toc_pointer(),
    }
}

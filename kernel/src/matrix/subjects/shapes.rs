//! What B, and C in its place, do: nothing, call others, call themselves, or leave by a jump.

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{A_STATIC, B_OWN, B_STATIC, C_OWN, Seen, argument, first_wrong, seen};

/// What [`matrix_sibling`] reads.
pub static SIBLING_STATIC: AtomicU64 = AtomicU64::new(C_OWN);

/// A function of the kernel that B and C call: it returns its argument, which the compiler must not know.
#[unsafe(no_mangle)]
#[inline(never)]
#[allow(unsafe_code, reason = "C calls it by its name")]
pub extern "C" fn matrix_passed(value: u64) -> u64 {
    black_box(value)
}

/// A function of the kernel that C leaves to by a jump, with what was argument 1 made argument 2: it answers for C.
#[unsafe(no_mangle)]
#[inline(never)]
#[allow(unsafe_code, reason = "C jumps to it by its name")]
pub extern "C" fn matrix_sibling(one: u64) -> u64 {
    SIBLING_STATIC.load(Ordering::Relaxed) + u64::from(one != argument(2))
}

/// The A that calls this B with the first argument.
macro_rules! a_calls {
    ($a:ident, $b:ident($($argument:expr),*)) => {
        /// A calls B.
        #[inline(never)]
        pub extern "C" fn $a(seen: &mut Seen) {
            seen!(seen, $b($(black_box($argument)),*));
        }
    };
}

/// A leaf: it has no frame, and what it puts into memory lies below r1.
#[inline(never)]
pub extern "C" fn b_leaf(one: u64) -> u64 {
    B_STATIC.load(Ordering::Relaxed) + first_wrong(black_box(&[one, argument(2)]))
}
a_calls!(a_leaf, b_leaf(argument(1)));

/// Calls another function and needs its second argument afterwards: it keeps that in r30, which it saves below r1 before
/// it has a frame.
#[inline(never)]
pub extern "C" fn b_non_leaf(one: u64, two: u64) -> u64 {
    let one = matrix_passed(one);
    B_STATIC.load(Ordering::Relaxed) + first_wrong(&[one, matrix_passed(two)])
}
a_calls!(a_non_leaf, b_non_leaf(argument(1), argument(2)));

/// What B answers when the B below it has answered `deeper`.
#[inline(always)]
fn b_above(deeper: u64) -> u64 {
    B_STATIC.load(Ordering::Relaxed) + u64::from(deeper != B_OWN)
}

/// A B that calls `$next` for each level below its own, and its A.
macro_rules! recursion {
    ($b:ident calls $next:ident) => {
        /// B calls a B again.
        #[inline(never)]
        pub extern "C" fn $b(depth: u64) -> u64 {
            b_above(if depth == 0 { B_OWN } else { $next(depth - 1) })
        }
    };
    ($a:ident, $b:ident: $depth:literal) => {
        recursion!($b calls $b);
        a_calls!($a, $b($depth));
    };
}
recursion!(a_recursion_1, b_recursion_1: 1);
recursion!(a_recursion_10, b_recursion_10: 10);
recursion!(a_recursion_200, b_recursion_200: 200);
recursion!(b_even calls b_odd);
recursion!(b_odd calls b_even);
a_calls!(a_even, b_even(10));

/// A B whose C does something that needs no more than one argument.
macro_rules! plain {
    ($($b:ident),*) => {$(
        /// B does nothing of note; its C does.
        #[inline(never)]
        pub extern "C" fn $b(one: u64) -> u64 {
            B_STATIC.load(Ordering::Relaxed) + first_wrong(&[one])
        }
    )*};
}
plain!(b_again, b_sibling, b_chain_1, b_chain_2, b_chain_3);
a_calls!(a_again, b_again(argument(1)));
a_calls!(a_sibling, b_sibling(argument(1)));
a_calls!(a_chain_1, b_chain_1(argument(1)));

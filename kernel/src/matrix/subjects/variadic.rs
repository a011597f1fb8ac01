//! Variadic functions: the callee puts r4 to r10 into the caller's frame, from 40(r1) on, where the others follow.
#![allow(
    unsafe_code,
    reason = "how many arguments there are is between caller and callee"
)]

use core::ffi::VaList;
use core::hint::black_box;
use core::sync::atomic::Ordering;

use super::arguments::b_answer;
use super::{A_STATIC, Seen, argument, seen};

/// The next variable argument, under the name that `VaList`'s method has from some version of Rust on…
pub trait NextArg {
    /// The next doubleword.
    ///
    /// # Safety
    /// The caller has given one more.
    unsafe fn next_arg(&mut self) -> u64;
}

/// … and under the one that it had before. Each calls the other's name: a method of the type itself goes before a trait's.
pub trait Arg {
    /// The next doubleword.
    ///
    /// # Safety
    /// The caller has given one more.
    unsafe fn arg(&mut self) -> u64;
}

impl NextArg for VaList<'_> {
    #[inline(always)]
    unsafe fn next_arg(&mut self) -> u64 {
        // SAFETY: the same contract.
        unsafe { self.arg() }
    }
}

impl Arg for VaList<'_> {
    #[inline(always)]
    unsafe fn arg(&mut self) -> u64 {
        // SAFETY: the same contract.
        unsafe { self.next_arg() }
    }
}

/// A variadic B with one named argument and so many others, and its A.
macro_rules! variadic {
    ($b:ident, $a:ident: $($number:literal),+) => {
        /// B reads its arguments one by one.
        ///
        /// # Safety
        /// The caller gives as many doublewords as B's name says, and one more in front.
        #[inline(never)]
        pub unsafe extern "C" fn $b(one: u64, mut others: ...) -> u64 {
            // SAFETY: so many doublewords were given, says the caller.
            let mut next = |_number: u64| -> u64 { unsafe { others.next_arg() } };
            b_answer(&[one, $(next($number)),+])
        }

        /// A calls a variadic B.
        #[inline(never)]
        pub extern "C" fn $a(seen: &mut Seen) {
            // SAFETY: one named argument, and as many as the name says.
            seen!(seen, unsafe { $b(black_box(argument(1)), $(black_box(argument($number))),+) });
        }
    };
}
variadic!(b_variadic_3, a_variadic_3: 2, 3, 4);
variadic!(b_variadic_12, a_variadic_12: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);

//! What A hands to B, and what it gets back.
//!
//! Each value is its own doubleword of the argument list, so that a C that finds a wrong one can say which. From the ninth
//! on they lie in A's frame, from 96(r1) on. Everything is `pub`: a private function with more than eight arguments would
//! get a calling convention of LLVM's own.

use core::hint::black_box;
use core::num::NonZero;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::{A_STATIC, B_STATIC, C_OWN, Seen, argument, first_wrong, seen};

/// What B answers.
#[inline(always)]
pub(super) fn b_answer(arguments: &[u64]) -> u64 {
    B_STATIC.load(Ordering::Relaxed) + first_wrong(arguments)
}

/// A B with so many integers, and its A.
macro_rules! integers {
    ($b:ident, $a:ident: $($name:ident = $number:literal),+) => {
        /// B with integers.
        #[inline(never)]
        #[allow(clippy::too_many_arguments, reason = "many are the point")]
        pub extern "C" fn $b($($name: u64),+) -> u64 {
            b_answer(&[$($name),+])
        }

        /// A calls B with integers.
        #[inline(never)]
        pub extern "C" fn $a(seen: &mut Seen) {
            seen!(seen, $b($(black_box(argument($number))),+));
        }
    };
}
integers!(b_integers_8, a_integers_8: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8);
integers!(b_integers_9, a_integers_9: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9);
integers!(b_integers_12, a_integers_12: a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12);

/// Two arguments of 128 bits: four registers.
#[inline(never)]
pub extern "C" fn b_u128(one: u128, three: u128) -> u64 {
    b_answer(&halves(one, three))
}

/// A calls B with integers of 128 bits.
#[inline(never)]
pub extern "C" fn a_u128(seen: &mut Seen) {
    seen!(seen, b_u128(black_box(wide(1)), black_box(wide(3))));
}

/// The arguments `number` and `number + 1` in one, the first in the lower half.
fn wide(number: u64) -> u128 {
    u128::from(argument(number)) | u128::from(argument(number + 1)) << 64
}

/// The doublewords that two integers of 128 bits are handed over in.
#[inline(always)]
pub fn halves(one: u128, three: u128) -> [u64; 4] {
    [one as u64, (one >> 64) as u64, three as u64, (three >> 64) as u64]
}

/// A struct of so many doublewords. By value it is handed over in registers as far as they reach; as a result it comes
/// back in r3 and r4, or, when it is larger, through a pointer that the caller hands over as a hidden first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Words<const N: usize>(pub [u64; N]);

impl<const N: usize> Words<N> {
    /// `first`, and behind it what the arguments from the second on are.
    #[inline(always)]
    pub fn led_by(first: u64) -> Self {
        let mut words = core::array::from_fn(|index| argument(index as u64 + 1));
        words[0] = first;
        Words(words)
    }

    /// The first word; nothing that anybody answers, if the others are not as they should be.
    fn answer(self) -> u64 {
        let first = self.0[0];
        if self == Words::led_by(first) {
            first
        } else {
            !C_OWN
        }
    }
}

/// A B with a struct of so many doublewords by value, and its A.
macro_rules! by_value {
    ($b:ident, $a:ident: $size:literal) => {
        /// B with a struct by value.
        #[inline(never)]
        pub extern "C" fn $b(words: Words<$size>) -> u64 {
            b_answer(&words.0)
        }

        /// A calls B with a struct by value.
        #[inline(never)]
        pub extern "C" fn $a(seen: &mut Seen) {
            let words = black_box(Words::led_by(argument(1)));
            seen!(seen, $b(words));
        }
    };
}
by_value!(b_struct_24, a_struct_24: 3);
by_value!(b_struct_96, a_struct_96: 12);

/// A B that answers a struct of so many doublewords, and its A.
macro_rules! returned {
    ($b:ident, $a:ident: $size:literal) => {
        /// B returns a struct.
        #[inline(never)]
        pub extern "C" fn $b(one: u64, two: u64) -> Words<$size> {
            Words::led_by(b_answer(&[one, two]))
        }

        /// A looks at every word of it.
        #[inline(never)]
        pub extern "C" fn $a(seen: &mut Seen) {
            seen!(
                seen,
                $b(black_box(argument(1)), black_box(argument(2))).answer()
            );
        }
    };
}
returned!(b_pair, a_pair: 2);
returned!(b_hidden_pointer, a_hidden_pointer: 3);

/// A slice as it is handed over: pointer and length. Of elements without a size, so that both may be any value.
pub type Slice<'a> = &'a [()];

/// The slice that is the arguments `number` and `number + 1`.
#[allow(unsafe_code, reason = "a pointer with the value that the row wants")]
fn slice(number: u64) -> Slice<'static> {
    let address = NonZero::new(argument(number) as usize).unwrap_or(NonZero::<usize>::MIN);
    let pointer = NonNull::<()>::without_provenance(address);
    // SAFETY: a slice of elements without a size is no memory: any pointer but null, and any length, is valid.
    unsafe { NonNull::slice_from_raw_parts(pointer, argument(number + 1) as usize).as_ref() }
}

/// The doublewords that five slices are handed over in.
#[inline(always)]
pub fn parts(slices: [Slice<'_>; 5]) -> [u64; 10] {
    let part = |index: usize| match index % 2 {
        0 => slices[index / 2].as_ptr() as u64,
        _ => slices[index / 2].len() as u64,
    };
    core::array::from_fn(part)
}

/// B with five slices, in Rust's own calling convention: ten doublewords.
#[inline(never)]
pub fn b_slices(a: Slice<'_>, b: Slice<'_>, c: Slice<'_>, d: Slice<'_>, e: Slice<'_>) -> u64 {
    b_answer(&parts([a, b, c, d, e]))
}

/// A calls B with five slices.
#[inline(never)]
pub extern "C" fn a_slices(seen: &mut Seen) {
    seen!(
        seen,
        b_slices(
            black_box(slice(1)),
            black_box(slice(3)),
            black_box(slice(5)),
            black_box(slice(7)),
            black_box(slice(9))
        )
    );
}

/// A calls a closure by its name, which is `a_closure::{closure#0}`: its first argument points to what it has captured.
#[inline(never)]
pub extern "C" fn a_closure(seen: &mut Seen) {
    let one = black_box(argument(1));
    let b_closure = #[inline(never)]
    move |two: u64| b_answer(&[one, two]);
    seen!(seen, b_closure(black_box(argument(2))));
}

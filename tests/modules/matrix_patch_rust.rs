//! C of the matrix in Rust: each checks its arguments and answers its own static, plus the number of the first wrong one.
//! What each is for says the row of its name in kernel/src/matrix/table.rs.
#![no_std]
#![feature(c_variadic)]
#![allow(stable_features, reason = "c_variadic is stable from Rust 1.99 on")]
#![allow(unused_imports, reason = "NextArg, from Rust 1.99 on")]

use core::arch::naked_asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kernel::Errno;
use kernel::matrix::subjects::{
    A_OWN, C_OWN, LOST_TOC, NextArg as _, Seen, Slice, Words, a_again, argument, b_chain_2, b_chain_3, b_even, b_odd, b_recursion_1,
    b_recursion_10, b_recursion_200, first_wrong, halves, matrix_passed, matrix_sibling, parts, toc_pointer,
};

/// What C reads of its own.
pub static OWN: AtomicU64 = AtomicU64::new(C_OWN);

/// What C answers: its own static, plus the number of the first argument that is not as it should be.
#[inline(always)]
fn checked(arguments: &[u64]) -> u64 {
    OWN.load(Ordering::Relaxed) + first_wrong(arguments)
}

/// A C with so many integers.
macro_rules! integers {
    ($($c:ident($($name:ident),+))+) => {$(
        #[allow(clippy::too_many_arguments, reason = "many are the point")]
        pub extern "C" fn $c($($name: u64),+) -> u64 {
            checked(&[$($name),+])
        }
    )+};
}
integers! {
    c_local(a)
    c_pointer(a)
    c_no_toc(a)
    c_integers_8(a, b, c, d, e, f, g, h)
    c_integers_9(a, b, c, d, e, f, g, h, i)
    c_integers_12(a, b, c, d, e, f, g, h, i, j, k, l)
}

pub extern "C" fn c_u128(one: u128, three: u128) -> u64 {
    checked(&halves(one, three))
}

pub extern "C" fn c_struct_24(words: Words<3>) -> u64 {
    checked(&words.0)
}

pub extern "C" fn c_struct_96(words: Words<12>) -> u64 {
    checked(&words.0)
}

pub extern "C" fn c_pair(one: u64, two: u64) -> Words<2> {
    Words::led_by(checked(&[one, two]))
}

pub extern "C" fn c_hidden_pointer(one: u64, two: u64) -> Words<3> {
    Words::led_by(checked(&[one, two]))
}

/// A variadic C with one named argument and so many others.
macro_rules! variadic {
    ($c:ident: $($number:literal),+) => {
        /// # Safety
        /// The caller gives as many doublewords as B's name says, and one more in front.
        pub unsafe extern "C" fn $c(one: u64, mut others: ...) -> u64 {
            // SAFETY: so many doublewords were given, says the caller.
            let mut next = |_number: u64| -> u64 { unsafe { others.next_arg() } };
            checked(&[one, $(next($number)),+])
        }
    };
}
variadic!(c_variadic_3: 2, 3, 4);
variadic!(c_variadic_12: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);

pub fn c_slices(a: Slice<'_>, b: Slice<'_>, c: Slice<'_>, d: Slice<'_>, e: Slice<'_>) -> u64 {
    checked(&parts([a, b, c, d, e]))
}

/// Has what the closure has captured in front.
pub fn c_closure(one: &u64, two: u64) -> u64 {
    checked(&[*one, two])
}

pub extern "C" fn c_leaf(one: u64) -> u64 {
    checked(black_box(&[one, argument(2)]))
}

pub extern "C" fn c_non_leaf(one: u64, two: u64) -> u64 {
    let one = matrix_passed(one);
    checked(&[one, matrix_passed(two)])
}

/// What C answers when what it has called, from an r2 of `toc`, has answered `answer`; a wrong answer goes up as it is.
#[inline(always)]
fn after_call(toc: u64, answer: u64) -> u64 {
    if toc_pointer() != toc {
        return C_OWN + LOST_TOC;
    }
    if answer == C_OWN { OWN.load(Ordering::Relaxed) } else { answer }
}

/// A C that calls a B, which is patched as well, for each level below its own.
macro_rules! recursion {
    ($($c:ident calls $b:ident)+) => {$(
        pub extern "C" fn $c(depth: u64) -> u64 {
            let toc = toc_pointer();
            let deeper = if depth == 0 { C_OWN } else { $b(depth - 1) };
            after_call(toc, deeper)
        }
    )+};
}
recursion! {
    c_recursion_1 calls b_recursion_1
    c_recursion_10 calls b_recursion_10
    c_recursion_200 calls b_recursion_200
    c_even calls b_odd
    c_odd calls b_even
}

/// Calls A again when it runs for the first time.
pub extern "C" fn c_again(one: u64) -> u64 {
    static AGAIN: AtomicBool = AtomicBool::new(false);
    if AGAIN.swap(true, Ordering::Relaxed) {
        return checked(&[one]);
    }
    let toc = toc_pointer();
    let mut seen = Seen::default();
    a_again(&mut seen);
    let answer = if seen.own == A_OWN { seen.result } else { C_OWN + LOST_TOC };
    after_call(toc, answer) + first_wrong(&[one])
}

/// A C that leaves by a jump to a function elsewhere, with the next argument's value for its own: `b stub`, where the stub
/// stores r2 at 24(r1). No compiler makes that of a call to another object. Its r2 is a TOC 4 MiB away, as large objects
/// have several: a return address that is computed from it is one where nobody's code is.
macro_rules! sibling {
    ($($c:ident goes on in $next:ident)+) => {$(
        #[unsafe(naked)]
        pub extern "C" fn $c(one: u64) -> u64 {
            naked_asm!(
                "0: addis 2, 12, (.TOC. + 0x400000 - 0b)@ha",
                "addi 2, 2, (.TOC. + 0x400000 - 0b)@l",
                ".localentry {this}, . - {this}",
                "addi 3, 3, 0x10",
                "b {next}",
                this = sym $c,
                next = sym $next,
            )
        }
    )+};
}
sibling! {
    c_sibling goes on in matrix_sibling
    c_chain_1 goes on in b_chain_2
    c_chain_2 goes on in b_chain_3
}

/// The end of the chain, where the first argument is what the third should be.
pub extern "C" fn c_chain_3(one: u64) -> u64 {
    OWN.load(Ordering::Relaxed) + u64::from(one != argument(3))
}

fn init() -> Result<(), Errno> {
    Ok(())
}

fn exit() {}

kernel::module! { name: "matrix_patch_rust", license: "MIT OR Apache-2.0", init: init, exit: exit }

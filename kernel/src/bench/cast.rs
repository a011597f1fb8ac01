//! The functions that are called: B, what takes its place, and what has nothing to do with either.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::ftrace::Site;
use crate::livepatch::{KlpFunc, KlpObject, KlpPatch};
use crate::situations::GATE;
use crate::symbols;

/// A function of the bench.
pub(super) type Function = extern "C" fn(u64) -> u64;

/// B: a nop, an addition and a return.
#[inline(never)]
pub(super) extern "C" fn b(one: u64) -> u64 {
    one + 1
}

/// C: as B, but with another answer.
#[inline(never)]
pub(super) extern "C" fn c(one: u64) -> u64 {
    one + 2
}

/// C of a second patch.
#[inline(never)]
pub(super) extern "C" fn c_second(one: u64) -> u64 {
    one + 3
}

/// B, had it no site.
#[inline(never)]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
pub(super) extern "C" fn b_without_a_site(one: u64) -> u64 {
    one + 1
}

/// A function with two arguments on the stack.
pub(super) type Ten = extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> u64;

/// B of ten arguments, which it adds.
#[inline(never)]
#[rustfmt::skip]
pub(super) extern "C" fn b_ten(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64, j: u64) -> u64 {
    a + b + c + d + e + f + g + h + i + j
}

/// C of the same, with another answer after the same instructions.
#[inline(never)]
#[rustfmt::skip]
pub(super) extern "C" fn c_ten(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64, j: u64) -> u64 {
    a + b + c + d + e + f + g + h + i - j
}

/// A B in which a thread can be for long, so that its patch stays in transition.
#[inline(never)]
pub(super) extern "C" fn b_waits(one: u64) -> u64 {
    GATE.wait();
    one + 1
}

/// One of many functions that are patched together.
#[inline(never)]
extern "C" fn one_of_many<const N: u64>(one: u64) -> u64 {
    one ^ (N << 8)
}

macro_rules! many {
    ($($number:literal)+) => {
        [$(one_of_many::<$number> as Function),+]
    };
}

/// All of these.
#[rustfmt::skip]
pub(super) const MANY: [Function; 100] = many!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
    40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71
    72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99
);

/// The function's name and replacement in a patch.
pub(super) fn func(old: usize, new: usize) -> Result<KlpFunc, String> {
    let symbol = symbols::kernel().at(old as u64);
    let (symbol, _) = symbol.ok_or("a function of the bench is in no symbol table")?;
    Ok(KlpFunc {
        old_name: symbol.name.to_string(),
        sympos: 0,
        new_function: new as u64,
    })
}

/// A patch of functions of the kernel. B may have no TOC pointer, which caller-frame does not take on trust: but its caller is
/// the kernel.
pub(super) fn patch(name: &str, funcs: Vec<KlpFunc>) -> KlpPatch {
    let object = KlpObject {
        funcs,
        ..KlpObject::default()
    };
    KlpPatch {
        name: name.into(),
        unchecked: true,
        objects: Vec::from([object]),
        ..KlpPatch::default()
    }
}

/// [`b`] and its replacement.
pub(super) fn of_b() -> Result<KlpFunc, String> {
    func(b as *const () as usize, c as *const () as usize)
}

/// The first `count` of [`MANY`], each with its replacement.
pub(super) fn of_many(count: usize) -> Result<Vec<KlpFunc>, String> {
    let functions = MANY.iter().take(count);
    functions
        .map(|function| func(*function as usize, c as *const () as usize))
        .collect()
}

/// The site of a function of the bench.
pub(super) fn site_of(function: usize) -> Result<Site, String> {
    let symbol = symbols::kernel().at(function as u64);
    let site = symbol.and_then(|(symbol, _)| Site::of_kernel_symbol(&symbol));
    site.ok_or_else(|| "a function of the bench has no site".into())
}

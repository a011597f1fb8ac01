//! A and B in Rust: the kernel's side of every situation. In C the same functions are in `tests/modules/matrix_target.c`.
//!
//! Every A is `extern "C" fn(&mut Seen)`: it calls its B with the arguments that [`argument`] numbers, and then reads its own
//! static through r2. Every C, in a module with another TOC, checks each argument: it answers its own static, plus the number
//! of the first argument that is not as it should be.

mod arguments;
mod callers;
mod shapes;
mod variadic;

pub use crate::situations::{Seen, toc_pointer};
pub use arguments::*;
pub use callers::*;
pub use shapes::*;
pub use variadic::*;

/// What every A reads of its own after the call.
pub const A_OWN: u64 = 0x0a00_0000_0000_0001;
/// What every B answers, when it is not patched.
pub const B_OWN: u64 = 0x0b00_0000_0000_0000;
/// What every C answers, when all its arguments were right.
pub const C_OWN: u64 = 0x0c00_0000_0000_0000;

/// What C adds when it came back from a call to an r2 that was not its own.
pub const LOST_TOC: u64 = 0x1000;

/// The first argument's value; multiples of 4 in memory where no code is, so that a jump to one is known for what it is.
const FIRST_ARGUMENT: u64 = 0x0a50_0000;

/// The value of argument `number`, counted from 1 in doublewords.
#[inline(always)]
pub const fn argument(number: u64) -> u64 {
    FIRST_ARGUMENT + number * 0x10
}

/// The number of the first argument that is not as it should be; 0 when all are.
#[inline(always)]
pub fn first_wrong(arguments: &[u64]) -> u64 {
    let wrong = (1..)
        .zip(arguments)
        .find(|(number, value)| **value != argument(*number));
    wrong.map_or(0, |(number, _)| number)
}

/// Whether an address is the value of an argument.
pub fn is_argument(address: u64) -> bool {
    (argument(1)..=argument(64)).contains(&address)
}

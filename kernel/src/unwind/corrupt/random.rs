//! Numbers that look random, the same for the same seed.

use kernel_core::cmdline::Cmdline;

use crate::boot_arguments;

/// What a boot starts with that asks for nothing else.
const SEED: u64 = 0x70c5_1111_70c5_1111;

/// A generator of numbers (xorshift64).
pub(super) struct Random(u64);

/// The seed of this boot: `unwind.seed=NUMBER`, in decimal; 0 stands for the usual one.
pub(super) fn seed() -> u64 {
    let arguments: Cmdline<'static> = boot_arguments::all();
    let number = arguments.get("unwind.seed").and_then(|text| text.parse().ok());
    number.filter(|seed| *seed != 0).unwrap_or(SEED)
}

impl Random {
    /// Each subject has its own numbers.
    pub(super) fn new(seed: u64, subject: u64) -> Random {
        let mut random = Random(seed ^ subject.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if random.0 == 0 {
            random.0 = SEED;
        }
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

//! Numbers that look random, the same for the same seed.

use kernel_core::cmdline::Cmdline;
pub(super) use kernel_core::random::Random;

use crate::boot_arguments;

/// What a boot starts with that asks for nothing else.
const SEED: u64 = 0x70c5_1111_70c5_1111;

/// The seed of this boot: `unwind.seed=NUMBER`, in decimal; 0 stands for the usual one.
pub(super) fn seed() -> u64 {
    let arguments: Cmdline<'static> = boot_arguments::all();
    let number = arguments.get("unwind.seed").and_then(|text| text.parse().ok());
    number.filter(|seed| *seed != 0).unwrap_or(SEED)
}

//! Counting instructions by the timebase, on a machine that lets time pass by them (QEMU's `-icount`).

use alloc::format;
use alloc::string::String;

use arch::interrupts;
use arch::time::{TICKS_PER_SECOND, count_down, timebase};

use crate::boot_arguments;

/// Time that passes by instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstructionClock {
    /// Ticks of the timebase in 10^9 instructions.
    ticks: u64,
}

/// How many ticks a difference of two differences of the timebase may be off: each reading leaves out a part of one.
const ROUNDING: u64 = 2;
const BILLION: u64 = 1_000_000_000;

impl InstructionClock {
    /// The clock of a machine that was told to count instructions; `None` on another. The machine's word is not enough: a
    /// loop of a known length must take as long as it should.
    pub(crate) fn get() -> Result<Option<Self>, String> {
        const LENGTH: u64 = 100_000;
        /// QEMU's.
        const LARGEST_SHIFT: u32 = 10;
        let Some(shift) = boot_arguments::get("icount") else {
            return Ok(None);
        };
        let Some(shift) = shift.parse::<u32>().ok().filter(|shift| *shift <= LARGEST_SHIFT) else {
            return Err(format!(
                "boot argument icount={shift}: it takes a number up to {LARGEST_SHIFT}"
            ));
        };
        let clock = InstructionClock {
            ticks: TICKS_PER_SECOND << shift,
        };
        let ticks = time_of_loop(2 * LENGTH).saturating_sub(time_of_loop(LENGTH));
        match clock.instructions(ticks, 1) {
            Some(LENGTH) => Ok(Some(clock)),
            _ => Err(format!(
                "boot argument icount={shift}: {LENGTH} instructions take {ticks} ticks of the timebase, which is not what it says"
            )),
        }
    }

    /// How many instructions each of `calls` took, if all took the same number.
    pub(crate) fn instructions(self, ticks: u64, calls: u64) -> Option<u64> {
        let per_call = self.ticks * calls;
        let instructions = (ticks * BILLION + per_call / 2) / per_call;
        let exact = (instructions * per_call).abs_diff(ticks * BILLION);
        (exact <= ROUNDING * BILLION).then_some(instructions)
    }

    /// The instructions that passed in these ticks, about.
    pub(crate) fn estimate(self, ticks: u64) -> u64 {
        (u128::from(ticks) * u128::from(BILLION) / u128::from(self.ticks)) as u64
    }
}

/// Ticks that a loop of so many instructions takes, and what is around it.
#[inline(never)]
fn time_of_loop(length: u64) -> u64 {
    interrupts::without(|| {
        let start = timebase();
        count_down(length);
        timebase() - start
    })
}

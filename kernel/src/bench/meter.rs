//! Counting the instructions of one call: a loop of calls, less the same loop with a call that is not hooked, with interrupts
//! off. What does not come out as a whole number of instructions a call, or otherwise the second time, is an error.

use alloc::format;
use alloc::string::String;

use arch::interrupts;
use arch::time::timebase;

use crate::ensure;
use crate::matrix::clock::InstructionClock;

/// Calls in a loop: with interrupts off, so not too many.
const CALLS: u64 = 1000;

/// Ticks that the calls take, and the loop around them. One copy for each `call`, so that two loops of the same calls are the
/// same instructions.
#[inline(never)]
pub(super) fn ticks_of(call: &dyn Fn()) -> u64 {
    interrupts::without(|| {
        let start = timebase();
        for _ in 0..CALLS {
            call();
        }
        timebase() - start
    })
}

/// The clock, without which there is nothing to measure.
pub(super) fn clock() -> Result<InstructionClock, String> {
    let clock = InstructionClock::get()?;
    clock.ok_or_else(|| "this machine does not count instructions: it takes icount=".into())
}

/// Instructions of `call` as it is now, more than `plain` ticks for all calls.
pub(super) fn more_than(plain: u64, call: &dyn Fn(), what: &str) -> Result<u64, String> {
    let clock = clock()?;
    let once = || {
        let ticks = ticks_of(call).saturating_sub(plain);
        clock
            .instructions(ticks, CALLS)
            .ok_or_else(|| format!("{what}: {CALLS} calls took {ticks} ticks more, so not all the same"))
    };
    let [first, second] = [once()?, once()?];
    ensure!(
        first == second,
        "{what}: {first} instructions a call, and {second} the second time"
    );
    Ok(first)
}

/// Instructions of something that is done once.
pub(super) fn once<R>(work: impl FnOnce() -> R) -> Result<(u64, R), String> {
    let clock = clock()?;
    let start = timebase();
    let result = work();
    let ticks = timebase() - start;
    Ok((clock.estimate(ticks), result))
}

//! What enabling takes in guest time, by how many CPUs have nothing to do meanwhile: each of them must be told, and asked.
//!
//! Where instructions are counted, the CPUs take turns, and the time is that of all of them together.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use arch::time::{TICKS_PER_SECOND, timebase};

use super::enable::{is_as_before, of_hundred, of_kernel};
use super::{Unit, tell};
use crate::ftrace::reap;
use crate::livepatch::{KlpPatch, disable, enable, settle};
use crate::{cpu, ktest, thread};

/// Attempts, of which the one in the middle counts.
const ATTEMPTS: usize = 9;

/// Measures.
///
/// # Errors
/// A patch could not be enabled.
pub(super) fn measure() -> ktest::Result {
    let cpus = cpu::count();
    let [time, interrupts] = median(of_kernel)?;
    tell(&format!("cpus/{cpus}/enable"), Unit::Microseconds, time);
    tell(&format!("cpus/{cpus}/interrupts"), Unit::Interrupts, interrupts);
    let [time, interrupts] = median(of_hundred)?;
    tell(&format!("cpus/{cpus}/enable-100"), Unit::Microseconds, time);
    tell(
        &format!("cpus/{cpus}/interrupts-100"),
        Unit::Interrupts,
        interrupts,
    );
    is_as_before()
}

/// Microseconds that enabling the patch takes, and the interrupts that CPUs send each other for it.
fn median(patch: impl Fn() -> Result<KlpPatch, String>) -> Result<[u64; 2], String> {
    let mut measured = Vec::new();
    for _ in 0..ATTEMPTS {
        // So long that CPUs with nothing to do have gone to rest.
        thread::sleep(TICKS_PER_SECOND / 100);
        measured.push(enabling(patch()?)?);
    }
    let middle = |index: usize| {
        let mut values: Vec<u64> = measured.iter().map(|values| values[index]).collect();
        values.sort_unstable();
        values[ATTEMPTS / 2]
    };
    Ok([middle(0), middle(1)])
}

fn enabling(patch: KlpPatch) -> Result<[u64; 2], String> {
    let sent = || cpu::online().map(cpu::Cpu::sent).sum::<u64>();
    let name = patch.name.clone();
    let (before, start) = (sent(), timebase());
    enable(patch).map_err(|error| error.to_string())?;
    settle();
    let ticks = timebase() - start;
    let interrupts = sent() - before;
    disable(&name).map_err(|error| error.to_string())?;
    settle();
    reap();
    Ok([ticks * 1_000_000 / TICKS_PER_SECOND, interrupts])
}

//! From the machine's start to the first case, and what memory is in use then.

use core::sync::atomic::{AtomicU64, Ordering};

use arch::image;
use arch::time::timebase;

use super::meter::clock;
use super::{Unit, tell};
use crate::{ktest, logging, memory};

/// Ticks of the timebase, and bytes, when the cases began.
static TIME: AtomicU64 = AtomicU64::new(0);
static MEMORY: AtomicU64 = AtomicU64::new(0);

/// Notes that the cases begin.
pub(crate) fn first_case_begins() {
    TIME.store(timebase(), Ordering::Relaxed);
    MEMORY.store(memory::all_in_use(), Ordering::Relaxed);
}

/// Tells.
///
/// # Errors
/// This machine does not count instructions.
pub(super) fn measure() -> ktest::Result {
    let clock = clock()?;
    let [kernel, case] =
        [logging::started(), TIME.load(Ordering::Relaxed)].map(|ticks| clock.estimate(ticks));
    tell("start/entry-to-first-case", Unit::Instructions, case);
    tell("start/until-the-kernel", Unit::Instructions, kernel);
    tell("memory/with-cases", Unit::Bytes, MEMORY.load(Ordering::Relaxed));
    let cases = image::cases();
    tell("memory/code-of-cases", Unit::Bytes, cases.end - cases.start);
    Ok(())
}

//! From the machine's start to the first case, and what memory is in use then.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::image;
use arch::time::timebase;

use super::meter::clock;
use super::{Unit, tell};
use crate::{ktest, logging, memory, module};

/// Ticks of the timebase, and bytes, when the cases began.
static TIME: AtomicU64 = AtomicU64::new(0);
static HEAP: AtomicU64 = AtomicU64::new(0);
static STACKS: AtomicU64 = AtomicU64::new(0);
static MODULES: AtomicU64 = AtomicU64::new(0);

/// Notes that the cases begin.
pub(crate) fn first_case_begins() {
    TIME.store(timebase(), Ordering::Relaxed);
    HEAP.store(memory::heap_in_use() as u64, Ordering::Relaxed);
    STACKS.store(memory::stacks_in_use(), Ordering::Relaxed);
    MODULES.store(module::used_bytes(), Ordering::Relaxed);
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
    let bytes = |range: Range<u64>| range.end - range.start;
    let parts = [
        ("code", bytes(image::text())),
        ("constants", bytes(image::rodata())),
        ("symbols", bytes(image::kallsyms())),
        ("variables", bytes(image::data()) + bytes(image::noinit())),
        ("page-tables", memory::page_tables()),
        ("heap", HEAP.load(Ordering::Relaxed)),
        ("stacks", STACKS.load(Ordering::Relaxed)),
        ("modules", MODULES.load(Ordering::Relaxed)),
    ];
    let all = parts.iter().map(|(_, bytes)| bytes).sum();
    tell("memory/all", Unit::Bytes, all);
    for (name, bytes) in parts {
        tell(&alloc::format!("memory/{name}"), Unit::Bytes, bytes);
    }
    Ok(())
}

//! From the machine's start to the first case, and what memory is in use then.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::image;
use arch::time::timebase;
use kernel_core::symbols::Kind;

use super::meter::clock;
use super::{Unit, tell};
use crate::{ktest, logging, memory, module, symbols};

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

/// Bytes of the functions that are there for the cases only, and of what is made for them of generic ones.
fn code_of_cases() -> u64 {
    /// Modules that nobody else needs, as they are in a mangled name.
    const MODULES: [&str; 9] = [
        "5tests",
        "5ktest",
        "5bench",
        "6matrix",
        "10situations",
        "6stress",
        "7stepped",
        "7corrupt",
        "8selftest",
    ];
    let is_of_cases = |name: &str| MODULES.iter().any(|module| name.contains(module));
    let functions = symbols::kernel()
        .iter()
        .filter(|symbol| symbol.kind == Kind::Function && symbol.name.with(is_of_cases));
    functions.map(|symbol| symbol.size).sum()
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
    tell("memory/code-of-cases", Unit::Bytes, code_of_cases());
    for (name, bytes) in parts {
        tell(&alloc::format!("memory/{name}"), Unit::Bytes, bytes);
    }
    Ok(())
}

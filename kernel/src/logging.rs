//! The kernel's log: the crate `log`'s macros, printed with the time since the kernel's start and who says it.
//!
//! `log::info!("enabling patch '{name}'")` in `kernel::livepatch` comes out as
//! `[    0.012345] livepatch: enabling patch 'x'`, which is also how Linux words it.

use core::sync::atomic::{AtomicU64, Ordering};

use arch::time;
use log::{LevelFilter, Log, Metadata, Record};

use crate::println;

/// What `log=` takes.
const LEVELS: &[(&str, LevelFilter)] = &[
    ("debug", LevelFilter::Debug),
    ("info", LevelFilter::Info),
    ("warn", LevelFilter::Warn),
    ("error", LevelFilter::Error),
    ("trace", LevelFilter::Trace),
    ("off", LevelFilter::Off),
];

/// The timebase when the kernel started.
static START: AtomicU64 = AtomicU64::new(0);

struct KernelLog;

impl Log for KernelLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let microseconds = uptime() / (time::TICKS_PER_SECOND / 1_000_000);
        let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
        // The module that speaks, without what it is inside of; C's printk names none.
        let target = record.target().rsplit("::").next().unwrap_or_default();
        let colon = if target.is_empty() { "" } else { ": " };
        println!("[{seconds:5}.{fraction:06}] {target}{colon}{}", record.args());
    }

    fn flush(&self) {}
}

/// Ticks of the timebase since the kernel started.
pub fn uptime() -> u64 {
    time::timebase().saturating_sub(START.load(Ordering::Relaxed))
}

/// Microseconds from the machine's start to the kernel's: the firmware's share.
pub(crate) fn start_time() -> u64 {
    START.load(Ordering::Relaxed) / (time::TICKS_PER_SECOND / 1_000_000)
}

/// Leaves out what is only informative, unless the command line has asked for a level: the cases load modules and enable
/// patches many hundreds of times.
pub(crate) fn quieten() {
    if crate::boot_arguments::get("log").is_none() {
        log::set_max_level(LevelFilter::Warn);
    }
}

/// Notes the time from which the log counts.
pub(crate) fn start_clock() {
    START.store(time::timebase(), Ordering::Relaxed);
}

/// Starts the log with the level that the boot arguments ask for, `info` when they do not.
pub(crate) fn init() {
    // It fails when there is a logger already, which is this one.
    let _ = log::set_logger(&KernelLog);
    log::set_max_level(LevelFilter::Info);
    if let Some(level) = crate::boot_arguments::choice("log", LEVELS) {
        log::set_max_level(level);
    }
}

//! The kernel's log: the crate `log`'s macros, printed with the time since the kernel's start and who says it.
//!
//! `log::info!("enabling patch '{name}'")` in `kernel::livepatch` comes out as
//! `[    0.012345] livepatch: enabling patch 'x'`, which is also how Linux words it. The last messages are kept, for `dmesg`.

use alloc::string::String;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use arch::time;
use kernel_core::log_ring::LogRing;
pub use kernel_core::log_ring::{Head, Place};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::sync::{IrqLock, Rank};
use crate::{ensure, ensure_eq, println};

/// Bytes in which the last messages are kept.
const KEPT: usize = 128 << 10;
/// Bytes of a message that are kept.
const LONGEST: usize = 512;
/// Linux's number for a message that a user writes to the log without saying one.
pub const USER_LEVEL: u8 = 4;
/// More than any level.
const ALL_LEVELS: i32 = 8;

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

/// The last messages. Nothing else is locked while it is, and nothing is formatted.
static RING: IrqLock<LogRing<KEPT>> = IrqLock::new(Rank::Log, LogRing::new());

/// Messages whose level is less are printed on the console. C has it as a variable, in `linux/printk.h`.
#[allow(unsafe_code, reason = "C knows it by its name")]
#[allow(non_upper_case_globals, reason = "C's name")]
#[unsafe(no_mangle)]
static console_loglevel: AtomicI32 = AtomicI32::new(ALL_LEVELS);

/// A line is being typed, which a message must not be put behind.
static IS_LINE_OPEN: AtomicBool = AtomicBool::new(false);

/// How many messages were printed on the console.
static PRINTED: AtomicU64 = AtomicU64::new(0);

struct KernelLog;

impl Log for KernelLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        // What speaks with a debugger does so while everything is stopped, with any lock held.
        let may_wait = !record.target().starts_with("gdbstub");
        if may_wait && self.enabled(record.metadata()) {
            // The module that speaks, without what it is inside of; C's printk names none.
            let target = record.target().rsplit("::").next().unwrap_or_default();
            let colon = if target.is_empty() { "" } else { ": " };
            emit(
                number(record.level()),
                format_args!("{target}{colon}{}", record.args()),
            );
        }
    }

    fn flush(&self) {}
}

/// Linux's number for a level.
fn number(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Adds a message, whatever level the log has.
pub fn emit(level: u8, message: fmt::Arguments<'_>) {
    let microseconds = uptime() / (time::TICKS_PER_SECOND / 1_000_000);
    let mut text = Clipped {
        bytes: [0; LONGEST],
        length: 0,
    };
    // It ends with an error where it is full: the rest is not kept.
    let _ = text.write_fmt(message);
    RING.lock().push(microseconds, level, text.as_str());
    if i32::from(level) < console_loglevel.load(Ordering::Relaxed) {
        // Where a line is being typed, the message takes its place, and who reads the line shows it again.
        let place = if IS_LINE_OPEN.load(Ordering::Relaxed) {
            "\r\x1b[K"
        } else {
            ""
        };
        println!("{place}{}{message}", Stamp(microseconds));
        PRINTED.fetch_add(1, Ordering::Relaxed);
    }
}

/// The beginning of a message.
struct Clipped {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Clipped {
    fn as_str(&self) -> &str {
        let bytes = &self.bytes[..self.length];
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            // The last character is cut.
            Err(error) => core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl Write for Clipped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = &mut self.bytes[self.length..];
        let length = text.len().min(free.len());
        free[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.length += length;
        if length == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// A time in microseconds, as it stands in front of a message.
#[derive(Clone, Copy, Debug)]
pub struct Stamp(pub u64);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:5}.{:06}] ", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// The message behind `place`, whose text replaces that in `text`; `place` goes behind it. `None` when there is none yet.
pub fn read(place: &mut Place, text: &mut String) -> Option<Head> {
    // Room for any message, since nothing may be allocated while the messages are locked.
    text.clear();
    let mut bytes = core::mem::take(text).into_bytes();
    bytes.reserve(LONGEST);
    let head = RING
        .lock()
        .read(place, &mut |piece| bytes.extend_from_slice(piece));
    *text = String::from_utf8(bytes).unwrap_or_default();
    head
}

/// Forgets the messages.
pub fn clear() {
    RING.lock().clear();
}

/// Says whether a line is being typed on the console. Until it is not, messages take its place: see [`printed`].
pub(crate) fn set_line_open(on: bool) {
    IS_LINE_OPEN.store(on, Ordering::Relaxed);
}

/// How many messages were printed on the console.
pub(crate) fn printed() -> u64 {
    PRINTED.load(Ordering::Relaxed)
}

/// Prints messages on the console whose level is less than this.
pub fn set_console_level(level: u8) {
    console_loglevel.store(level.into(), Ordering::Relaxed);
}

/// Messages whose level is less are printed on the console.
pub fn console_level() -> u8 {
    let level = console_loglevel.load(Ordering::Relaxed);
    level.clamp(0, u8::MAX.into()) as u8
}

/// Ticks of the timebase since the kernel started.
pub fn uptime() -> u64 {
    time::timebase().saturating_sub(START.load(Ordering::Relaxed))
}

/// Microseconds from the machine's start to the kernel's: the firmware's share.
pub(crate) fn start_time() -> u64 {
    START.load(Ordering::Relaxed) / (time::TICKS_PER_SECOND / 1_000_000)
}

/// Ticks of the timebase from the machine's start to the kernel's.
pub(crate) fn started() -> u64 {
    START.load(Ordering::Relaxed)
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

crate::ktest! {
    fn messages_are_kept_as_they_were_given() {
        let mut place = Place::default();
        let mut text = String::new();
        while read(&mut place, &mut text).is_some() {}
        let level = console_level();
        set_console_level(0);
        emit(USER_LEVEL, format_args!("one: größe"));
        emit(7, format_args!("{}", "ä".repeat(LONGEST)));
        set_console_level(level);
        let head = read(&mut place, &mut text).ok_or("the first message is not there")?;
        ensure_eq!((head.level, text.as_str()), (USER_LEVEL, "one: größe"), "the first message");
        let next = read(&mut place, &mut text).ok_or("the second message is not there")?;
        ensure_eq!((next.number, text.len()), (head.number + 1, LONGEST), "the second message");
        ensure!(next.microseconds >= head.microseconds, "time goes back");
        ensure!(read(&mut place, &mut text).is_none(), "there is a third message");
        Ok(())
    }
}

//! The console: the platform's, written to by whole lines.
//!
//! Lines end with `\n` alone; who shows them adds what the terminal wants.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arch::hcall;

use crate::sync::{IrqLock, Rank};
use crate::{cpu, platform};

/// Prints on the console.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::console::print(format_args!($($argument)*)) };
}

/// Prints a line on the console.
#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($argument)*))) };
}

/// Characters that are collected for the platform.
const CHUNK: usize = 64;

/// Who prints holds it from the first to the last character.
static LOCK: IrqLock<()> = IrqLock::new(Rank::Console, ());
/// A panic came, perhaps with the lock held: it is not taken any more.
static BROKEN: AtomicBool = AtomicBool::new(false);
/// The CPU that prints urgently, with the lock or without it: its number and 1; 0: none does.
static URGENT: AtomicUsize = AtomicUsize::new(0);
/// The last character was no end of a line.
static IN_LINE: AtomicBool = AtomicBool::new(false);

/// For a panic, with interrupts off for good: prints no longer wait for whoever is printing, and a line that was begun is
/// ended.
pub(crate) fn break_lock() {
    BROKEN.store(true, Ordering::Relaxed);
    if IN_LINE.load(Ordering::Relaxed) {
        print(format_args!("\n"));
    }
}

/// For a system reset, which may have stopped anybody in the middle of printing: what `body` prints waits a while for the
/// console, and then no longer. Several CPUs that do this take turns.
pub(crate) fn urgently(body: impl FnOnce()) {
    /// Tries for the console's lock: whoever runs and prints is done by then.
    const PATIENCE: usize = 100_000;
    if is_urgent() {
        // A reset in the middle of a reset.
        return body();
    }
    let take_turn = || URGENT.compare_exchange(0, this_cpu(), Ordering::Acquire, Ordering::Relaxed);
    while take_turn().is_err() {
        hcall::spin_hint();
    }
    let guard = (0..PATIENCE).find_map(|_| {
        hcall::spin_hint();
        LOCK.try_lock()
    });
    if IN_LINE.load(Ordering::Relaxed) {
        print(format_args!("\n"));
    }
    body();
    drop(guard);
    URGENT.store(0, Ordering::Release);
}

/// Whether this CPU prints urgently.
fn is_urgent() -> bool {
    URGENT.load(Ordering::Relaxed) == this_cpu()
}

fn this_cpu() -> usize {
    cpu::this().number() + 1
}

/// Prints, in one piece.
pub fn print(arguments: fmt::Arguments<'_>) {
    let is_free = BROKEN.load(Ordering::Relaxed) || is_urgent();
    let _guard = (!is_free).then(|| LOCK.lock());
    let mut printer = Printer {
        chunk: [0; CHUNK],
        length: 0,
    };
    // The printer has no errors; what a `Display` of somebody's own returns ends what it prints.
    let _ = printer.write_fmt(arguments);
    printer.flush();
}

/// Collects characters for the platform.
struct Printer {
    chunk: [u8; CHUNK],
    length: usize,
}

impl Printer {
    fn flush(&mut self) {
        let chunk = &self.chunk[..self.length];
        let Some(last) = chunk.last() else { return };
        IN_LINE.store(*last != b'\n', Ordering::Relaxed);
        platform::write(chunk);
        self.length = 0;
    }
}

impl Write for Printer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.chunk[self.length] = byte;
            self.length += 1;
            if self.length == CHUNK {
                self.flush();
            }
        }
        Ok(())
    }
}

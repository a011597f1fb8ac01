//! The end that nobody wanted: says what happened and where, and ends the run as a failure.
//!
//! A panic may come from anywhere, with any lock held: nothing here allocates or waits. A panic while one is being reported
//! gets one line; a third gets none.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use arch::interrupts;

use crate::{backtrace, console, cpu, kgdb, power, println, suite, thread};

/// How many panics there have been, all on one CPU.
static DEPTH: AtomicU32 = AtomicU32::new(0);
/// The CPU that panicked first: its number and 1. What happens to any other from then on is not reported.
static CPU: AtomicUsize = AtomicUsize::new(0);

/// Reports a panic and ends the run. The image's `#[panic_handler]` is this.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    interrupts::disable();
    let here = cpu::this().number() + 1;
    let first = CPU.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed);
    if first.is_err_and(|first| first != here) {
        cpu::park()
    }
    let message = info.message();
    kgdb::panicked();
    match DEPTH.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let running = cpu::stop_others();
            console::break_lock();
            println!("kernel panic: {message}");
            if running != 0 {
                println!("  {running} other CPUs have interrupts off and could not be stopped");
            }
            if let Some(location) = info.location() {
                println!(
                    "  at {location}, in thread '{}' on CPU {}",
                    thread::CurrentName,
                    here - 1
                );
            }
            backtrace::print();
            suite::report_panic();
            power::exit(1)
        }
        1 => {
            console::break_lock();
            match info.location() {
                Some(location) => {
                    println!("kernel panic: while a panic was reported: {message}, at {location}")
                }
                None => println!("kernel panic: while a panic was reported: {message}"),
            }
            power::exit(1)
        }
        _ => power::fail(),
    }
}

//! The end of a run: the machine is turned off, or reports to the host that the run has failed.

use core::sync::atomic::{AtomicU32, Ordering};

use arch::{hcall, interrupts};
use kernel_core::device_tree::Rtas;

use crate::println;

/// Tokens of the run-time services; 0: the machine has none, or has not been asked yet.
static POWER_OFF: AtomicU32 = AtomicU32::new(0);
static REPORT_FAILURE: AtomicU32 = AtomicU32::new(0);

pub(crate) fn init(rtas: Rtas) {
    POWER_OFF.store(rtas.power_off.unwrap_or(0), Ordering::Relaxed);
    REPORT_FAILURE.store(rtas.os_term.unwrap_or(0), Ordering::Relaxed);
}

/// Ends the run and tells the host how: with status 0 by turning the machine off, with any other as a failure.
pub fn exit(status: u8) -> ! {
    interrupts::disable();
    println!("EXIT: STATUS={status}");
    if status == 0 { turn_off() } else { fail() }
}

/// Turns the machine off without a word.
pub(crate) fn turn_off() -> ! {
    interrupts::disable();
    let token = POWER_OFF.load(Ordering::Relaxed);
    if token != 0 {
        hcall::power_off(token);
    }
    stop()
}

/// Reports failure to the platform, without a word on the console. Where it does not know such a report the machine stops:
/// the host's time limit is then what ends the run.
pub(crate) fn fail() -> ! {
    interrupts::disable();
    let token = REPORT_FAILURE.load(Ordering::Relaxed);
    if token != 0 {
        hcall::report_failure(token, c"Tocsin: the run has failed");
    }
    stop()
}

/// Does nothing, for ever.
pub(crate) fn stop() -> ! {
    loop {
        hcall::spin_hint();
    }
}

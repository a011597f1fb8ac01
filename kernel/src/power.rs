//! The end of a run: the machine is turned off, or reports to the host that the run has failed.

use arch::{hcall, interrupts};

use crate::{platform, println};

/// Ends the run and tells the host how: with status 0 by turning the machine off, with any other as a failure.
pub fn exit(status: u8) -> ! {
    interrupts::disable();
    println!("EXIT: STATUS={status}");
    if status == 0 { turn_off() } else { fail() }
}

/// Turns the machine off without a word.
pub(crate) fn turn_off() -> ! {
    interrupts::disable();
    platform::power_off();
    stop()
}

/// Reports failure to the platform, without a word on the console. Where it does not know such a report the machine stops:
/// the host's time limit is then what ends the run.
pub(crate) fn fail() -> ! {
    interrupts::disable();
    platform::report_failure();
    stop()
}

/// Does nothing, for ever.
pub(crate) fn stop() -> ! {
    loop {
        hcall::spin_hint();
    }
}

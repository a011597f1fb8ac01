//! What the log says of protection at start: what is mapped, or what is missing.

use core::sync::atomic::{AtomicBool, Ordering};

use arch::trap;
use kernel_core::ktap::LOST_STORES;

use super::check::check;
use super::protection::is_protected;
use crate::machine::machine;
use crate::thread::Builder;

/// An access to where no memory is stops the thread.
static NOTICES_OUTSIDE: AtomicBool = AtomicBool::new(false);

/// Reports. Once, with threads.
///
/// # Panics
/// A mapping is there that must not be.
pub(crate) fn report(missing: Option<&'static str>) {
    let notices = access_outside_ram_faults();
    NOTICES_OUTSIDE.store(notices, Ordering::Relaxed);
    let Some(reason) = missing else {
        match check() {
            Ok(report) => log::info!(target: "memory", "protected: {report}"),
            Err(error) => panic!("memory: {error}"),
        }
        return;
    };
    let outside = match notices {
        true => "a machine check ends who uses addresses outside RAM",
        false => LOST_STORES,
    };
    log::warn!(
        target: "memory",
        "memory is not protected: {reason}. Text can be written, data can be executed, address 0 can be used, a stack that \
         overflows goes on in what is below it; {outside}"
    );
}

/// An address where no memory is, and no device either: those are far behind.
pub(crate) fn outside_ram() -> u64 {
    const DISTANCE: u64 = 16 << 20;
    let end = machine().memory.iter().map(|range| range.end).max();
    end.unwrap_or(0) + DISTANCE
}

/// Tries it, by a load, so that no store is where none must be. Without translation it is the machine's choice what happens.
fn access_outside_ram_faults() -> bool {
    if is_protected() {
        // Nothing is mapped there: see `check`.
        return true;
    }
    let probe = Builder::new("memory probe").sacrificial().spawn(|| {
        // SAFETY: nothing is there.
        #[allow(unsafe_code, reason = "the address is nobody's")]
        unsafe {
            trap::load(outside_ram());
        }
    });
    probe.join().is_err()
}

/// What cases need that are about protection.
pub(crate) fn protected() -> Result<(), &'static str> {
    match is_protected() {
        true => Ok(()),
        false => Err("memory is not protected on this machine"),
    }
}

/// What cases need that store outside RAM.
pub(crate) fn outside_is_noticed() -> Result<(), &'static str> {
    match NOTICES_OUTSIDE.load(Ordering::Relaxed) {
        true => Ok(()),
        false => Err("this machine does not report real addresses outside RAM"),
    }
}

//! A case that takes every kind of exception that the kernel meets, for a debugger that steps through each from outside
//! (`tests/tests/exceptions.rs`), which no case can do from inside.
#![allow(unsafe_code, reason = "the case needs exceptions")]

use alloc::format;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::memory::is_protected;
use crate::thread::{Builder, Outcome, sleep};
use crate::{ensure, ensure_eq, ktest, step};

/// An address where nothing is.
const NOWHERE: usize = 0x7fff_ffff_0000;

/// What a thread of this body ended by.
fn fault(body: fn()) -> Result<&'static str, alloc::string::String> {
    match Builder::new("faulting").sacrificial().spawn(body).join() {
        Err(Outcome::Faulted(fault)) => Ok(fault.what),
        other => Err(format!("the thread ended otherwise: {other:?}")),
    }
}

ktest! {
    fn a_debugger_stops_at_every_instruction_of_these() {
        sleep(arch::time::TICKS_PER_SECOND / 100);
        ensure_eq!(fault(arch::trap::illegal_instruction)?, "illegal instruction", "what the first thread ended by");
        if is_protected() {
            let what = fault(|| {
                // SAFETY: it is what the case wants: the processor stops the thread here.
                black_box(unsafe { (NOWHERE as *const u64).read_volatile() });
            })?;
            ensure!(what.contains("storage"), "the second thread ended by: {what}");
        }
        let stops = AtomicU64::new(0);
        step::run(&mut |_| stops.store(stops.load(Ordering::Relaxed) + 1, Ordering::Relaxed), || black_box(1));
        ensure!(stops.load(Ordering::Relaxed) > 2, "no single steps");
        Ok(())
    }
}

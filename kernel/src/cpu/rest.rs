//! Waiting for something to do. A CPU that rests executes nothing, and is told nothing of changed code: the interrupt that ends
//! the rest makes it fetch anew.

use core::sync::atomic::{Ordering, fence};

use super::{Cpu, this};
use crate::platform;

impl Cpu {
    /// Whether it rests. What the caller did before, the CPU sees before it does anything.
    pub(super) fn rests(&self) -> bool {
        // Pairs with the one in `wake_up`: either this sees that the CPU is awake, or that sees what was done before.
        fence(Ordering::SeqCst);
        self.rests.load(Ordering::Relaxed)
    }
}

/// Waits with interrupts off until there is one, and takes it: they are on when this returns.
pub(crate) fn rest() {
    this().rests.store(true, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    platform::idle();
    wake_up(this());
}

/// The first thing in every exception handler: from here on this CPU has to be told of changed code.
#[inline(always)]
pub(crate) fn wake_up(cpu: &Cpu) {
    if cpu.rests.load(Ordering::Relaxed) {
        cpu.rests.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        arch::text::synchronise_fetch();
    }
}

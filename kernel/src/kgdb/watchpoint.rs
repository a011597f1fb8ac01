//! Memory that is watched: one stretch, by a register that each CPU has of its own.
//!
//! As breakpoints it is watched while the kernel runs, and not while it is stopped or executes one instruction alone.

use arch::debug;
use core::sync::atomic::{AtomicBool, Ordering};
use kernel_core::debugger::Watch;
use spin::mutex::SpinMutex;

use crate::cpu::{self, MAXIMUM};

/// What the debugger wants watched, and whether it is now. Whoever has it has interrupts off and is done soon.
static WANTED: SpinMutex<(Option<Watch>, bool)> = SpinMutex::new((None, false));
/// Which CPUs watch.
static WATCHES: [AtomicBool; MAXIMUM] = [const { AtomicBool::new(false) }; MAXIMUM];

/// Watches this from when the kernel goes on; whether there is no other, and the processor and its hypervisor can.
pub(super) fn add(watch: Watch) -> bool {
    let mut wanted = WANTED.lock();
    let can_be = wanted.0.is_none() && watch.registers().is_some() && debug::watch(0, 0);
    if can_be {
        wanted.0 = Some(watch);
    }
    can_be
}

/// Watches this no longer; whether it was watched.
pub(super) fn remove(watch: Watch) -> bool {
    let mut wanted = WANTED.lock();
    let is_there = wanted.0 == Some(watch);
    if is_there {
        wanted.0 = None;
    }
    is_there
}

/// Forgets it.
pub(super) fn clear() {
    WANTED.lock().0 = None;
}

/// The kernel is about to go on.
pub(super) fn plant() {
    WANTED.lock().1 = true;
    apply();
}

/// The kernel has stopped.
pub(super) fn lift() {
    WANTED.lock().1 = false;
    apply();
}

/// What this CPU has met, if that is still wanted.
pub(super) fn met() -> Option<Watch> {
    let (watch, is_on) = *WANTED.lock();
    watch.filter(|_| is_on)
}

/// Has this CPU watch what is wanted now: on every CPU before it goes on. Interrupts are off.
pub(crate) fn apply() {
    let watches = &WATCHES[cpu::this().number()];
    let (address, control) = met().and_then(Watch::registers).unwrap_or((0, 0));
    if control != 0 || watches.load(Ordering::Relaxed) {
        debug::watch(address, control);
        watches.store(control != 0, Ordering::Relaxed);
    }
}

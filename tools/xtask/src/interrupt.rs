//! Ctrl-C: QEMU runs in a process group of its own, which the terminal does not know.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

static HAPPENED: AtomicBool = AtomicBool::new(false);
/// The process group to end, 0 for none.
static GROUP: AtomicU32 = AtomicU32::new(0);

/// Takes over SIGINT, SIGTERM and SIGHUP.
///
/// # Errors
/// The signals' handler cannot be installed.
pub(crate) fn prepare() -> Result<()> {
    ctrlc::set_handler(leave).context("cannot handle Ctrl-C")
}

/// As if a signal had arrived.
pub(crate) fn leave() {
    HAPPENED.store(true, Ordering::SeqCst);
    end(GROUP.load(Ordering::SeqCst));
}

/// Ends the process group of `leader` when a signal arrives.
pub(crate) fn watch(leader: u32) {
    GROUP.store(leader, Ordering::SeqCst);
}

/// Ends nothing when a signal arrives.
pub(crate) fn forget() {
    GROUP.store(0, Ordering::SeqCst);
}

/// Whether a signal has arrived.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}

/// Ends the process group of `leader`, whatever is left of it.
pub(crate) fn end(leader: u32) {
    // 0 and 1 would be our own group and everybody. That it is gone already is as well.
    if let Ok(leader @ 2..) = i32::try_from(leader) {
        _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
    }
}

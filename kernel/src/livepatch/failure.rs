//! Where enabling a patch can fail once it has begun to change things or to take memory, and how each such point can be made to
//! fail in turn: `failure_tests` walks over all of them and looks whether everything is as it was.
//!
//! Rust's collections do not say that memory is short, they end the kernel. So each step first asks for a block as large as all
//! that it is going to take, and gives it back: if there is none, the step fails while nothing has happened yet. What taking
//! back needs is held from the beginning ([`Reserve`]).

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use kernel_core::errno::Errno;

use super::KlpError;
use crate::ftrace::{FtraceError, Site};

/// Points until the one that is made to fail; 0: none is.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Makes the point of this number fail, counted from 1 from now on; 0: none.
pub(super) fn fail_at(number: usize) {
    LEFT.store(number, Ordering::Relaxed);
}

/// Whether [`fail_at`] has had its effect.
pub(super) fn has_failed() -> bool {
    LEFT.load(Ordering::Relaxed) == 0
}

/// Counts a point; whether it is the one.
fn is_due() -> bool {
    let one_less = |left: usize| left.checked_sub(1);
    LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) == Ok(1)
}

/// Memory for a step that takes so many bytes, in whatever pieces.
pub(super) fn memory(bytes: usize) -> Result<(), KlpError> {
    Reserve::take(bytes).map(drop)
}

/// Memory that is held for later.
pub(super) struct Reserve(#[allow(dead_code, reason = "it is there to be dropped")] Vec<u8>);

impl Reserve {
    pub(super) fn take(bytes: usize) -> Result<Reserve, KlpError> {
        let mut block = Vec::new();
        if is_due() || block.try_reserve_exact(bytes).is_err() {
            return Err(KlpError::NoMemory);
        }
        Ok(Reserve(block))
    }
}

/// What a callback before patching answers in its own place, when it is made to refuse.
pub(super) fn callback() -> Option<i32> {
    is_due().then_some(-Errno::NoDevice.number())
}

/// A site, which may be made to refuse its hook.
pub(super) fn site(site: &Site) -> Result<(), FtraceError> {
    if is_due() {
        return Err(FtraceError::NoStub {
            function: site.name(),
        });
    }
    Ok(())
}

//! The first thing that went wrong, and the end of all work.

use alloc::string::String;
use core::sync::atomic::{AtomicBool, Ordering};

use super::events::{self, What};
use crate::sync::{IrqLock, Rank};

static IS_OVER: AtomicBool = AtomicBool::new(false);
static HAS_FAILED: AtomicBool = AtomicBool::new(false);
static FIRST: IrqLock<Option<String>> = IrqLock::new(Rank::Case, None);

/// Whether everybody is to stop.
pub(super) fn is_over() -> bool {
    IS_OVER.load(Ordering::Relaxed)
}

/// Whether something went wrong.
pub(super) fn has_come() -> bool {
    HAS_FAILED.load(Ordering::Relaxed)
}

/// Everybody is to stop.
pub(super) fn end() {
    IS_OVER.store(true, Ordering::Relaxed);
}

/// Something went wrong: what happens from here on is not remembered, and everybody is to stop. The first one counts.
pub(super) fn fail(what: String) {
    events::note(What::Fail, 0, 0, 0);
    events::freeze();
    HAS_FAILED.store(true, Ordering::Relaxed);
    end();
    FIRST.lock().get_or_insert(what);
}

/// What went wrong first.
pub(super) fn first() -> Option<String> {
    FIRST.lock().clone()
}

//! The ways from a site to C.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

/// How a call comes from its site to C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// As directly as it can.
    Shortest,
    /// The same, but always by a choice: as while a transition goes on, to compare.
    Choice,
    /// Always through a common trampoline: to compare.
    Trampoline,
}

static ROUTE: AtomicU8 = AtomicU8::new(Route::Shortest as u8);

impl Route {
    /// Each with what `body` answers while functions that are patched go by it.
    pub(crate) fn each<T>(mut body: impl FnMut(Route) -> T) -> [T; 3] {
        [Route::Shortest, Route::Choice, Route::Trampoline].map(|route| route.during(|| body(route)))
    }

    /// What `body` answers while functions that are patched go by it.
    pub(crate) fn during<T>(self, body: impl FnOnce() -> T) -> T {
        ROUTE.store(self as u8, Ordering::Relaxed);
        let answer = body();
        ROUTE.store(Route::Shortest as u8, Ordering::Relaxed);
        answer
    }

    pub(super) fn is_set(self) -> bool {
        ROUTE.load(Ordering::Relaxed) == self as u8
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::Shortest => "straight",
            Route::Choice => "by a choice",
            Route::Trampoline => "through a trampoline",
        })
    }
}

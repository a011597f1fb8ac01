//! The way into the suite: the cases and the stress. Their code lies behind all other (`.cases` in `boot/cases.ld`), and the
//! linker lets nothing of the kernel refer to it, so that a boot with a shell can do without. What is called is in one table.

use core::hint::black_box;

use crate::{ktest, memory, stress};

struct Suite {
    run: fn() -> !,
    report_panic: fn(),
}

static SUITE: Suite = Suite {
    run: ktest::run_what_is_asked_for,
    report_panic: stress::report_panic,
};

/// The table, in a way that lets no compiler see what is in it: it would refer to the functions.
fn suite() -> Option<&'static Suite> {
    memory::has_cases().then(|| black_box(&SUITE))
}

/// Runs what the boot arguments ask for, and ends the run.
///
/// # Panics
/// The suite is not there.
pub(crate) fn run() -> ! {
    let suite = suite().expect("a boot with a shell has no suite");
    (suite.run)()
}

/// Lets the suite add what it knows to the report of a panic.
pub(crate) fn report_panic() {
    if let Some(suite) = suite() {
        (suite.report_panic)();
    }
}

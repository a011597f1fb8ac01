//! Misbehaves on request (`selftest=`), so that the host's tools can be seen to notice.

use crate::{boot_arguments, ensure, ktest, power};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    Hang,
    Panic,
    DoublePanic,
    Fault,
    Die,
    Silent,
    Fail,
}

const NAMES: &[(&str, Misbehaviour)] = &[
    ("hang", Misbehaviour::Hang),
    ("panic", Misbehaviour::Panic),
    ("double-panic", Misbehaviour::DoublePanic),
    ("fault", Misbehaviour::Fault),
    ("die", Misbehaviour::Die),
    ("silent", Misbehaviour::Silent),
    ("fail", Misbehaviour::Fail),
];

/// A value that panics when it is printed.
struct PanicsWhenPrinted;

impl core::fmt::Display for PanicsWhenPrinted {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        panic!("selftest=double-panic: the second one")
    }
}

/// Before the first word on the console: hangs without one, if that is asked for.
pub(crate) fn before_banner() {
    if boot_arguments::get("selftest") == Some("silent") {
        power::stop()
    }
}

/// Behind the banner, in the boot thread, with everything running: does what is asked for.
pub(crate) fn run() {
    match boot_arguments::choice("selftest", NAMES) {
        None => {}
        Some(Misbehaviour::Hang | Misbehaviour::Silent) => power::stop(),
        Some(Misbehaviour::Panic) => panic!("selftest=panic"),
        Some(Misbehaviour::DoublePanic) => panic!("selftest=double-panic: {PanicsWhenPrinted}"),
        Some(Misbehaviour::Fault) => fault(),
        Some(Misbehaviour::Die) => power::turn_off(),
        // Left to the case below.
        Some(Misbehaviour::Fail) => {}
    }
}

/// Executes an instruction that is none.
#[inline(never)]
fn fault() {
    arch::trap::illegal_instruction();
}

ktest! {
    /// Fails when it is asked to, so that a failing case can be seen to fail the run.
    fn fails_when_asked() {
        ensure!(boot_arguments::get("selftest") != Some("fail"), "asked for by selftest=fail");
        Ok(())
    }
}

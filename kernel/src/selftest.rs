//! Misbehaves on request (`selftest=`), so that the host's tools can be seen to notice.

use arch::{hcall, interrupts, trap};

use crate::sync::{IrqLock, Rank};
use crate::{boot_arguments, cpu, ensure, ktest, memory, power, println};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misbehaviour {
    Hang,
    Panic,
    DoublePanic,
    Fault,
    StackOverflow,
    WriteToText,
    JumpToData,
    Null,
    OutsideRam,
    Die,
    Silent,
    Fail,
    Reset,
    LockOrder,
}

const NAMES: &[(&str, Misbehaviour)] = &[
    ("hang", Misbehaviour::Hang),
    ("panic", Misbehaviour::Panic),
    ("double-panic", Misbehaviour::DoublePanic),
    ("fault", Misbehaviour::Fault),
    ("stack-overflow", Misbehaviour::StackOverflow),
    ("write-to-text", Misbehaviour::WriteToText),
    ("jump-to-data", Misbehaviour::JumpToData),
    ("null", Misbehaviour::Null),
    ("outside-ram", Misbehaviour::OutsideRam),
    ("die", Misbehaviour::Die),
    ("silent", Misbehaviour::Silent),
    ("fail", Misbehaviour::Fail),
    ("reset", Misbehaviour::Reset),
    ("lock-order", Misbehaviour::LockOrder),
];

/// What is no code.
static CONSTANT: u64 = 0;

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
        Some(Misbehaviour::StackOverflow) => {
            trap::overflow_stack(u64::MAX);
        }
        Some(Misbehaviour::WriteToText) => store(fault as fn() as usize as u64),
        Some(Misbehaviour::JumpToData) => jump(&raw const CONSTANT as u64),
        Some(Misbehaviour::Null) => store(8),
        Some(Misbehaviour::OutsideRam) => store(memory::outside_ram()),
        Some(Misbehaviour::Die) => power::turn_off(),
        // Left to the case below.
        Some(Misbehaviour::Fail) => {}
        Some(Misbehaviour::Reset) => wait_for_reset(),
        Some(Misbehaviour::LockOrder) => take_locks_in_the_wrong_order(),
    }
}

/// Does nothing until the host has reset every CPU, and then goes on. Interrupts are off before it is asked to: a reset that comes
/// together with one finds the processor at the vector, where nothing can go on.
fn wait_for_reset() {
    interrupts::without(|| {
        println!("selftest=reset: waiting for a system reset of every CPU");
        while !cpu::online().all(|cpu| cpu.resets() != 0) {
            hcall::spin_hint();
        }
    });
    println!("selftest=reset: every CPU has come back");
}

/// Executes an instruction that is none.
#[inline(never)]
fn fault() {
    trap::illegal_instruction();
}

#[allow(unsafe_code, reason = "an address where nobody may write")]
fn store(address: u64) {
    // SAFETY: it is asked for, and if it is not noticed the run has no worth any more.
    unsafe { trap::store(address, 0) };
}

#[allow(unsafe_code, reason = "an address where there is no code")]
fn jump(address: u64) -> ! {
    // SAFETY: as in `store`.
    unsafe { trap::jump(address) }
}

/// Two locks of which the second must be the first.
fn take_locks_in_the_wrong_order() {
    let (first, second) = (IrqLock::new(Rank::Modules, ()), IrqLock::new(Rank::Threads, ()));
    let _later = second.lock();
    let _earlier = first.lock();
}

ktest! {
    /// Fails when it is asked to, so that a failing case can be seen to fail the run.
    fn fails_when_asked() {
        ensure!(boot_arguments::get("selftest") != Some("fail"), "asked for by selftest=fail");
        Ok(())
    }
}

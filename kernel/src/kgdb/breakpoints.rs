//! Breakpoints: words in code, written as hooks' words are.
//!
//! They are in the code while the kernel runs and not while it is stopped. So hooks can meet them, and do so with interrupts off:
//! a new hook is refused where one is, and a hook that goes changes the word beneath.

use core::fmt::Write as _;

use arch::{entry, interrupts};
use kernel_core::debugger::Breakpoints;
use spin::mutex::SpinMutex;

use super::memory;
use crate::symbols;

/// How many there can be.
const MAXIMUM: usize = 512;

/// Whoever has it has interrupts off and is done soon.
static TABLE: SpinMutex<Breakpoints<MAXIMUM>> = SpinMutex::new(Breakpoints::new());

/// What runs between a breakpoint's exception and the place where the debugger knows of it: a breakpoint there would never end.
/// One that is set there, as one of the many places of an inlined function, never stops anybody.
const OURS: [&str; 7] = [
    "kernel::kgdb::",
    "kernel::exceptions::",
    "kernel::cpu::hold::",
    "kernel_core::debugger::",
    "arch::debug::",
    "debugger_",
    "gdbstub::",
];

/// Whether an address is in the code that deals with breakpoints.
fn is_ours(address: u64) -> bool {
    let function = symbols::kernel().at(address);
    let has_our_name = function.is_some_and(|(function, _)| {
        let mut path = heapless::String::<2048>::new();
        // What does not fit are the arguments of generic functions.
        let _ = write!(path, "{}", function.path());
        OURS.iter().any(|ours| path.contains(ours)) && !path.contains("::tests::")
    });
    has_our_name || entry::entry_range().contains(&address)
}

/// Sets one; whether there can be one: where there is code.
pub(super) fn add(address: u64) -> bool {
    memory::instruction(address).is_some() && TABLE.lock().add(address)
}

/// Takes one away; whether there was one.
pub(super) fn remove(address: u64) -> bool {
    TABLE.lock().remove(address)
}

/// Forgets all, which have been lifted.
pub(super) fn clear() {
    TABLE.lock().clear();
}

/// Puts all into the code: the kernel is about to go on.
pub(super) fn plant() {
    let word = |address| {
        let word = memory::instruction(address)?;
        (!is_ours(address)).then_some(word)
    };
    TABLE.lock().plant(word, memory::write_instruction);
}

/// Puts back what was there: the kernel has stopped.
pub(super) fn lift() {
    TABLE.lock().lift(memory::instruction, memory::write_instruction);
}

/// Whether there is one in the code here.
pub(super) fn is_planted(address: u64) -> bool {
    TABLE.lock().instead_of(address).is_some()
}

/// Whether what has stopped somebody here is gone by now.
pub(super) fn is_gone(address: u64) -> bool {
    // tdi, twi; tw, td: `trap` is one of them, and so is a breakpoint.
    let can_trap = |word: u32| matches!((word >> 26, word >> 1 & 0x3ff), (2 | 3, _) | (31, 4 | 68));
    memory::instruction(address).is_some_and(|word| !can_trap(word))
}

/// Takes away for good one that the debugger has met itself; whether there was one.
pub(super) fn give_up(address: u64) -> bool {
    // The debugger may be in the middle of what the table is locked for.
    let Some(mut table) = TABLE.try_lock() else {
        return false;
    };
    let Some(word) = table.instead_of(address).copied() else {
        return false;
    };
    memory::write_instruction(address, word);
    table.remove(address)
}

/// Whether there are any. One more may come at any moment, when everything stops: what is written over it then stays.
pub(crate) fn has_breakpoints() -> bool {
    interrupts::without(|| !TABLE.lock().is_empty())
}

/// Whether there is one at this address.
pub(crate) fn has_breakpoint_at(address: u64) -> bool {
    interrupts::without(|| TABLE.lock().at(address).is_some())
}

/// The word that one at this address stands in place of.
pub(crate) fn word_beneath(address: u64) -> Option<u32> {
    interrupts::without(|| TABLE.lock().instead_of(address).copied())
}

/// Changes that word; false where no breakpoint stands.
pub(crate) fn write_beneath(address: u64, word: u32) -> bool {
    interrupts::without(|| {
        let mut table = TABLE.lock();
        let beneath = table.instead_of(address);
        beneath.map(|beneath| *beneath = word).is_some()
    })
}

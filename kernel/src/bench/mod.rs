//! The bench: what things cost, in guest instructions, on a machine that lets time pass by them.
//!
//! The boot argument `bench` adds its cases to the suite's, one a subject; each prints its figures, a line each
//! (`kernel_core::bench`). `cargo xtask bench` boots them, twice, and puts Linux's figures beside them.
//!
//! | file | subject |
//! |---|---|
//! | `start` | from the machine's start to the first case; memory in use |
//! | `calls` | one call of a function that is hooked or patched |
//! | `hooks` | writing to code, hooking one function, hooking all |
//! | `enable` | a patch, from the call of `enable` to its last thread |
//! | `cpus` | the same in time, while all CPUs are idle |
//! | `cast` | the functions that are called |
//! | `meter` | how the instructions of a call are counted |

mod calls;
mod cast;
mod cpus;
mod enable;
mod hooks;
mod meter;
mod start;

use alloc::string::String;

use kernel_core::bench::Figure;

use crate::{boot_arguments, ktest, println};

pub(crate) use start::first_case_begins;

/// A name, and what measures it.
type Subject = (&'static str, fn() -> ktest::Result);

/// The subjects, in the order in which they are measured: what is in use after the start comes before anything else.
const SUBJECTS: &[Subject] = &[
    ("start", start::measure),
    ("calls", calls::measure),
    ("hooks", hooks::measure),
    ("enable", enable::measure),
    ("cpus", cpus::measure),
];

/// The cases of the bench: none unless the boot arguments ask for it.
pub(crate) fn cases() -> impl Iterator<Item = (String, fn() -> ktest::Result)> {
    let is_wanted = boot_arguments::flag("bench");
    let subjects = SUBJECTS.iter().filter(move |_| is_wanted);
    subjects.map(|(name, measure)| (alloc::format!("bench::{name}"), *measure))
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Instructions,
    /// Of guest time.
    Microseconds,
    Bytes,
    /// From CPU to CPU.
    Interrupts,
}

/// Tells the host a figure.
fn tell(id: &str, unit: Unit, value: u64) {
    let unit = match unit {
        Unit::Instructions => "instructions",
        Unit::Microseconds => "us",
        Unit::Bytes => "bytes",
        Unit::Interrupts => "interrupts",
    };
    println!("# {}", Figure { id, unit, value });
}

//! What the user asked for on the command line of the boot.

use kernel_core::cmdline::Cmdline;
use spin::Once;

/// Every key that somebody reads, with what it does.
const KEYS: &[&str] = &[
    "log",          // level of the log
    "case",         // which cases to run
    "cpus",         // at most so many CPUs
    "shell",        // a shell in place of the cases: for a person, or with `script` for a program
    "selftest",     // misbehave, so that the host's tools can be tested
    "matrix",       // `lines`: its outcome for the host's tools as well
    "bench",        // adds the cases that count what things cost
    "icount",       // an instruction takes 2 to this power nanoseconds
    "klp.return",   // the return design of live patches
    "klp.unsafe",   // enable patches that their design cannot carry
    "gdb",          // `hvcN`, `hvcN,wait`: a debugger on another terminal, who is waited for
    "stress",       // calls and patches on all CPUs in place of the cases, for so many seconds
    "stress.seed",  // another seed for that
    "stress.plant", // a fault that it must find
    "unwind.seed",  // another seed for the corrupt stacks
    "entry",        // `fdt`: entered a second time, with a flat tree; boot has taken the word away then
];

static ARGUMENTS: Once<Cmdline<'static>> = Once::new();

pub(crate) fn init(text: &'static str) {
    ARGUMENTS.call_once(|| Cmdline::new(text));
}

/// Warns of words that nobody reads.
pub(crate) fn report_unknown() {
    for argument in all().unknown(KEYS) {
        log::warn!(target: "boot", "unknown boot argument '{}'", argument.key);
    }
}

/// All of them; none before the device tree is read.
pub fn all() -> Cmdline<'static> {
    ARGUMENTS.get().copied().unwrap_or_default()
}

/// The value of `key`, if it is there; empty where it has none.
pub fn get(key: &str) -> Option<&'static str> {
    all().get(key)
}

/// Whether the flag `key` is set. A value that it does not take counts as not set, with a warning.
pub fn flag(key: &'static str) -> bool {
    all().flag(key).unwrap_or_else(|error| {
        log::warn!(target: "boot", "boot argument {error}");
        false
    })
}

/// What the value of `key` stands for. A value that it does not take counts as none, with a warning.
pub fn choice<T: Clone>(key: &'static str, wanted: &'static [(&'static str, T)]) -> Option<T> {
    all().choice(key, wanted).unwrap_or_else(|error| {
        log::warn!(target: "boot", "boot argument {error}");
        None
    })
}

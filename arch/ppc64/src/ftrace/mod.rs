//! Function-entry hooks: the common trampolines, the stubs that lead to them, and the sites that lead to the stubs.

mod frame;
mod ops;
mod stub;

pub use frame::{FtraceFrame, FtraceRegs, HookHead, OpsEntry};
pub use ops::{FtraceOps, OpsFlags, OpsFunction};
pub use stub::{STUB_SIZE, StubWords, choice_words, original_words, site_word, stub_words};

#[cfg(target_arch = "powerpc64")]
mod trampoline;
#[cfg(target_arch = "powerpc64")]
pub use trampoline::{Trampoline, ftrace_stub, ftrace_trash, return_to_handler_entry};
#[cfg(target_arch = "powerpc64")]
mod site;
#[cfg(target_arch = "powerpc64")]
pub use site::{WordMismatch, check_word, retargeted, write_choice, write_original, write_stubs};

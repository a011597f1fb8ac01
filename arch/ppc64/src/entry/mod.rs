//! Exceptions: the vectors, what they save, and how they are installed.

mod frame;
mod vector;

pub use frame::{DWARF_NIP, EXCEPTION_FRAME_SIZE, ExceptionFrame, HANDLER_ROOM};
pub use vector::{VECTORS, Vector};

#[cfg(target_arch = "powerpc64")]
mod install;
#[cfg(target_arch = "powerpc64")]
pub(crate) use install::boot_guards;
#[cfg(target_arch = "powerpc64")]
pub use install::{entry_range, exit_range, forgetful, install, prepare_cpu, survives_reset};

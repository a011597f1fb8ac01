//! Who wants to see a call.

use core::sync::atomic::AtomicU64;

use bitflags::bitflags;

use super::FtraceRegs;

/// What the trampolines call: the site, A's return address, the ops itself, the registers that it asked for.
///
/// It runs on the calling thread, on its stack, with interrupts as they were. What it calls is not shown to any ops.
pub type OpsFunction = extern "C" fn(site: u64, parent: u64, ops: &FtraceOps, regs: &mut FtraceRegs);

bitflags! {
    /// What an ops needs.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OpsFlags: u32 {
        /// Every register, and every register's new value taken over.
        const SAVE_REGS = 1 << 0;
        /// It changes where the call goes on: at most one ops of a hook may.
        const IPMODIFY = 1 << 1;
        /// It lets go of a module's functions by itself when the module goes.
        const LETS_GO = 1 << 2;
    }
}

/// Who wants to see a call: a tracer, a live patch, a probe.
#[repr(C)]
#[derive(Debug)]
pub struct FtraceOps {
    /// The function's own word.
    pub data: AtomicU64,
    /// For messages and lists.
    pub name: &'static str,
    /// What is called.
    pub function: OpsFunction,
    /// What it needs.
    pub flags: OpsFlags,
    /// Where the site may lead while this is the only ops on its hook, instead of to a trampoline that calls the function; 0: it may
    /// not. What is there takes calls as they come by `b` from a site.
    pub direct: AtomicU64,
}

impl FtraceOps {
    /// An ops whose own word is 0.
    pub const fn new(name: &'static str, function: OpsFunction, flags: OpsFlags) -> Self {
        FtraceOps {
            name,
            function,
            flags,
            data: AtomicU64::new(0),
            direct: AtomicU64::new(0),
        }
    }
}

//! The common trampolines by name.
#![allow(
    unsafe_code,
    reason = "the trampolines are assembly; only their addresses are taken here"
)]

use core::arch::global_asm;
use core::mem::{offset_of, size_of};

use super::frame::offsets::{FRAME_NIP, FRAME_RETURN_ENTRY, HOOK_SITE};
use super::frame::{FtraceFrame, FtraceRegs, HookHead, OpsEntry, ReturnFrame};
use super::{FtraceOps, OpsFlags};
use crate::abi::FrameHeader;
use crate::thread::ThreadHead;

/// Assembles the trampolines' files as one, since they share a label, with one set of offsets.
macro_rules! trampolines {
    ($($file:literal),+) => {
        global_asm!(
            $(include_str!($file),)+
            TRACE_DEPTH = const offset_of!(ThreadHead, trace_depth),
            LR_SAVE = const offset_of!(FrameHeader, lr_save),
            TOC_SAVE = const offset_of!(FtraceFrame, header) + offset_of!(FrameHeader, toc_save),
            FRAME_SIZE = const size_of::<FtraceFrame>(),
            REGS = const offset_of!(FtraceFrame, regs),
            GPR = const offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, gpr),
            NIP = const FRAME_NIP,
            LR = const offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, lr),
            CTR = const offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, ctr),
            XER = const offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, xer),
            CR = const offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, cr),
            RETURN_ENTRY = const FRAME_RETURN_ENTRY,
            HOOK_SITE = const HOOK_SITE,
            HOOK_OPS = const offset_of!(HookHead, ops),
            HOOK_MISSED = const offset_of!(HookHead, missed),
            OPS_FUNCTION = const offset_of!(OpsEntry, function),
            OPS_POINTER = const offset_of!(OpsEntry, ops),
            OPS_SIZE = const size_of::<OpsEntry>(),
        );
    };
}

trampolines!("caller.S", "regs_caller.S", "one_caller.S", "mcount.S");

global_asm!(
    include_str!("trash.S"),
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    CR_SAVE = const offset_of!(FrameHeader, cr_save),
    OPS_DATA = const offset_of!(FtraceOps, data),
);

global_asm!(
    include_str!("return_to_handler.S"),
    FRAME_SIZE = const size_of::<ReturnFrame>(),
    TOC_SAVE = const offset_of!(ReturnFrame, header) + offset_of!(FrameHeader, toc_save),
    RESULT = const offset_of!(ReturnFrame, result),
);

#[allow(
    improper_ctypes,
    reason = "the assembly touches only the fields that it has offsets of"
)]
unsafe extern "C" {
    /// An ops for tests: counts in its own word and trashes every register that an ops may trash.
    pub safe fn ftrace_trash(site: u64, parent: u64, ops: &FtraceOps, regs: &mut FtraceRegs);
    fn return_to_handler();
    fn ftrace_caller();
    fn ftrace_regs_caller();
    fn ftrace_one_caller();
    fn ftrace_regs_one_caller();
    /// The ops that does nothing.
    pub safe fn ftrace_stub(site: u64, parent: u64, ops: &FtraceOps, regs: &mut FtraceRegs);
}

/// Which registers the ops of a hook get to see, and how many ops there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trampoline {
    /// The arguments, and one ops that does not redirect calls: `ftrace_one_caller`.
    OneArguments,
    /// All registers, and one such ops: `ftrace_regs_one_caller`.
    OneAllRegisters,
    /// The arguments: `ftrace_caller`.
    Arguments,
    /// All registers: `ftrace_regs_caller`.
    AllRegisters,
}

impl Trampoline {
    /// The least that gives so many ops with these needs what they want.
    pub fn needed_for(flags: OpsFlags, ops: usize) -> Self {
        let is_one = ops == 1 && !flags.contains(OpsFlags::IPMODIFY);
        match (is_one, flags.contains(OpsFlags::SAVE_REGS)) {
            (true, false) => Trampoline::OneArguments,
            (true, true) => Trampoline::OneAllRegisters,
            (false, false) => Trampoline::Arguments,
            (false, true) => Trampoline::AllRegisters,
        }
    }

    /// Whether a list that needs `needed` gets all it wants from this one, too.
    pub fn serves(self, needed: Trampoline) -> bool {
        self == needed
            || match self {
                Trampoline::OneArguments => false,
                Trampoline::OneAllRegisters | Trampoline::Arguments => needed == Trampoline::OneArguments,
                Trampoline::AllRegisters => true,
            }
    }

    /// Where its code begins.
    #[inline]
    pub fn address(self) -> u64 {
        match self {
            Trampoline::OneArguments => ftrace_one_caller as *const () as u64,
            Trampoline::OneAllRegisters => ftrace_regs_one_caller as *const () as u64,
            Trampoline::Arguments => ftrace_caller as *const () as u64,
            Trampoline::AllRegisters => ftrace_regs_caller as *const () as u64,
        }
    }
}

/// Where a function returns to that the graph tracer follows: for `FtraceRegs::lr`.
pub fn return_to_handler_entry() -> u64 {
    return_to_handler as *const () as u64
}

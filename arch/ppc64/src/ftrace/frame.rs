//! What the common trampolines save, and what they read of a hook.

use core::mem::{offset_of, size_of};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::abi::{FrameHeader, STACK_ALIGN};

/// Registers at a site, as the ops of the hook see them.
///
/// `ftrace_caller` fills `gpr[3]` to `gpr[10]`, `nip` and `lr`, and restores these; `ftrace_regs_caller` fills and restores
/// everything that a function's entry has. So do their counterparts for one ops.
///
/// Five of `gpr` are never filled and mean nothing: r0, r11 and r12 are free at a function's entry (ELFv2 2.2.2.1), and what site and
/// stub have put there is in `lr`, which r0 gets on the way on in B, since a classic site has it there; r1 is
/// [`FtraceRegs::stack_pointer`]; and r13 is the running thread's, as it is while the ops runs.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub struct FtraceRegs {
    /// r2 to r10 and r14 to r31, by their numbers.
    pub gpr: [u64; 32],
    /// Where the call goes on. Private: a new one needs a return design, see [`FtraceRegs::redirect`].
    nip: u64,
    /// A's return address.
    pub lr: u64,
    /// Count register.
    pub ctr: u64,
    /// Fixed-point exception register.
    pub xer: u64,
    /// Condition register.
    pub cr: u64,
    /// Entry of the return design that a changed `nip` is reached through; means nothing while `nip` is unchanged.
    return_entry: u64,
}

impl FtraceRegs {
    /// Where the call goes on: in B behind the site, or where [`FtraceRegs::redirect`] said.
    #[inline(always)]
    pub fn nip(&self) -> u64 {
        self.nip
    }

    /// A's r1, below which the trampoline's frame lies. The registers are those that a trampoline handed out.
    #[inline(always)]
    pub fn stack_pointer(&self) -> u64 {
        let frame = core::ptr::from_ref(self) as u64 - offset_of!(FtraceFrame, regs) as u64;
        frame + size_of::<FtraceFrame>() as u64
    }

    /// Sends the call to `function`, a global entry, through the return design whose code begins at `return_entry`
    /// (`ReturnDesign::entry`).
    #[inline(always)]
    pub fn redirect(&mut self, function: u64, return_entry: u64) {
        self.nip = function;
        self.return_entry = return_entry;
    }
}

/// The frame of the common trampolines, below A's.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub struct FtraceFrame {
    /// Header; `toc_save` has the r2 that B is to find.
    pub header: FrameHeader,
    /// What the ops get a pointer to.
    pub regs: FtraceRegs,
}

/// The frame of `return_to_handler`, below A's.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub(super) struct ReturnFrame {
    /// Header; `toc_save` has the r2 that A is to find.
    pub header: FrameHeader,
    /// r3 to r10: what the function returned.
    pub result: [u64; 8],
}

/// Offsets of private fields, for the assembly.
#[cfg(target_arch = "powerpc64")]
pub(crate) mod offsets {
    use core::mem::offset_of;

    use super::{FtraceFrame, FtraceRegs, HookHead};

    pub(crate) const HOOK_SITE: usize = offset_of!(HookHead, site);
    pub(crate) const FRAME_NIP: usize = offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, nip);
    pub(crate) const FRAME_RETURN_ENTRY: usize =
        offset_of!(FtraceFrame, regs) + offset_of!(FtraceRegs, return_entry);
}

/// The part of a hook that the trampolines read. The stub has its address. Memory with whatever in it is one.
#[repr(C, align(32))]
#[derive(Debug, Default)]
pub struct HookHead {
    /// The slot that is a branch now. B goes on at the next instruction.
    site: AtomicU64,
    /// The ops to call, in order; the entry after the last one has function 0. Replaced as a whole, by one store.
    pub ops: AtomicPtr<OpsEntry>,
    /// Calls that came while the thread was inside an ops already, and so were not shown to any.
    pub missed: AtomicU64,
}

/// One ops of a hook, as the trampolines want it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpsEntry {
    /// Global entry of the function to call; 0 ends the list.
    pub function: u64,
    /// Its third argument.
    pub ops: u64,
}

impl OpsEntry {
    /// What ends a list.
    pub const END: OpsEntry = OpsEntry { function: 0, ops: 0 };
}

impl HookHead {
    /// Makes it that of a hook of `site` to which nothing leads yet, with a list that stays alive until nobody can be reading it
    /// any more.
    #[inline]
    pub fn set(&self, site: u64, ops: *const OpsEntry) {
        self.site.store(site, Ordering::Relaxed);
        self.missed.store(0, Ordering::Relaxed);
        self.ops.store(ops.cast_mut(), Ordering::Relaxed);
    }

    /// Puts another list in place.
    #[inline]
    pub fn publish(&self, ops: *const OpsEntry) {
        self.ops.store(ops.cast_mut(), Ordering::Release);
    }
}

const _: () = {
    assert!(size_of::<FtraceFrame>() % STACK_ALIGN == 0);
    assert!(size_of::<ReturnFrame>() % STACK_ALIGN == 0);
    assert!(offset_of!(FtraceFrame, header) == 0);
    assert!(size_of::<OpsEntry>() == 16);
    assert!(offset_of!(OpsEntry, function) == 0);
};

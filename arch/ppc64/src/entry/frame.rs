//! What an exception saves, and where.

use core::mem::{offset_of, size_of};

use crate::abi::{FrameHeader, RED_ZONE, STACK_ALIGN};

/// Everything that the interrupted code could see, below its red zone on its own stack.
///
/// The frame starts with a common header whose back chain is the interrupted r1, so a walk of the
/// back chains goes through it; who needs the exact place uses `nip` and `lr`.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub struct ExceptionFrame {
    /// Header of the frame in which the handler runs.
    pub header: FrameHeader,
    /// r0 to r31 at the moment of the exception.
    pub gpr: [u64; 32],
    /// Address of the interrupted instruction, or of the next one to run (SRR0).
    pub nip: u64,
    /// MSR of the interrupted code, and the bits that tell the cause (SRR1).
    pub msr: u64,
    /// Count register.
    pub ctr: u64,
    /// Link register.
    pub lr: u64,
    /// Fixed-point exception register.
    pub xer: u64,
    /// Condition register.
    pub cr: u64,
    /// Data address register; says something for the vectors that set it.
    pub dar: u64,
    /// Data storage interrupt status register; as `dar`.
    pub dsisr: u64,
    /// Which exception: the vector's offset.
    pub vector: u64,
    /// The interrupted context's `ThreadHead::trace_depth`.
    pub trace_depth: u64,
    /// Its `ThreadHead::return_sp`: the records above are of what the exception calls.
    pub return_sp: u64,
    /// Its `ThreadHead::livepatch_sp`.
    pub livepatch_sp: u64,
}

/// DWARF's register for the address of the next instruction, in frames that are no call's: none of the processor's own
/// numbers (ELFv2 2.4).
pub const DWARF_NIP: u16 = 67;

impl ExceptionFrame {
    /// Where the frame is: on the stack that the handler runs on.
    pub fn address(&self) -> u64 {
        core::ptr::from_ref(self) as u64
    }
}

/// Bytes of an exception frame without the red zone above it.
pub const EXCEPTION_FRAME_SIZE: usize = size_of::<ExceptionFrame>();
/// Bytes that must be left below the frame for the handler itself; with less, the handler runs on the emergency stack.
/// A handler may have to print a backtrace, and to unwind takes 6 KiB.
pub const HANDLER_ROOM: usize = 12 * 1024;

const _: () = {
    assert!(offset_of!(ExceptionFrame, header) == 0);
    assert!((EXCEPTION_FRAME_SIZE + RED_ZONE) % STACK_ALIGN == 0);
    // `addi` takes 15 bits and a sign.
    assert!(EXCEPTION_FRAME_SIZE + RED_ZONE + HANDLER_ROOM < 0x8000);
};

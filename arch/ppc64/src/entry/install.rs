//! Puts the exception stubs where the processor looks for them.
#![allow(
    unsafe_code,
    reason = "the vectors are at fixed real addresses, and the stubs are assembly"
)]

use core::arch::global_asm;
use core::mem::offset_of;
use core::ops::Range;

use super::{EXCEPTION_FRAME_SIZE, ExceptionFrame, HANDLER_ROOM, Vector};
use crate::abi::{FrameHeader, RED_ZONE};
use crate::start::Stack;
use crate::thread::{STACK_SIZE, ThreadHead};
use crate::{hcall, msr, text};

/// Where a handler runs when the interrupted r1 is no good. One CPU, so one stack.
static EMERGENCY_STACK: Stack = Stack::new();

global_asm!(
    include_str!("entry.S"),
    SCRATCH = const offset_of!(ThreadHead, exception_scratch),
    STACK_LOW = const offset_of!(ThreadHead, stack_low),
    STACK_HIGH = const offset_of!(ThreadHead, stack_high),
    TRACE_DEPTH = const offset_of!(ThreadHead, trace_depth),
    RED_ZONE = const RED_ZONE,
    HANDLER_ROOM = const HANDLER_ROOM,
    FRAME_SIZE = const EXCEPTION_FRAME_SIZE,
    BACK_CHAIN = const offset_of!(ExceptionFrame, header) + offset_of!(FrameHeader, back_chain),
    GPR = const offset_of!(ExceptionFrame, gpr),
    NIP = const offset_of!(ExceptionFrame, nip),
    MSR = const offset_of!(ExceptionFrame, msr),
    CTR = const offset_of!(ExceptionFrame, ctr),
    LR = const offset_of!(ExceptionFrame, lr),
    XER = const offset_of!(ExceptionFrame, xer),
    CR = const offset_of!(ExceptionFrame, cr),
    DAR = const offset_of!(ExceptionFrame, dar),
    DSISR = const offset_of!(ExceptionFrame, dsisr),
    VECTOR = const offset_of!(ExceptionFrame, vector),
    FRAME_TRACE_DEPTH = const offset_of!(ExceptionFrame, trace_depth),
    MSR_RI = const msr::RI,
    EMERGENCY_STACK = sym EMERGENCY_STACK,
    EMERGENCY_STACK_SIZE = const STACK_SIZE,
);

unsafe extern "C" {
    static exception_vector_template: [u32; 4];
    static exception_exit: [u32; 0];
    static exception_exit_end: [u32; 0];
}

/// Index of the template's `li r10,0`, whose immediate becomes the vector's offset.
const VECTOR_WORD: usize = 2;

/// Installs a stub at every vector and asks the hypervisor for little-endian exceptions.
///
/// Overwrites what the firmware keeps in low memory: no Open Firmware call is possible afterwards.
pub fn install() {
    for (vector, _) in Vector::ALL {
        // SAFETY: four words of initialised, immutable assembly.
        let mut stub = unsafe { exception_vector_template };
        stub[VECTOR_WORD] |= vector.0 as u32;
        for (word, instruction) in stub.into_iter().enumerate() {
            // SAFETY: real addresses 0x100 to 0xfff are RAM that the firmware has handed over; nobody executes there yet.
            unsafe { text::write_word(vector.0 + 4 * word as u64, instruction) };
        }
    }
    hcall::set_little_endian_exceptions();
}

/// Where an exception handler returns to: a return address in here marks the frame above it as an [`ExceptionFrame`].
pub fn exit_range() -> Range<u64> {
    &raw const exception_exit as u64..&raw const exception_exit_end as u64
}

/// The emergency stack.
pub fn emergency_stack() -> Range<u64> {
    EMERGENCY_STACK.range()
}

/// Whether `stack_pointer` is on the emergency stack.
pub fn on_emergency_stack(stack_pointer: u64) -> bool {
    EMERGENCY_STACK.range().contains(&stack_pointer)
}

//! Puts the exception stubs where the processor looks for them.
#![allow(
    unsafe_code,
    reason = "the vectors are at fixed real addresses, and the stubs are assembly"
)]

use core::arch::global_asm;
use core::mem::{offset_of, size_of};
use core::ops::Range;
use core::sync::atomic::Ordering;

use super::{DWARF_NIP, EXCEPTION_FRAME_SIZE, ExceptionFrame, HANDLER_ROOM, Vector};
use crate::abi::{FrameHeader, RED_ZONE};
use crate::cpu::CpuHead;
use crate::start::{Stack, boot_cpu};
use crate::thread::ThreadHead;
use crate::{msr, text};

/// The boot CPU's stack for handlers when the interrupted r1 is no good.
static EMERGENCY_STACK: Stack = Stack::new();
/// The boot CPU's stack for system resets and machine checks.
static RESET_STACK: Stack = Stack::new();
/// What a vector's number has in it when HSRR0 and HSRR1 are the save registers. No vector is odd.
const BY_HYPERVISOR: u64 = 1;
/// The numbers of the special-purpose registers HSRR0 and HSRR1 (Power ISA 3.0B, book III, 4.4).
const HSRR: [u32; 2] = [314, 315];

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
    RETURN_SP = const offset_of!(ThreadHead, return_sp),
    FRAME_RETURN_SP = const offset_of!(ExceptionFrame, return_sp),
    LIVEPATCH_SP = const offset_of!(ThreadHead, livepatch_sp),
    FRAME_LIVEPATCH_SP = const offset_of!(ExceptionFrame, livepatch_sp),
    RESET_SCRATCH = const offset_of!(ThreadHead, reset_scratch),
    MACHINE_CHECK_SCRATCH = const offset_of!(ThreadHead, machine_check_scratch),
    CPU = const offset_of!(ThreadHead, cpu),
    KERNEL_MSR = const offset_of!(CpuHead, kernel_msr),
    EMERGENCY_LOW = const offset_of!(CpuHead, emergency_low),
    EMERGENCY_HIGH = const offset_of!(CpuHead, emergency_high),
    RESET_LOW = const offset_of!(CpuHead, reset_low),
    RESET_HIGH = const offset_of!(CpuHead, reset_high),
    BY_HYPERVISOR = const BY_HYPERVISOR,
    HSRR0 = const HSRR[0],
    HSRR1 = const HSRR[1],
    DWARF_NIP = const DWARF_NIP,
);

// A CPU that was never started has its head at address 0, and the vectors begin at 0x100.
const _: () = assert!(size_of::<ThreadHead>() <= 0x100);

unsafe extern "C" {
    static exception_vector_template: [u32; 4];
    static reset_vector_template: [u32; 4];
    static machine_check_vector_template: [u32; 4];
    static exception_exit: [u32; 0];
    static exception_exit_live: [u32; 0];
    static exception_entry_frame: [u32; 0];
    static exception_entry_saved: [u32; 0];
    static exception_entry_live: [u32; 0];
    fn exception_entry();
    fn machine_check_entry();
    static exception_exit_end: [u32; 0];
}

/// Index of a template's `li r10,0`, whose immediate becomes the vector's offset.
const VECTOR_WORD: usize = 2;

/// What is copied to a vector.
fn stub(vector: Vector) -> [u32; 4] {
    let template = match vector {
        Vector::SYSTEM_RESET => &raw const reset_vector_template,
        Vector::MACHINE_CHECK => &raw const machine_check_vector_template,
        _ => &raw const exception_vector_template,
    };
    // SAFETY: four words of initialised, immutable assembly.
    let mut stub = unsafe { template.read() };
    stub[VECTOR_WORD] |= vector.0 as u32;
    if vector.is_hypervisors() {
        stub[VECTOR_WORD] |= BY_HYPERVISOR as u32;
    }
    stub
}

/// Installs a stub at every vector. The platform must still be asked to take exceptions in little-endian mode.
///
/// Overwrites what the firmware keeps in low memory: no Open Firmware call is possible afterwards.
pub fn install() {
    prepare_cpu(boot_cpu(), EMERGENCY_STACK.range(), RESET_STACK.range());
    for (vector, _) in Vector::ALL {
        // SAFETY: real addresses 0x100 to 0xfff are RAM that the firmware has handed over; nobody executes there yet.
        unsafe { text::write_words(vector.0, &stub(vector)) };
    }
}

/// The pages below the boot CPU's own stacks.
pub(crate) fn boot_guards() -> impl Iterator<Item = Range<u64>> {
    [&EMERGENCY_STACK, &RESET_STACK].into_iter().map(Stack::guard)
}

/// Gives a CPU its stacks, for what finds r1 unusable and for system resets and machine checks, and its handlers the machine
/// state that the caller has now.
pub fn prepare_cpu(cpu: &CpuHead, emergency: Range<u64>, reset: Range<u64>) {
    let stacks = [
        (emergency, &cpu.emergency_low, &cpu.emergency_high),
        (reset, &cpu.reset_low, &cpu.reset_high),
    ];
    for (stack, low, high) in stacks {
        low.store(stack.start, Ordering::Relaxed);
        high.store(stack.end, Ordering::Relaxed);
    }
    let state = msr::read() & !(msr::EE | msr::IR | msr::DR) | msr::RI;
    cpu.kernel_msr.store(state, Ordering::Relaxed);
}

/// Whether a system reset has destroyed nothing that found the processor at `address`, although MSR\[RI\] is off there: on the
/// way into an exception what SRR0 and SRR1 had is in other registers already, on the way out it is still in the frame.
pub fn survives_reset(address: u64) -> bool {
    let way_in = &raw const exception_entry_saved as u64..=&raw const exception_entry_live as u64;
    let way_out = &raw const exception_exit as u64..=&raw const exception_exit_live as u64;
    way_in.contains(&address) || way_out.contains(&address)
}

/// The exception that a system reset has made forget where it came from: `frame` is the reset's. r1, r13 to r31, LR and CR1 to
/// CR7 are still those that the exception has interrupted.
pub fn forgetful(frame: &ExceptionFrame) -> Option<Vector> {
    let entry = exception_entry as *const () as u64..=&raw const exception_entry_frame as u64;
    let vector = if entry.contains(&frame.nip) {
        // The vector's `li r10`.
        frame.gpr[10]
    } else {
        frame.nip
    };
    let is_known = Vector::ALL.iter().any(|(known, _)| known.0 == vector);
    (frame.msr & msr::RI == 0 && is_known).then_some(Vector(vector))
}

/// Where an exception handler returns to: a return address in here marks the frame above it as an [`ExceptionFrame`].
pub fn exit_range() -> Range<u64> {
    &raw const exception_exit as u64..&raw const exception_exit_end as u64
}

/// The code of the exceptions' own entry and exit, up to the last one's first instruction. An exception in it would destroy
/// what it is about to save or to restore.
pub fn entry_range() -> Range<u64> {
    exception_entry as *const () as u64..machine_check_entry as *const () as u64 + 0x80
}

//! The stack frame header and the register roles of the ELFv2 ABI.
//!
//! Source: "64-Bit ELF V2 ABI Specification", 2.2.2 (registers) and 2.2.3 (the stack frame).

use core::mem::{offset_of, size_of};

/// What stands at the lowest address of every stack frame (ELFv2 2.2.3.1, figure 2-18).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameHeader {
    /// Address of the caller's frame; 0 in the outermost one.
    pub back_chain: u64,
    /// Where the function that owns this frame's *callee* may save CR.
    pub cr_save: u32,
    /// Reserved by the ABI; nobody may keep anything here.
    pub reserved: u32,
    /// Where the *callee* saves the return address into the function that owns this frame.
    pub lr_save: u64,
    /// Where the owner of this frame, or the stub it calls through, saves r2.
    pub toc_save: u64,
}

/// Bytes of the smallest frame: the header alone (ELFv2 2.2.3.1).
pub const FRAME_HEADER_SIZE: usize = size_of::<FrameHeader>();
/// Bytes below r1 that a function may use without a frame and no interrupt may touch (ELFv2 2.2.3.4).
pub const RED_ZONE: usize = 288;
/// Every value that r1 ever has is a multiple of this (ELFv2 2.2.3.1).
pub const STACK_ALIGN: usize = 16;
/// Offset from a frame of the place where its callee's ninth argument lies (ELFv2 2.2.3.3): behind the
/// header and the doublewords of the eight arguments that travel in r3 to r10.
pub const STACK_ARGUMENTS: usize = FRAME_HEADER_SIZE + 8 * 8;

/// Whether the kernel's own code reaches its data through a TOC pointer in r2. Without, r2 is one more register that is free
/// across its calls, and only modules may still have a TOC.
pub const HAS_TOC: bool = !cfg!(pcrel);

const _: () = {
    assert!(offset_of!(FrameHeader, back_chain) == 0);
    assert!(offset_of!(FrameHeader, cr_save) == 8);
    assert!(offset_of!(FrameHeader, reserved) == 12);
    assert!(offset_of!(FrameHeader, lr_save) == 16);
    assert!(offset_of!(FrameHeader, toc_save) == 24);
    assert!(FRAME_HEADER_SIZE == 32);
    assert!(FRAME_HEADER_SIZE % STACK_ALIGN == 0);
    assert!(STACK_ARGUMENTS == 96);
};

/// r2 as it is: the TOC pointer of the running code, if everybody before kept to the ABI; 0 in a kernel without a TOC, where
/// r2 means nothing.
#[cfg(target_arch = "powerpc64")]
#[inline(always)]
#[allow(unsafe_code, reason = "reads a register that the language does not know")]
pub fn toc_pointer() -> u64 {
    if !HAS_TOC {
        return 0;
    }
    let toc;
    // SAFETY: copies a register; `volatile` by default, so that it is read at this very place.
    unsafe { core::arch::asm!("mr {}, 2", out(reg) toc, options(nostack, preserves_flags)) };
    toc
}

#[cfg(target_arch = "powerpc64")]
core::arch::global_asm!(
    ".section .rodata.kernel_toc_pointer, \"a\"",
    ".balign 8",
    ".globl kernel_toc_pointer",
    "kernel_toc_pointer:",
    ".quad .TOC.@tocbase",
);

/// The kernel's TOC pointer, whatever is in r2.
#[cfg(target_arch = "powerpc64")]
#[allow(unsafe_code, reason = "the linker knows it, and assembly writes it down")]
pub fn kernel_toc() -> u64 {
    unsafe extern "C" {
        static kernel_toc_pointer: u64;
    }
    // SAFETY: an initialised, immutable doubleword.
    unsafe { kernel_toc_pointer }
}

/// r1 as it is: the frame of the function that this is inlined into.
#[cfg(target_arch = "powerpc64")]
#[inline(always)]
#[allow(unsafe_code, reason = "reads a register that the language does not know")]
pub fn stack_pointer() -> u64 {
    let stack_pointer;
    // SAFETY: copies a register; `volatile` by default, so that it is read at this very place.
    unsafe { core::arch::asm!("mr {}, 1", out(reg) stack_pointer, options(nostack, preserves_flags)) };
    stack_pointer
}

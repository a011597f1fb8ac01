//! The image's entry point and the boot thread's stack; and where the other CPUs begin.
#![allow(
    unsafe_code,
    reason = "the entry point is assembly, and stacks are memory that r1 owns"
)]

pub mod secondary;

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ops::Range;

use goblin::elf64::header::{ELFMAG, Header};
use goblin::elf64::program_header::{PT_LOAD, ProgramHeader};
use kernel_core::radix::PAGE_SIZE;

use crate::abi::{FRAME_HEADER_SIZE, FrameHeader};
use crate::cpu::CpuHead;
use crate::msr;
use crate::thread::{GUARD_SIZE, STACK_SIZE, ThreadHead};
use crate::upcalls::kernel_cpus;

/// Stack memory: the type says how it must be aligned and that others than Rust write to it. Below the stack are pages that
/// are nobody's, for a stack that overflows to run into.
#[repr(C, align(4096))]
pub(crate) struct Stack {
    guard: [u8; GUARD_SIZE],
    stack: UnsafeCell<[u8; STACK_SIZE]>,
}

const _: () =
    assert!(align_of::<Stack>() == PAGE_SIZE as usize && (STACK_SIZE | GUARD_SIZE) % PAGE_SIZE as usize == 0);

// SAFETY: nothing in Rust ever reads or writes the bytes; they belong to r1.
unsafe impl Sync for Stack {}

impl Stack {
    pub(crate) const fn new() -> Self {
        Stack {
            guard: [0; GUARD_SIZE],
            stack: UnsafeCell::new([0; STACK_SIZE]),
        }
    }

    /// The addresses that the stack covers.
    pub(crate) fn range(&self) -> Range<u64> {
        let low = self.stack.get() as u64;
        low..low + STACK_SIZE as u64
    }

    /// The pages below.
    pub(crate) fn guard(&self) -> Range<u64> {
        let start = &raw const self.guard as u64;
        start..start + GUARD_SIZE as u64
    }
}

/// Where the first segment, which `_start` begins, lies in the image's file: the linker aligns it by 64 KiB, behind the
/// headers.
const FIRST_SEGMENT: usize = 0x1_0000;

static BOOT_STACK: Stack = Stack::new();
/// What r13 points to until the kernel has threads: locks count themselves in it.
static BOOT_HEAD: ThreadHead = ThreadHead::new(&raw const kernel_cpus);

/// The CPU that the firmware has started, which `_start` runs on.
pub fn boot_cpu() -> &'static CpuHead {
    // SAFETY: the kernel defines it, and all that can change in it is atomic.
    unsafe { &kernel_cpus }
}

/// The stack that `_start` switched to: the boot thread's.
pub fn boot_stack() -> Range<u64> {
    BOOT_STACK.range()
}

/// The pages below the stacks that are part of the image: the boot thread's and the boot CPU's.
pub fn boot_guards() -> impl Iterator<Item = Range<u64>> {
    core::iter::once(BOOT_STACK.guard()).chain(crate::entry::boot_guards())
}

global_asm!(
    include_str!("../to_little_endian.S"),
    include_str!("kernel_msr.S"),
    include_str!("start.S"),
    ".purgem to_little_endian",
    ".purgem kernel_msr",
    MSR_EE = const msr::EE,
    MSR_ME = const msr::ME,
    MSR_RI = const msr::RI,
    BOOT_HEAD = sym BOOT_HEAD,
    BOOT_STACK = sym BOOT_STACK,
    BOOT_STACK_SIZE = const size_of::<Stack>(),
    FRAME_HEADER_SIZE = const FRAME_HEADER_SIZE,
    FRAME_LR_SAVE = const offset_of!(FrameHeader, lr_save),
    FIRST_SEGMENT = const FIRST_SEGMENT,
    ELF_MAGIC = const u32::from_le_bytes(*ELFMAG),
    PT_LOAD = const PT_LOAD,
    E_PHOFF = const offset_of!(Header, e_phoff),
    E_PHENTSIZE = const offset_of!(Header, e_phentsize),
    E_PHNUM = const offset_of!(Header, e_phnum),
    P_TYPE = const offset_of!(ProgramHeader, p_type),
    P_OFFSET = const offset_of!(ProgramHeader, p_offset),
    P_VADDR = const offset_of!(ProgramHeader, p_vaddr),
    P_FILESZ = const offset_of!(ProgramHeader, p_filesz),
);

unsafe extern "C" {
    fn _start();
}

/// Starts the image once more, with the flattened device tree at `tree` as its only argument.
///
/// # Safety
/// The image is as it was loaded but for what `_start` zeroes and what nothing initialises; interrupts are off.
pub unsafe fn enter_flat(tree: u64) -> ! {
    // SAFETY: as the caller says; `_start` needs nothing but r3, r4 and r5.
    unsafe {
        asm!(
            "mtctr {start}", "bctr",
            start = in(reg) _start as *const () as u64, in("r3") tree, in("r4") 0, in("r5") 0,
            options(noreturn)
        )
    }
}

//! Making the processors forget translations: after every change of an entry that was valid.
//!
//! The sequences are those of the Power ISA 3.0B, book III, 5.10. The assembler has the instructions' new forms for newer
//! processors than the kernel is built for, so they are written as words.
#![allow(unsafe_code, reason = "ptesync, tlbie, tlbiel and tlbsync are instructions")]

use core::arch::asm;

use kernel_core::radix::PAGE_SIZE;

/// `tlbie RB=r4, RS=r5, RIC, PRS=1, R=1`, or `tlbiel`: translations of a process, in radix tables.
const fn invalidation(extended_opcode: u32, ric: u32) -> u32 {
    PROCESSES | of_partition(extended_opcode, ric)
}

/// The same with PRS=0: those of a partition.
const fn of_partition(extended_opcode: u32, ric: u32) -> u32 {
    31 << 26 | 5 << 21 | ric << 18 | 1 << 16 | 4 << 11 | extended_opcode << 1
}

/// PRS.
const PROCESSES: u32 = 1 << 17;

const TLBIE: u32 = 306;
const TLBIEL: u32 = 274;
/// RIC: translations only.
const TRANSLATIONS: u32 = 0;
/// RIC: also what is remembered of tables on the way, and of the process table.
const EVERYTHING: u32 = 2;
/// IS in RB: all of the process, not one page.
const OF_PROCESS: u64 = 1 << 10;
/// IS in RB: all of everybody.
const OF_ALL: u64 = 3 << 10;
/// AP in RB, for pages of 4 KiB.
const SMALL_PAGE: u64 = 0 << 5;

/// RS: the process, in the upper half.
fn process_operand(process: u32) -> u64 {
    u64::from(process) << 32
}

/// Every CPU forgets what it knows of the process: translations, tables and the process table's entry. For a process whose
/// entry is new.
pub fn forget_process(process: u32) {
    // SAFETY: what is forgotten is read again from the tables.
    unsafe {
        asm!(
            "ptesync", ".long {instruction}", "eieio", "tlbsync", "ptesync",
            instruction = const invalidation(TLBIE, EVERYTHING),
            in("r4") OF_PROCESS, in("r5") process_operand(process),
            options(nostack, preserves_flags),
        )
    };
}

/// Every CPU forgets everything, the partition table's entries too. For hypervisor state, when there is a new partition table.
pub fn forget_everything() {
    // SAFETY: what is forgotten is read again from the tables.
    unsafe {
        asm!(
            "ptesync", ".long {partitions}", ".long {processes}", "eieio", "tlbsync", "ptesync",
            partitions = const of_partition(TLBIE, EVERYTHING), processes = const invalidation(TLBIE, EVERYTHING),
            in("r4") OF_ALL, in("r5") 0u64,
            options(nostack, preserves_flags),
        )
    };
}

/// Every CPU forgets all translations of these processes.
pub fn forget_translations(processes: impl Iterator<Item = u32>) {
    // SAFETY: a barrier: the stores to the tables come first.
    unsafe { asm!("ptesync", options(nostack, preserves_flags)) };
    for process in processes {
        // SAFETY: what is forgotten is read again from the tables.
        unsafe {
            asm!(
                ".long {instruction}",
                instruction = const invalidation(TLBIE, TRANSLATIONS),
                in("r4") OF_PROCESS, in("r5") process_operand(process),
                options(nostack, preserves_flags),
            )
        };
    }
    // SAFETY: barriers: when they are done, no CPU uses what was forgotten.
    unsafe { asm!("eieio", "tlbsync", "ptesync", options(nostack, preserves_flags)) };
}

/// This CPU forgets the small page at `address` of the process, which no other CPU runs in.
pub fn forget_page_here(process: u32, address: u64) {
    let page = address & !(PAGE_SIZE - 1) | SMALL_PAGE;
    // SAFETY: what is forgotten is read again from the tables.
    unsafe {
        asm!(
            "ptesync", ".long {instruction}", "ptesync",
            instruction = const invalidation(TLBIEL, TRANSLATIONS),
            in("r4") page, in("r5") process_operand(process),
            options(nostack, preserves_flags),
        )
    };
}

/// Entries that were written before are what the processor finds from here on. Enough where an entry was not valid.
pub fn entries_written() {
    // SAFETY: a barrier.
    unsafe { asm!("ptesync", options(nostack, preserves_flags)) };
}

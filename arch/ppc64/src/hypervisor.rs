//! What a kernel does itself where there is no hypervisor, in hypervisor state: MSR\[HV\].
#![allow(
    unsafe_code,
    reason = "special-purpose registers, and an instruction that waits"
)]

use core::arch::asm;

use crate::mmu::tlb;

/// Bits of the Logical Partitioning Control Register (Power ISA 3.0B and 3.1, book III, 2.2).
mod lpcr {
    /// The register's number.
    pub(super) const LPCR: u32 = 318;
    /// Exceptions go to other addresses while translation is on: for those below a hypervisor, and (3.1) for itself.
    pub(super) const ALTERNATE_LOCATION: u64 = 3 << 23 | 1 << 26;
    /// External interrupts have SRR0 and SRR1 as save registers, as on every other machine.
    pub(super) const EXTERNAL_BY_SRR: u64 = 1 << 3;
    /// Translation is by radix tables, which processes have by their process table ("HR" and "UPRT").
    pub(super) const RADIX: u64 = 1 << 20 | 1 << 22;
    /// The hypervisor's own decrementer, which we do not use, interrupts.
    pub(super) const HYPERVISOR_DECREMENTER: u64 = 1;
}

/// The Processor Stop Status and Control Register's number. 0 in it is the lightest stop: nothing is lost, and the
/// processor goes on behind the instruction.
const PSSCR: u32 = 855;

/// The Logical Partition Identification Register's number.
const LPIDR: u32 = 319;
/// The Partition Table Control Register's number. It is the table's address, with its size in the lowest bits, 0 for 4 KiB.
const PTCR: u32 = 464;

/// The Processor Identification Register's number.
const PIR: u32 = 1023;

fn lpcr() -> u64 {
    let value;
    // SAFETY: reads a register, which hypervisor state may.
    unsafe {
        asm!("mfspr {}, {}", out(reg) value, const lpcr::LPCR, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Makes this CPU, which runs without translation, translate by the radix tables of partition 0 from when it is turned on.
///
/// # Safety
/// `partitions` is the real address of a partition table, which stays one.
pub unsafe fn use_partition_table(partitions: u64) {
    let value = lpcr() | lpcr::RADIX;
    // SAFETY: nothing is translated yet, and the caller answers for the table (Power ISA 3.0B, book III, 5.7.6 and 5.10).
    unsafe {
        asm!(
            "mtspr {ptcr}, {table}", "mtspr {lpidr}, {partition}", "mtspr {lpcr}, {value}", "isync",
            ptcr = const PTCR, table = in(reg) partitions,
            lpidr = const LPIDR, partition = in(reg) 0u64,
            lpcr = const lpcr::LPCR, value = in(reg) value,
            options(nostack, preserves_flags),
        )
    };
    tlb::forget_everything();
}

/// Sets this CPU up so that the kernel finds what a hypervisor would give it.
pub fn prepare_cpu() {
    let value = (lpcr() | lpcr::EXTERNAL_BY_SRR) & !(lpcr::ALTERNATE_LOCATION | lpcr::HYPERVISOR_DECREMENTER);
    // SAFETY: says where exceptions go and which come, as `entry` expects it.
    unsafe {
        asm!("mtspr {}, {}", "isync", const lpcr::LPCR, in(reg) value, options(nostack, preserves_flags))
    };
    // SAFETY: says how `stop` stops.
    unsafe { asm!("mtspr {}, {}", const PSSCR, in(reg) 0u64, options(nomem, nostack, preserves_flags)) };
}

/// This CPU's Processor Identification Register, which is what the device tree calls its server.
pub fn processor_identification() -> u32 {
    let value: u64;
    // SAFETY: reads a register, which hypervisor state may.
    unsafe { asm!("mfspr {}, {}", out(reg) value, const PIR, options(nomem, nostack, preserves_flags)) };
    value as u32
}

/// Interrupts the CPU whose Processor Identification Register this is, by a hypervisor doorbell, which is an edge: nothing has
/// to be taken back (Power ISA 3.0B, book III, 11.2). What was written before is there when the CPU takes it.
pub fn ring_doorbell(processor: u32) {
    /// The type of message in RB: hypervisor doorbell.
    const HYPERVISOR_DOORBELL: u64 = 5 << 27;
    /// The tag in RB.
    const TAG: u64 = 0xf_ffff;
    let message = HYPERVISOR_DOORBELL | u64::from(processor) & TAG;
    // SAFETY: `msgsnd r4` (as a word: the assembler knows it for other processors only) changes no register and no memory;
    // every CPU that the kernel runs on has a handler.
    unsafe { asm!("sync", ".long 0x7c00219c", in("r4") message, options(nostack, preserves_flags)) };
}

/// In a doorbell's handler: what was written before the doorbell was rung is there from here on.
pub fn doorbell_has_rung() {
    // SAFETY: barriers: `msgsync` (as a word: POWER8, which the kernel is built for, has none), `lwsync`.
    unsafe { asm!(".long 0x7c0006ec", "lwsync", options(nostack, preserves_flags)) };
}

//! The exceptions by name.

use core::fmt;
use core::ops::Range;

/// Where the vectors are (Power ISA 3.0B, book III, 6.5, figure 65): copies of the templates in `entry.S`.
pub const VECTORS: Range<u64> = 0x100..0x1000;

/// An exception, by the offset of its vector (Power ISA 3.0B, book III, 6.5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Vector(pub u64);

impl Vector {
    /// The machine was reset, or the monitor's `nmi`.
    pub const SYSTEM_RESET: Vector = Vector(0x100);
    /// The hardware, or an access outside all memory.
    pub const MACHINE_CHECK: Vector = Vector(0x200);
    /// Data access that translation or protection forbids; DAR has the address.
    pub const DATA_STORAGE: Vector = Vector(0x300);
    /// Data access to an address that no table can translate; DAR has it.
    pub const DATA_SEGMENT: Vector = Vector(0x380);
    /// Execution that translation or protection forbids; SRR1 tells why.
    pub const INSTRUCTION_STORAGE: Vector = Vector(0x400);
    /// Execution at an address that no table can translate.
    pub const INSTRUCTION_SEGMENT: Vector = Vector(0x480);
    /// From the interrupt controller.
    pub const EXTERNAL: Vector = Vector(0x500);
    /// An access that the instruction cannot make at this alignment; DAR has the address.
    pub const ALIGNMENT: Vector = Vector(0x600);
    /// Trap, illegal or privileged instruction; SRR1 tells which.
    pub const PROGRAM: Vector = Vector(0x700);
    /// The decrementer passed zero.
    pub const DECREMENTER: Vector = Vector(0x900);
    /// An illegal instruction, where there is no hypervisor: "hypervisor emulation assistance", and nobody who could assist.
    pub const ILLEGAL: Vector = Vector(0xe40);
    /// One instruction was executed with MSR\[SE\].
    pub const TRACE: Vector = Vector(0xd00);
    /// From another CPU, where there is no hypervisor.
    pub const HYPERVISOR_DOORBELL: Vector = Vector(0xe80);

    /// Every vector that gets a stub, with its name.
    pub const ALL: [(Vector, &'static str); 26] = [
        (Vector::SYSTEM_RESET, "system reset"),
        (Vector::MACHINE_CHECK, "machine check"),
        (Vector::DATA_STORAGE, "data storage"),
        (Vector::DATA_SEGMENT, "data segment"),
        (Vector::INSTRUCTION_STORAGE, "instruction storage"),
        (Vector::INSTRUCTION_SEGMENT, "instruction segment"),
        (Vector::EXTERNAL, "external interrupt"),
        (Vector::ALIGNMENT, "alignment"),
        (Vector::PROGRAM, "program"),
        (Vector(0x800), "floating point unavailable"),
        (Vector::DECREMENTER, "decrementer"),
        (Vector(0x980), "hypervisor decrementer"),
        (Vector(0xa00), "doorbell"),
        (Vector(0xc00), "system call"),
        (Vector::TRACE, "trace"),
        (Vector(0xe00), "hypervisor data storage"),
        (Vector(0xe20), "hypervisor instruction storage"),
        (Vector::ILLEGAL, "illegal instruction"),
        (Vector(0xe60), "hypervisor maintenance"),
        (Vector::HYPERVISOR_DOORBELL, "hypervisor doorbell"),
        (Vector(0xea0), "hypervisor virtualization"),
        (Vector(0xf00), "performance monitor"),
        (Vector(0xf20), "vector unavailable"),
        (Vector(0xf40), "vector-scalar unavailable"),
        (Vector(0xf60), "facility unavailable"),
        (Vector(0xf80), "hypervisor facility unavailable"),
    ];

    /// The exception's name; a program exception is named by its cause, which SRR1 has.
    pub fn describe(self, srr1: u64) -> &'static str {
        if self == Vector::PROGRAM {
            return match srr1 & 0x1f_0000 {
                0x10_0000 => "floating point exception",
                0x08_0000 => "illegal instruction",
                0x04_0000 => "privileged instruction",
                0x02_0000 => "trap",
                _ => "program",
            };
        }
        Vector::ALL
            .iter()
            .find(|(vector, _)| *vector == self)
            .map_or("unknown exception", |(_, name)| name)
    }

    /// Whether only a hypervisor takes it, with HSRR0 and HSRR1 for save registers (book III, 6.2.2).
    pub const fn is_hypervisors(self) -> bool {
        matches!(self.0, 0x980 | 0xe00..=0xeff | 0xf80)
    }

    /// Whether DAR says something for this exception.
    pub fn has_data_address(self) -> bool {
        matches!(self.0, 0x200 | 0x300 | 0x380 | 0x600)
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_exceptions_are_named_by_their_cause() {
        assert_eq!(Vector::PROGRAM.describe(0x8_0000), "illegal instruction");
        assert_eq!(Vector(0xe40).describe(0), "illegal instruction");
        assert_eq!(Vector::PROGRAM.describe(0x2_0000), "trap");
        assert_eq!(Vector(0x480).describe(0x2_0000), "instruction segment");
        assert_eq!(Vector(0x123).describe(0), "unknown exception");
    }

    #[test]
    fn a_stub_of_four_instructions_fits_between_any_two_vectors() {
        for pair in Vector::ALL.windows(2) {
            assert!(pair[1].0.0 - pair[0].0.0 >= 0x20, "{:?}", pair);
        }
    }
}

//! Bits of the Machine State Register (Power ISA 3.0B, book III, 4.2.1), as values of the register.

/// 64-bit mode.
pub const SF: u64 = 1 << 63;
/// External interrupts and the decrementer are taken.
pub const EE: u64 = 1 << 15;
/// A machine check is an interrupt, not a stop.
pub const ME: u64 = 1 << 12;
/// Trace interrupt after every instruction.
pub const SE: u64 = 1 << 10;
/// Instruction addresses are translated.
pub const IR: u64 = 1 << 5;
/// Data addresses are translated.
pub const DR: u64 = 1 << 4;
/// The interrupt that came is recoverable: SRR0 and SRR1 hold nothing that is still needed.
pub const RI: u64 = 1 << 1;
/// Little-endian mode.
pub const LE: u64 = 1 << 0;

/// The register as it is.
#[cfg(target_arch = "powerpc64")]
#[allow(unsafe_code, reason = "mfmsr is an instruction")]
#[inline(always)]
pub fn read() -> u64 {
    let value: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mfmsr {}", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

//! The processor's registers, as the protocol numbers and writes them: those of GDB's features `org.gnu.gdb.power.core` and
//! `org.gnu.gdb.power.fpu`, in their order, each little-endian. The kernel uses no floating point, and its registers are never
//! known; GDB 13 needs to be told that they are there before it looks at what a function has returned.

use core::num::NonZeroUsize;

use gdbstub::arch::{self, Arch};

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// r0 to r31.
    General(u8),
    /// The next instruction's address.
    Pc,
    /// The machine state.
    Msr,
    /// The condition register.
    Cr,
    /// The link register.
    Lr,
    /// The count register.
    Ctr,
    /// The fixed-point exception register.
    Xer,
    /// f0 to f31, and behind them FPSCR.
    FloatingPoint(u8),
}

/// The number of f0, and how many of its kind there are.
const FIRST_FLOATING_POINT: usize = 38;
const FLOATING_POINT: usize = 33;

impl Register {
    /// How many there are.
    pub const COUNT: usize = FIRST_FLOATING_POINT + FLOATING_POINT;

    /// The register with this number.
    #[must_use]
    pub fn from_number(number: usize) -> Option<Register> {
        Some(match number {
            0..=31 => Register::General(number as u8),
            32 => Register::Pc,
            33 => Register::Msr,
            34 => Register::Cr,
            35 => Register::Lr,
            36 => Register::Ctr,
            37 => Register::Xer,
            FIRST_FLOATING_POINT..Register::COUNT => {
                Register::FloatingPoint((number - FIRST_FLOATING_POINT) as u8)
            }
            _ => return None,
        })
    }

    fn number(self) -> usize {
        match self {
            Register::General(number) => number.into(),
            Register::Pc => 32,
            Register::Msr => 33,
            Register::Cr => 34,
            Register::Lr => 35,
            Register::Ctr => 36,
            Register::Xer => 37,
            Register::FloatingPoint(number) => FIRST_FLOATING_POINT + usize::from(number),
        }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Register::Cr | Register::Xer => 4,
            _ => 8,
        }
    }

    /// The value that the protocol has written down; `None` when that has another size.
    #[must_use]
    pub fn value(self, bytes: &[u8]) -> Option<u64> {
        let mut value = [0; 8];
        value.get_mut(..self.size())?;
        if bytes.len() != self.size() {
            return None;
        }
        value[..bytes.len()].copy_from_slice(bytes);
        Some(u64::from_le_bytes(value))
    }
}

impl arch::RegId for Register {
    fn from_raw_id(number: usize) -> Option<(Self, Option<NonZeroUsize>)> {
        let register = Register::from_number(number)?;
        Some((register, NonZeroUsize::new(register.size())))
    }

    fn to_raw_id(&self) -> Option<usize> {
        Some(self.number())
    }
}

/// The registers of a thread, as far as they are known: of one that sleeps, those that a call preserves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers([Option<u64>; Register::COUNT]);

impl Default for Registers {
    fn default() -> Self {
        Registers([None; Register::COUNT])
    }
}

impl Registers {
    /// What is in a register.
    #[must_use]
    pub fn get(&self, register: Register) -> Option<u64> {
        self.0[register.number()]
    }

    /// Says what is in a register.
    pub fn set(&mut self, register: Register, value: u64) {
        self.0[register.number()] = Some(value);
    }

    /// The registers whose values are known.
    pub fn known(&self) -> impl Iterator<Item = (Register, u64)> {
        let all = (0..Register::COUNT).filter_map(Register::from_number);
        all.filter_map(|register| Some((register, self.get(register)?)))
    }
}

impl arch::Registers for Registers {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        self.get(Register::Pc).unwrap_or(0)
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        for register in (0..Register::COUNT).filter_map(Register::from_number) {
            let bytes = self.get(register).map(u64::to_le_bytes);
            (0..register.size()).for_each(|index| write_byte(bytes.map(|bytes| bytes[index])));
        }
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let mut rest = bytes;
        for register in (0..Register::COUNT).filter_map(Register::from_number) {
            let (value, behind) = rest.split_at_checked(register.size()).ok_or(())?;
            self.set(register, register.value(value).ok_or(())?);
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err(()) }
    }
}

/// The processor, for `gdbstub`.
#[derive(Debug)]
pub(super) enum Ppc64 {}

impl Arch for Ppc64 {
    type Usize = u64;
    type Registers = Registers;
    type BreakpointKind = usize;
    type RegId = Register;

    fn target_description_xml() -> Option<&'static str> {
        Some(include_str!("ppc64le.xml"))
    }
}

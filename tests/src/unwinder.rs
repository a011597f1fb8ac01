//! From a function's registers to its caller's, by an image's unwind tables and by nothing else.
//!
//! Source: DWARF 5, 6.4 (call frame information); ELFv2 2.4 (the numbers of registers).

use crate::image::Image;
use crate::remote::Registers;
use gimli::{
    BaseAddresses, CfaRule, CieOrFde, EhFrame, EndianSlice, LittleEndian, Operation, Register, RegisterRule,
    UnwindContext, UnwindExpression, UnwindSection as _,
};
use std::io;
use std::ops::Range;

/// LR and CTR in DWARF's numbers, and what the kernel's tables use for the interrupted instruction.
const LR: u16 = 65;
const CTR: u16 = 66;
const NIP: u16 = 67;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// The unwind tables of an image.
#[derive(Debug)]
pub struct Tables<'a> {
    section: EhFrame<Bytes<'a>>,
    bases: BaseAddresses,
    /// The code that each description is of, and where it is, by address.
    index: Vec<(Range<u64>, usize)>,
}

/// Who called a function, or was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its registers at the call, or at the interrupted instruction.
    pub registers: Registers,
    /// It was interrupted.
    pub was_interrupted: bool,
}

fn error(what: impl std::fmt::Display) -> io::Error {
    io::Error::other(what.to_string())
}

impl<'a> Tables<'a> {
    /// The tables of an image.
    ///
    /// # Errors
    /// They are malformed.
    pub fn of(image: &'a Image) -> io::Result<Tables<'a>> {
        let section = EhFrame::new(&image.eh_frame.bytes, LittleEndian);
        let bases = BaseAddresses::default().set_eh_frame(image.eh_frame.address);
        let mut index = Vec::new();
        let mut entries = section.entries(&bases);
        while let Some(entry) = entries.next().map_err(error)? {
            if let CieOrFde::Fde(partial) = entry {
                let fde = partial.parse(EhFrame::cie_from_offset).map_err(error)?;
                index.push((fde.initial_address()..fde.end_address(), fde.offset()));
            }
        }
        index.sort_by_key(|(range, _)| range.start);
        Ok(Tables {
            section,
            bases,
            index,
        })
    }

    /// The code that has a description: one range for each.
    pub fn ranges(&self) -> impl Iterator<Item = &Range<u64>> {
        self.index.iter().map(|(range, _)| range)
    }

    /// The caller of the function at `registers`, whose next instruction stands at `address` in the image; `None`: it has none.
    /// `interrupted` is where the processor keeps the address of an instruction that it has interrupted, for code that has
    /// not saved it.
    ///
    /// # Errors
    /// No table has it, or memory cannot be read.
    pub fn caller(
        &self,
        registers: &Registers,
        address: u64,
        interrupted: u64,
        read: &mut dyn FnMut(u64) -> io::Result<u64>,
    ) -> io::Result<Option<Caller>> {
        let behind = self.index.partition_point(|(range, _)| range.start <= address);
        let found = behind.checked_sub(1).map(|index| &self.index[index]);
        let (_, offset) = found
            .filter(|(range, _)| range.contains(&address))
            .ok_or_else(|| error(format!("no table has {address:#x}")))?;
        let fde = self
            .section
            .fde_from_offset(&self.bases, (*offset).into(), EhFrame::cie_from_offset)
            .map_err(error)?;
        let mut context = UnwindContext::new();
        let row = fde
            .unwind_info_for_address(&self.section, &self.bases, &mut context, address)
            .map_err(error)?;
        let mut value = |expression: &UnwindExpression<usize>| {
            let expression = expression.get(&self.section).map_err(error)?;
            let mut operations = expression.operations(fde.cie().encoding());
            let mut value = None;
            while let Some(operation) = operations.next().map_err(error)? {
                value = Some(match (operation, value) {
                    (Operation::RegisterOffset { register, offset, .. }, None) => {
                        named(registers, register)?.wrapping_add_signed(offset)
                    }
                    (Operation::Deref { .. }, Some(address)) => read(address)?,
                    (operation, _) => return Err(error(format!("not understood: {operation:?}"))),
                });
            }
            value.ok_or_else(|| error("an empty expression"))
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                named(registers, *register)?.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(expression) => value(expression)?,
        };
        let mut rules = Vec::new();
        for (register, rule) in row.registers() {
            let place = match rule {
                RegisterRule::Offset(offset) => Ok(cfa.wrapping_add_signed(*offset)),
                RegisterRule::Expression(expression) => Ok(value(expression)?),
                RegisterRule::Register(other) => Err(named(registers, *other)?),
                RegisterRule::SameValue | RegisterRule::Undefined => continue,
                other => return Err(error(format!("not understood: {other:?}"))),
            };
            rules.push((register.0, place));
        }
        let return_column = fde.cie().return_address_register();
        let is_undefined = matches!(row.register(return_column), Some(RegisterRule::Undefined));
        let mut callers = registers.clone();
        callers.gpr[1] = cfa;
        let mut nip = interrupted;
        for (register, place) in rules {
            let value = place.map_or_else(Ok, &mut *read)?;
            match register {
                number @ 0..=31 => callers.gpr[usize::from(number)] = value,
                LR => callers.lr = value,
                CTR => callers.ctr = value,
                NIP => nip = value,
                // CR and vector registers.
                _ => {}
            }
        }
        let was_interrupted = return_column.0 == NIP;
        if is_undefined && !was_interrupted {
            return Ok(None);
        }
        callers.pc = if was_interrupted { nip } else { callers.lr };
        Ok(Some(Caller {
            registers: callers,
            was_interrupted,
        }))
    }
}

fn named(registers: &Registers, register: Register) -> io::Result<u64> {
    match register.0 {
        number @ 0..=31 => Ok(registers.gpr[usize::from(number)]),
        LR => Ok(registers.lr),
        CTR => Ok(registers.ctr),
        other => Err(error(format!("register {other} is not known"))),
    }
}

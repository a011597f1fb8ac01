//! The compilers' and our own unwind tables (`.eh_frame`), read by `gimli`: the kernel's through the index that the linker
//! has made, a module's through one that is made when it is loaded. Looking up allocates nothing and waits for nobody.
#![allow(
    unsafe_code,
    reason = "the tables are bytes between two addresses, and so is code"
)]

use alloc::vec::Vec;
use core::mem::offset_of;
use core::ops::Range;

use arch::abi::FrameHeader;
use arch::entry::VECTORS;
use arch::ftrace::STUB_SIZE;
use arch::image;
use arch::unwind::{FrameState, ReturnAddress, frame_state, is_call};
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EhFrameOffset, EndianSlice, LittleEndian, Register,
    RegisterRule, UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow,
};
use kernel_core::insn::{R0, mflr};

use kernel_core::module::ModuleSymbol;

use super::Reason;
use super::helpers::return_stub;
use crate::ftrace::slot_at;
use crate::module::{self, Busy, Module};
use crate::{memory, symbols};

/// r1 in DWARF's numbers: general registers have their own.
const R1: Register = Register(1);
/// LR in DWARF's numbers (ELFv2 2.4).
const LR: Register = Register(65);
/// What stands for the interrupted instruction's address in the tables of an exception's entry (`arch/ppc64/src/entry`).
const EXCEPTION: Register = Register(arch::entry::DWARF_NIP);
/// DWARF calls the bytes of a doubleword an address's size.
const ADDRESS_SIZE: u8 = 8;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// Room for one row and the two that it may be put aside for: what the tables of this kernel need, on the stack. An
/// exception's entry saves 34 registers.
struct Storage;

impl UnwindContextStorage<usize> for Storage {
    type Rules = [(Register, RegisterRule<usize>); 34];
    type Stack = [UnwindTableRow<usize, Storage>; 3];
}

/// Where the return address of a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReturnRule {
    /// In LR still.
    LinkRegister,
    /// In this general register.
    Register(u8),
    /// At this distance from the CFA.
    Saved(i64),
    /// Nowhere that a table can say: in a record of its own, or there is none.
    Undefined,
    /// It is no call but an exception, whose frame r1 points to.
    ExceptionFrame,
    /// The same, but the frame is not written yet, or read already: the processor's save register has it.
    SaveRegister,
}

/// Where a function's caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The function.
    pub(super) function: Range<u64>,
    /// The CFA minus r1; `None`: the frame's size is not fixed, so its back chain is the CFA.
    pub(super) frame_size: Option<u64>,
    /// Where its return address is.
    pub(super) return_address: ReturnRule,
}

impl Row {
    fn new(
        function: Range<u64>,
        row: &UnwindTableRow<usize, Storage>,
        return_column: Register,
    ) -> Option<Row> {
        if return_column == EXCEPTION {
            let return_address = match row.register(EXCEPTION) {
                Some(RegisterRule::Expression(_)) => ReturnRule::ExceptionFrame,
                _ => ReturnRule::SaveRegister,
            };
            return Some(Row {
                function,
                frame_size: None,
                return_address,
            });
        }
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else {
            return None;
        };
        let frame_size = match register {
            R1 => Some(u64::try_from(offset).ok()?),
            _ => None,
        };
        let return_address = match row.register(LR) {
            None | Some(RegisterRule::SameValue) => ReturnRule::LinkRegister,
            Some(RegisterRule::Undefined) => ReturnRule::Undefined,
            Some(RegisterRule::Offset(offset)) => ReturnRule::Saved(offset),
            Some(RegisterRule::Register(Register(number @ 0..=31))) => ReturnRule::Register(number as u8),
            Some(_) => return None,
        };
        Some(Row {
            function,
            frame_size,
            return_address,
        })
    }
}

/// What the tables say of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// This.
    Row(Row),
    /// Nothing: it is in code, but no table has it.
    NoTable,
    /// It is in no code.
    NoCode,
    /// Nothing: somebody is changing the list of modules.
    Busy,
    /// Nothing that is sure: the tables hold at calls, and no path through the function leads to this instruction.
    Unproven,
}

/// Bytes of memory that hold a table, or code, and stay.
fn bytes<'a>(range: &Range<u64>) -> Bytes<'a> {
    let length = (range.end - range.start) as usize;
    // SAFETY: the callers name a table of the image, or of a module that is held meanwhile; nobody writes to one.
    let bytes = unsafe { core::slice::from_raw_parts(range.start as *const u8, length) };
    EndianSlice::new(bytes, LittleEndian)
}

fn eh_frame<'a>(range: &Range<u64>) -> (EhFrame<Bytes<'a>>, BaseAddresses) {
    let mut section = EhFrame::from(bytes(range));
    section.set_address_size(ADDRESS_SIZE);
    (section, BaseAddresses::default().set_eh_frame(range.start))
}

/// The row for `address`, from the description at `offset`.
#[inline(never)]
fn row_at<'a>(
    section: &EhFrame<Bytes<'a>>,
    bases: &BaseAddresses,
    offset: EhFrameOffset,
    address: u64,
) -> Option<Row> {
    let fde = section
        .fde_from_offset(bases, offset, EhFrame::cie_from_offset)
        .ok()?;
    if !fde.contains(address) {
        return None;
    }
    let mut context = UnwindContext::<usize, Storage>::new_in();
    let row = fde
        .unwind_info_for_address(section, bases, &mut context, address)
        .ok()?;
    let return_column = fde.cie().return_address_register();
    Row::new(fde.initial_address()..fde.end_address(), row, return_column)
}

/// The row for an address in the kernel.
fn kernel_row(address: u64) -> Option<Row> {
    let (index, tables) = (image::eh_frame_hdr(), image::eh_frame());
    let (section, bases) = eh_frame(&tables);
    let bases = bases.set_eh_frame_hdr(index.start);
    let header = EhFrameHdr::from(bytes(&index)).parse(&bases, ADDRESS_SIZE).ok()?;
    let table = header.table()?;
    let pointer = table.lookup(address, &bases).ok()?;
    row_at(&section, &bases, table.pointer_to_offset(pointer).ok()?, address)
}

/// The unwind tables of a module.
#[derive(Debug)]
pub struct ModuleTables {
    section: Range<u64>,
    /// Start of each function, and where its description is, by address.
    index: Vec<(u64, usize)>,
}

impl ModuleTables {
    /// Makes the index of the tables in `section`.
    ///
    /// # Errors
    /// They are malformed.
    pub(crate) fn new(section: Range<u64>) -> Result<ModuleTables, gimli::Error> {
        let (tables, bases) = eh_frame(&section);
        let mut index = Vec::new();
        let mut entries = tables.entries(&bases);
        while let Some(entry) = entries.next()? {
            if let gimli::CieOrFde::Fde(partial) = entry {
                let fde = partial.parse(EhFrame::cie_from_offset)?;
                index.push((fde.initial_address(), fde.offset()));
            }
        }
        index.sort_unstable();
        Ok(ModuleTables { section, index })
    }

    fn row(&self, address: u64) -> Option<Row> {
        let behind = self.index.partition_point(|(start, _)| *start <= address);
        let (_, offset) = self.index.get(behind.checked_sub(1)?)?;
        let (section, bases) = eh_frame(&self.section);
        row_at(&section, &bases, EhFrameOffset(*offset), address)
    }
}

/// What is known of an address. `interrupted`: at this very instruction, so that what compilers say of calls only is not
/// enough.
pub(super) fn look_up(address: u64, interrupted: bool) -> Answer {
    if !address.is_multiple_of(4) {
        return Answer::NoCode;
    }
    if VECTORS.contains(&address) {
        return Answer::Row(Row {
            function: VECTORS,
            frame_size: None,
            return_address: ReturnRule::SaveRegister,
        });
    }
    if memory::is_kernel_code(address) {
        let symbol = || {
            let (symbol, _) = symbols::table()?.at(address)?;
            Some(symbol.address..symbol.address + symbol.size)
        };
        return answer(kernel_row(address), symbol, address, interrupted);
    }
    if image::stub_area().contains(&address) {
        return in_stub_area(address);
    }
    let in_module = |module: &Module| {
        if let Some(stub) = module.stubs.iter().find(|stub| stub.range().contains(&address)) {
            return Answer::Row(without_frame(stub.range(), ReturnRule::LinkRegister));
        }
        let row = module.unwind.as_ref().and_then(|tables| tables.row(address));
        let range = |symbol: &ModuleSymbol| symbol.address..symbol.address + symbol.size;
        let symbol = || {
            module
                .symbols
                .iter()
                .map(range)
                .find(|range| range.contains(&address))
        };
        answer(row, symbol, address, interrupted)
    };
    match module::at(address, in_module) {
        Ok(Some(answer)) => answer,
        Ok(None) => Answer::NoCode,
        Err(Busy) => Answer::Busy,
    }
}

/// What is in the stub area. Nothing there has a frame.
fn in_stub_area(address: u64) -> Answer {
    let Some(slot) = slot_at(address) else {
        return Answer::NoCode;
    };
    let function = slot..slot + STUB_SIZE;
    if let Some(stub) = return_stub(address) {
        return kernel_row(stub.in_pattern(address))
            .map_or(Answer::NoCode, |row| Answer::Row(Row { function, ..row }));
    }
    // SAFETY: the slot is or was in use.
    let first = unsafe { arch::text::read_word(slot) };
    let rule = match address - slot {
        // A hook's stub has A's return address in r0 from its second instruction on, where classic sites come in.
        4.. if first == mflr(R0) => ReturnRule::Register(0),
        _ => ReturnRule::LinkRegister,
    };
    Answer::Row(without_frame(function, rule))
}

fn without_frame(function: Range<u64>, return_address: ReturnRule) -> Row {
    Row {
        function,
        frame_size: Some(0),
        return_address,
    }
}

/// Whether an address is one that a function can return to: in code, behind an instruction that calls.
pub(super) fn is_behind_call(address: u64) -> bool {
    check_return_address(address).is_ok()
}

/// The same, with the reason why it is none.
pub(super) fn check_return_address(address: u64) -> Result<(), Reason> {
    let outside = Reason::OutsideText { address };
    let call = address
        .checked_sub(4)
        .filter(|call| call % 4 == 0)
        .ok_or(outside)?;
    if !memory::is_kernel_code(call) {
        match module::at(call, |_| ()) {
            Ok(Some(())) => {}
            Ok(None) => return Err(outside),
            Err(Busy) => return Err(Reason::Busy { address }),
        }
    }
    // SAFETY: the address is in the kernel's text or in a module.
    if is_call(unsafe { arch::text::read_word(call) }) {
        Ok(())
    } else {
        Err(outside)
    }
}

/// What a row and the instructions say together. `symbol` is asked for the function where it has no table: assembly that was
/// written without, as in a `naked` function.
fn answer(
    row: Option<Row>,
    symbol: impl FnOnce() -> Option<Range<u64>>,
    address: u64,
    interrupted: bool,
) -> Answer {
    if !interrupted {
        return row.map_or(Answer::NoTable, Answer::Row);
    }
    let known = row.as_ref().map(|row| row.function.clone());
    let Some(function) = known.or_else(symbol) else {
        return Answer::NoTable;
    };
    if let Some(row) = row.as_ref().filter(|row| is_exact(row)) {
        return Answer::Row(row.clone());
    }
    // SAFETY: the function is code of the kernel, or of a module that is held meanwhile.
    let word = |at| unsafe { arch::text::read_word(at) };
    let is_hook = |target| image::stub_area().contains(&target);
    match (frame_state(&function, address, word, is_hook), row) {
        (Some(state), _) => Answer::Row(by_instructions(function, state)),
        // What is not understood in here is our own assembly: its tables are right at every instruction.
        (None, Some(row)) if image::notrace().contains(&address) => Answer::Row(row),
        (None, _) => Answer::Unproven,
    }
}

fn by_instructions(function: Range<u64>, state: FrameState) -> Row {
    let return_address = match state.return_address {
        ReturnAddress::LinkRegister => ReturnRule::LinkRegister,
        ReturnAddress::Saved => ReturnRule::Saved(offset_of!(FrameHeader, lr_save) as i64),
    };
    Row {
        function,
        frame_size: Some(state.frame_size),
        return_address,
    }
}

/// Whether the row is by our own hand, and right at every instruction.
fn is_exact(row: &Row) -> bool {
    image::trampolines().contains(&row.function.start)
        || !matches!(
            row.return_address,
            ReturnRule::LinkRegister | ReturnRule::Saved(_)
        )
        || row.frame_size.is_none()
}

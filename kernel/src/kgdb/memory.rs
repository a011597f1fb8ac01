//! Memory that may not be there: every byte is tried, and what faults is an answer.
#![allow(unsafe_code, reason = "reads and writes where a debugger says")]

use arch::{debug, text};

use crate::machine::machine;
use crate::memory::Owner;

/// Outside of RAM not every processor notices an access, and what is there is the machine's.
fn is_ram(address: u64) -> bool {
    machine().memory.iter().any(|range| range.contains(&address))
}

fn read_byte(address: u64) -> Option<u8> {
    if !is_ram(address) {
        return None;
    }
    // SAFETY: RAM, where reading changes nothing.
    unsafe { debug::load(address) }
}

/// Reads memory; answers how many bytes could be read.
pub(super) fn read(address: u64, bytes: &mut [u8]) -> usize {
    for (offset, byte) in bytes.iter_mut().enumerate() {
        match address.checked_add(offset as u64).and_then(read_byte) {
            Some(found) => *byte = found,
            None => return offset,
        }
    }
    bytes.len()
}

/// A word, as an instruction or half of a number.
pub(super) fn word(address: u64) -> Option<u32> {
    let mut bytes = [0; 4];
    (read(address, &mut bytes) == bytes.len()).then(|| u32::from_le_bytes(bytes))
}

/// A doubleword.
pub(super) fn doubleword(address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    (read(address, &mut bytes) == bytes.len()).then(|| u64::from_le_bytes(bytes))
}

/// The instruction at an address; `None` where there is no code.
pub(super) fn instruction(address: u64) -> Option<u32> {
    let can_be = address.is_multiple_of(4) && Owner::of(address).is_code();
    can_be.then(|| word(address)).flatten()
}

/// Writes an instruction where [`instruction`] has found one, by the kernel's own writer of code.
pub(super) fn write_instruction(address: u64, word: u32) {
    // SAFETY: code that can be read. Nobody executes anything, and the debugger answers for what comes of it.
    unsafe { text::write_word(address, word) };
}

/// Writes memory; whether all of it could be written.
pub(super) fn write(address: u64, bytes: &[u8]) -> bool {
    let places = (address..).zip(bytes);
    // What cannot be written in part is not written at all, as far as that can be known before.
    let all_there = bytes.len() as u64 <= u64::MAX - address
        && places.clone().all(|(address, _)| read_byte(address).is_some());
    all_there
        && places
            .into_iter()
            .all(|(address, byte)| write_byte(address, *byte))
}

fn write_byte(address: u64, byte: u8) -> bool {
    // SAFETY: RAM; the debugger answers for what comes of it.
    if unsafe { debug::store(address, byte) } {
        return true;
    }
    let start = address & !3;
    let Some(word) = instruction(start) else {
        return false;
    };
    let mut bytes = word.to_le_bytes();
    bytes[(address - start) as usize] = byte;
    write_instruction(start, u32::from_le_bytes(bytes));
    true
}

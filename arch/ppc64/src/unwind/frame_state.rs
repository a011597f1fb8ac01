//! Where a function's caller is at any instruction of it, by the instructions themselves.
//!
//! LLVM writes one row of unwind table behind the prologue and none before `blr`, so its tables are right at calls only. For
//! a function that was interrupted, this follows the paths from its entry to the interrupted instruction and keeps the books
//! of three things: how far r1 is from the caller's, whether LR still holds the return address, and whether its save
//! slot, 16 above the caller's r1, does. What holds on every path holds.
//!
//! Only what compilers write is understood. Anything else that changes r1 makes the answer `None`: not known.

use core::ops::Range;

use super::prefixed::{self, Prefixed};
use crate::abi::{FRAME_HEADER_SIZE, FrameHeader};

/// Functions of more instructions than this are not looked at.
const INSTRUCTIONS: usize = 4608;
/// Branches whose other way is still to be gone; with more, the answer is "not known".
const PENDING: usize = 320;
/// Where the return address is saved, from the caller's r1.
const SAVE_SLOT: i32 = core::mem::offset_of!(FrameHeader, lr_save) as i32;

/// Where the return address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnAddress {
    /// In LR.
    LinkRegister,
    /// In its save slot, 16 above the caller's r1.
    Saved,
}

/// What is known at an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameState {
    /// The caller's r1 minus r1: 0, or the size of the frame.
    pub frame_size: u64,
    /// Where the return address is.
    pub return_address: ReturnAddress,
}

/// The books, on one path.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Books {
    frame_size: u16,
    /// LR holds the return address.
    link: bool,
    /// The save slot does.
    saved: bool,
    /// The general register that does.
    copy: Option<u8>,
}

/// What comes after an instruction.
enum After {
    /// The next one.
    Next,
    /// The next one or that one.
    Both(u64),
    /// That one.
    Jump(u64),
    /// Wherever CTR points: elsewhere, or into this function by a table.
    Table,
    /// Nothing of this function.
    Leaves,
    /// Something that is not understood.
    Unknown,
}

impl Books {
    fn holds(&self, register: u32) -> bool {
        self.copy == Some(register as u8)
    }

    fn set_copy(&mut self, register: u32, holds: bool) {
        if holds {
            self.copy = Some(register as u8);
        } else if self.holds(register) {
            self.copy = None;
        }
    }

    /// A call: volatile registers and LR are gone.
    fn call(&mut self) {
        self.link = false;
        self.copy = None;
    }

    /// Writes down what `word`, at `address`, does. `is_hook` knows the branches that hooks put in the place of nops.
    fn step(&mut self, word: u32, address: u64, is_hook: &impl Fn(u64) -> bool) -> After {
        let (opcode, rt, ra) = (word >> 26, word >> 21 & 31, word >> 16 & 31);
        let displacement = i32::from(word as u16 as i16 & !3);
        let save_slot = i32::from(self.frame_size) + SAVE_SLOT;
        let links = word & 1 != 0;
        let extended = word >> 1 & 0x3ff;
        match opcode {
            // b, bl
            18 => {
                let distance = i64::from((word << 6) as i32 >> 6 & !3);
                let target = if word & 2 != 0 {
                    distance as u64
                } else {
                    address.wrapping_add_signed(distance)
                };
                if is_hook(target) {
                    return After::Next;
                }
                if !links {
                    return After::Jump(target);
                }
                self.call();
            }
            // bc, bcl
            16 if links => self.call(),
            16 => return After::Both(address.wrapping_add_signed(displacement.into())),
            // bclr, bcctr
            19 if matches!(extended, 16 | 528) => {
                let always = rt & 0b10100 == 0b10100;
                match (links, always, extended) {
                    (true, ..) => self.call(),
                    (_, false, _) => {}
                    (_, true, 16) => return After::Leaves,
                    _ => return After::Table,
                }
            }
            // rfid
            19 if extended == 18 => return After::Leaves,
            // addi r1
            14 if rt == 1 && ra == 1 => {
                let less = i32::from(word as u16 as i16);
                let Ok(frame_size) = u16::try_from(i32::from(self.frame_size) - less) else {
                    return After::Unknown;
                };
                self.frame_size = frame_size;
            }
            // ld r1,0(r1)
            58 if rt == 1 && ra == 1 && word & 0xffff == 0 && self.frame_size != 0 => self.frame_size = 0,
            58 if rt == 1 => return After::Unknown,
            // ld
            58 if word & 3 == 0 && ra == 1 => {
                self.set_copy(rt, self.saved && displacement == save_slot);
            }
            // std
            62 if word & 3 == 0 && ra == 1 && displacement == save_slot => self.saved = self.holds(rt),
            62 if word & 3 == 0 && ra == 1 => {}
            // stdu r1
            62 if word & 3 == 1 && ra == 1 => {
                let frame_size = u16::try_from(i32::from(self.frame_size) - displacement);
                let (true, Ok(frame_size)) =
                    (rt == 1 && displacement <= -(FRAME_HEADER_SIZE as i32), frame_size)
                else {
                    return After::Unknown;
                };
                self.frame_size = frame_size;
            }
            // mflr, mtlr
            31 if word & 0x001f_ffff == 0x0008_02a6 => self.set_copy(rt, self.link),
            31 if word & 0x001f_ffff == 0x0008_03a6 => self.link = self.holds(rt),
            // trap
            31 if word == kernel_core::insn::TRAP => return After::Leaves,
            // stdux r1; mr r1 and whatever else computes r1 from others: `or`, `and`, `subf`, `add`, …
            31 if ra == 1 && extended == 181 => return After::Unknown,
            31 if ra == 1 && matches!(extended, 444 | 28 | 60 | 124 | 316 | 412 | 476 | 824 | 986) => {
                return After::Unknown;
            }
            31 if rt == 1 && matches!(extended, 21 | 40 | 266 | 10 | 8 | 104) => return After::Unknown,
            // addi, addis, rldicr and its kind, ori and its kind
            14 | 15 if rt == 1 => return After::Unknown,
            20..=30 if ra == 1 && word != kernel_core::insn::NOP => return After::Unknown,
            _ => {}
        }
        After::Next
    }

    /// The same for an instruction of two words.
    fn step_prefixed(&mut self, instruction: Prefixed) -> After {
        let save_slot = i64::from(self.frame_size) + i64::from(SAVE_SLOT);
        match instruction {
            Prefixed::Add {
                to: 1,
                from: 1,
                immediate,
            } => {
                let Ok(frame_size) = u16::try_from(i64::from(self.frame_size) - immediate) else {
                    return After::Unknown;
                };
                self.frame_size = frame_size;
            }
            Prefixed::Add { to: 1, .. } | Prefixed::Load { to: 1, .. } | Prefixed::Computes { to: 1 } => {
                return After::Unknown;
            }
            Prefixed::Load {
                to,
                base: 1,
                displacement,
            } => self.set_copy(to, self.saved && displacement == save_slot),
            Prefixed::Add { to, .. } | Prefixed::Load { to, .. } | Prefixed::Computes { to } => {
                self.set_copy(to, false);
            }
            Prefixed::Store {
                from,
                base: 1,
                displacement,
            } if displacement == save_slot => self.saved = self.holds(from),
            Prefixed::Store { .. } | Prefixed::Nothing => {}
        }
        After::Next
    }

    /// Leaves what holds in both; `None`: they do not agree on the frame.
    fn and(self, other: Books) -> Option<Books> {
        let both = Books {
            link: self.link && other.link,
            saved: self.saved && other.saved,
            ..self
        };
        (self.frame_size == other.frame_size).then_some(both)
    }

    fn state(&self) -> Option<FrameState> {
        let return_address = match (self.link, self.saved) {
            (true, _) => ReturnAddress::LinkRegister,
            (false, true) => ReturnAddress::Saved,
            (false, false) => return None,
        };
        Some(FrameState {
            frame_size: self.frame_size.into(),
            return_address,
        })
    }
}

/// Which instructions have been seen, and which ways are still to be gone.
struct Search {
    /// One bit for each instruction, for each combination of `link` and `saved` that it can be reached with.
    seen: [[u64; INSTRUCTIONS / 64]; 4],
    /// Instructions, as indices, and what holds there.
    pending: heapless::Vec<(u16, Books), PENDING>,
}

impl Search {
    /// Whether the instruction has been seen at all.
    fn is_seen(&self, index: usize) -> bool {
        self.seen
            .iter()
            .any(|seen| seen[index / 64] >> (index % 64) & 1 != 0)
    }

    /// Notes the instruction; whether it is seen for the first time in this way.
    fn first_time(&mut self, index: usize, books: &Books) -> bool {
        let way = usize::from(books.link) * 2 + usize::from(books.saved);
        let word = &mut self.seen[way][index / 64];
        let bit = 1 << (index % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }

    /// Puts a way off that has not been gone yet; false when there is no room.
    fn put_off(&mut self, index: usize, books: Books) -> bool {
        !self.first_time(index, &books) || self.pending.push((index as u16, books)).is_ok()
    }
}

/// What is known before the instruction at `at` of the function that covers `function`; `None` when it is not understood.
///
/// `word` reads an instruction of the function. `is_hook` says of a branch's target that the branch is a hook's, and so
/// stands for a nop.
#[inline(never)]
pub fn frame_state(
    function: &Range<u64>,
    at: u64,
    word: impl Fn(u64) -> u32,
    is_hook: impl Fn(u64) -> bool,
) -> Option<FrameState> {
    let length = ((function.end - function.start) / 4) as usize;
    if length > INSTRUCTIONS {
        return None;
    }
    let entry = Books {
        frame_size: 0,
        link: true,
        saved: false,
        copy: None,
    };
    let mut search = Search {
        seen: [[0; INSTRUCTIONS / 64]; 4],
        pending: heapless::Vec::new(),
    };
    search.put_off(0, entry);
    let index_of = |address: u64| ((address - function.start) / 4) as usize;
    let mut found: Option<Books> = None;
    // What holds where a jump table leads, once one was met: a table's targets are what nothing else leads to.
    let mut table: Option<Books> = None;
    let mut unreached = 0;
    loop {
        let (mut index, mut books) = match (search.pending.pop(), table) {
            (Some((index, books)), _) => (usize::from(index), books),
            (None, Some(books)) => {
                while unreached < length && search.is_seen(unreached) {
                    unreached += 1;
                }
                (unreached, books)
            }
            (None, None) => break,
        };
        if index >= length {
            break;
        }
        search.first_time(index, &books);
        loop {
            let address = function.start + 4 * index as u64;
            if address == at {
                let all = found.map_or(Some(books), |found| found.and(books))?;
                if !(all.link && all.saved) {
                    return all.state();
                }
                found = Some(all);
            }
            let instruction = word(address);
            index += 1;
            let after = if !prefixed::is_prefix(instruction) {
                books.step(instruction, address, &is_hook)
            } else if index < length {
                // The second word is seen with the first: nothing leads there.
                search.first_time(index, &books);
                index += 1;
                books.step_prefixed(prefixed::decode(instruction, word(address + 4)))
            } else {
                After::Unknown
            };
            match after {
                After::Next => {}
                After::Both(other) => {
                    if function.contains(&other) && !search.put_off(index_of(other), books) {
                        return None;
                    }
                }
                After::Jump(target) if function.contains(&target) => index = index_of(target),
                After::Jump(_) | After::Leaves => break,
                After::Table => {
                    table = Some(table.map_or(Some(books), |table| table.and(books))?);
                    break;
                }
                After::Unknown => return None,
            }
            if index >= length || !search.first_time(index, &books) {
                break;
            }
        }
    }
    found?.state()
}

/// Whether an instruction calls: whether it writes the address behind it into LR.
pub fn is_call(word: u32) -> bool {
    let extended = word >> 1 & 0x3ff;
    let branches = matches!(word >> 26, 16 | 18) || word >> 26 == 19 && matches!(extended, 16 | 528);
    branches && word & 1 != 0
}

//! What was seen of a function, and how accesses to the caller's frame are counted.

use super::decode::Gpr;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

/// What a function does with its caller's frame. Offsets are in bytes from the function's global entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Arguments that it finds on the stack: all that it reaches in the caller's parameter save area but no spills.
    pub stack_arguments: Option<CallerArea>,
    /// r3 to r10 are stored where the ABI reserves room for them in the caller's frame, as variadic functions do, and
    /// functions that take a large struct by value.
    pub register_spill: Option<CallerArea>,
    /// It writes the TOC save word of its caller's frame itself.
    pub toc_save_write: Option<At>,
    /// It writes the reserved word at 12 of its caller's frame.
    pub reserved_write: Option<At>,
    /// How it can be left other than by a return.
    pub sibling_calls: Vec<SiblingCall>,
    /// The first place where r1 is changed by an amount that is not in the code: `alloca`, over-aligned frames.
    pub dynamic_frame: Option<At>,
    /// What could not be decided, each reason once, at its first place.
    pub undecided: Vec<Undecided>,
}

/// A place in the function, or in one that it is left to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Offset from the function's global entry.
    pub offset: u32,
    /// The function is left there by a sibling call, and what was found is in the code it goes to.
    pub in_sibling: bool,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = if self.in_sibling {
            ", behind a sibling call"
        } else {
            ""
        };
        write!(f, "+{:#x}{behind}", self.offset)
    }
}

/// A part of the caller's parameter save area that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerArea {
    /// How many of its doublewords are read, written or have their address taken.
    pub doublewords: u32,
    /// Whether there may be more of them: an address is taken, or an index is not in the code.
    pub more: bool,
    /// The lowest of them, as an offset from the caller's r1.
    pub lowest: u32,
    /// The first instruction that does it.
    pub first: At,
}

/// A branch to another function that leaves it the caller's frame and return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiblingCall {
    /// The branch.
    pub at: At,
    /// Where it goes; for a stub, the stub's address.
    pub target: u64,
    /// Whether it goes through a stub that stores r2 at 24(r1): into the caller's frame.
    pub saves_toc: bool,
}

/// Something that instructions alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Where.
    pub at: At,
    /// Why.
    pub reason: Reason,
}

/// Why something is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The code is empty, too large, or no whole number of words, or an entry is not in it.
    Malformed,
    /// A word that is no instruction known here.
    UnknownInstruction(u32),
    /// r1 gets a value from somewhere that is not followed.
    StackPointerLost,
    /// Two paths meet with different values of r1.
    StackPointerDiffers,
    /// A return with r1 elsewhere than at the entry.
    Unbalanced,
    /// A `bctr` that may be a sibling call or a jump table.
    IndirectBranch,
    /// A branch out of the function with its frame still open: to another part of it, most likely.
    LeavesWithFrame,
    /// Control leaves by an instruction that is neither a return nor a branch: `rfid` and its kin.
    Leaves,
    /// The code ends where control does not.
    RunsOffEnd,
    /// Code that no path reaches, and no jump table can.
    NotReached,
    /// The back chain, or another word of the caller's frame header that nobody but the caller writes.
    CallerHeader,
    /// A sibling call to code that nobody knows.
    UnknownSibling,
    /// So many sibling calls hang together that the search was given up.
    TooManySiblings,
    /// It has so many paths, or calls that do not return, that the scan was given up. Nothing else is known then.
    TooComplex,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Reason::UnknownInstruction(word) => {
                return write!(f, "the word {word:#010x} is no instruction known here");
            }
            Reason::Malformed => "the code is empty, too large, or not made of words",
            Reason::StackPointerLost => "r1 is set to something that cannot be followed",
            Reason::StackPointerDiffers => "two paths meet with different stack pointers",
            Reason::Unbalanced => "it returns with another stack pointer than it was called with",
            Reason::IndirectBranch => "a bctr there may be a sibling call or a jump table",
            Reason::LeavesWithFrame => "it branches to other code with its frame open",
            Reason::Leaves => "control leaves there by neither a return nor a branch",
            Reason::RunsOffEnd => "its code ends where control does not",
            Reason::NotReached => "nothing seems to reach the code there",
            Reason::CallerHeader => "it writes to its caller's frame header",
            Reason::UnknownSibling => "it leaves to code that nobody knows",
            Reason::TooManySiblings => "too many sibling calls hang together",
            Reason::TooComplex => "it has too many paths",
        };
        f.write_str(text)
    }
}

/// Where the parameter save area begins in the caller's frame.
const SAVE_AREA: i64 = 32;
/// Its first eight doublewords belong to r3 to r10.
const HOMES: i64 = 8;
/// As much of an area is counted; what lies above is as good as it.
const MOST: i64 = 1 << 16;

/// How an address in the stack is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Load,
    /// A store of what the caller passed in this register, or of something else.
    Store(Option<Gpr>),
    /// It is only computed.
    Address,
}

/// Collects what is seen on the last walk over a function.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    /// For each doubleword of the caller's area.
    area: BTreeMap<i64, Sighting>,
    facts: Facts,
    reasons: BTreeSet<Reason>,
}

#[derive(Clone, Copy, Debug)]
struct Sighting {
    first: At,
    /// It is written, and what with is the argument whose home it is.
    stored: bool,
    spill: bool,
    /// The address is taken or indexed: there may be more.
    more: bool,
}

impl Sightings {
    /// `bytes` at `offset` from the caller's r1 are used by the instruction at `at`. `indexed`: there, or further on.
    pub(super) fn caller_frame(&mut self, offset: i64, bytes: u32, indexed: bool, how: Use, at: At) {
        let end = offset.saturating_add(i64::from(bytes));
        if end <= 0 {
            return;
        }
        if let (Use::Store(_), false) = (how, indexed) {
            let touches = |from: i64, to: i64| offset < to && end > from;
            if touches(0, 8) {
                self.undecided(Reason::CallerHeader, at);
            }
            if touches(12, 16) {
                earliest(&mut self.facts.reserved_write, at);
            }
            if touches(24, 32) {
                earliest(&mut self.facts.toc_save_write, at);
            }
        }
        if end <= SAVE_AREA && !(how == Use::Address && offset == SAVE_AREA) {
            return;
        }
        let first = (offset.max(SAVE_AREA) - SAVE_AREA).min(MOST) / 8;
        let last = (end.max(offset + 1) - 1 - SAVE_AREA).clamp(0, MOST) / 8;
        let home = |index: i64| matches!(how, Use::Store(Some(register)) if register as i64 == index + 3);
        for index in first..=last.max(first) {
            let spill = !indexed && index < HOMES && home(index);
            let stored = !indexed && matches!(how, Use::Store(_));
            let more = indexed || how == Use::Address;
            self.area
                .entry(index)
                .and_modify(|seen| {
                    seen.first = seen.first.min(at);
                    seen.stored |= stored;
                    seen.spill |= spill;
                    seen.more |= more;
                })
                .or_insert(Sighting {
                    first: at,
                    stored,
                    spill,
                    more,
                });
        }
    }

    pub(super) fn undecided(&mut self, reason: Reason, at: At) {
        // One word that is no instruction is as good as any.
        let kind = match reason {
            Reason::UnknownInstruction(_) => Reason::UnknownInstruction(0),
            other => other,
        };
        if self.reasons.insert(kind) {
            self.facts.undecided.push(Undecided { at, reason });
        }
    }

    pub(super) fn dynamic_frame(&mut self, at: At) {
        earliest(&mut self.facts.dynamic_frame, at);
    }

    pub(super) fn sibling_call(&mut self, call: SiblingCall) {
        if !self.facts.sibling_calls.contains(&call) {
            self.facts.sibling_calls.push(call);
        }
    }

    /// The facts of the function. Where registers are spilled, all of their eight homes belong to the spill: that is
    /// what walks through a variadic function's arguments begin with.
    pub(super) fn into_facts(mut self) -> Facts {
        let spills = self.area.values().any(|seen| seen.spill);
        let (homes, above): (Vec<_>, Vec<_>) =
            self.area.iter().partition(|(index, _)| spills && **index < HOMES);
        let spilled = homes.into_iter().filter(|(_, seen)| seen.stored);
        self.facts.register_spill = area(spilled);
        self.facts.stack_arguments = area(above.into_iter());
        self.facts
    }
}

fn area<'s>(sightings: impl Iterator<Item = (&'s i64, &'s Sighting)>) -> Option<CallerArea> {
    sightings.fold(None, |area, (index, seen)| {
        Some(match area {
            None => CallerArea {
                doublewords: 1,
                more: seen.more,
                lowest: (SAVE_AREA + 8 * index) as u32,
                first: seen.first,
            },
            Some(area) => CallerArea {
                doublewords: area.doublewords + 1,
                more: area.more || seen.more,
                first: area.first.min(seen.first),
                ..area
            },
        })
    })
}

pub(super) fn earliest(slot: &mut Option<At>, at: At) {
    *slot = Some(slot.map_or(at, |old| old.min(at)));
}

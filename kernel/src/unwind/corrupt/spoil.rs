//! What can be wrong with a stack: each change that is made here is one that a walk can tell from the truth.

use alloc::vec::Vec;
use core::mem::{offset_of, size_of};

use arch::abi::FrameHeader;
use arch::entry::ExceptionFrame;
use arch::livepatch::{LivepatchRecord, ReturnDesign, ReturnRecord};

use super::copy::Copy;
use super::random::Random;
use crate::memory;
use crate::unwind::helpers::is_helper;
use crate::unwind::tables;
use crate::unwind::{Frame, Kind};

/// What a word is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It leads to a frame, or says how many records there are: any other value is wrong.
    Exact,
    /// It is where somebody goes on: any other value is wrong, but one that is behind a call cannot be told from the truth.
    ReturnAddress,
    /// It is an instruction that was interrupted: what is in code, the vectors included, cannot be told from the truth.
    Interrupted,
    /// A summand of A's return address under caller-frame; the frame that has both.
    Summand { frame: u64 },
}

/// A word that a walk depends on, by its address in the copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needed {
    pub(super) address: u64,
    pub(super) meaning: Meaning,
}

/// Where A goes on, by what caller-frame has written into its frame's header.
fn sum(copy: &Copy, frame: u64) -> u64 {
    let word = |offset: usize| copy.get(frame + offset as u64);
    let distance = (word(offset_of!(FrameHeader, cr_save)) >> 32) as i32;
    word(offset_of!(FrameHeader, toc_save)).wrapping_add_signed(distance.into())
}

/// All that a walk depends on in this copy, whose trace is `frames`.
pub(super) fn needed(copy: &Copy, frames: &[Frame]) -> Vec<Needed> {
    use Meaning::{Exact, Interrupted, ReturnAddress, Summand};
    let mut all = Vec::new();
    let mut need = |address: u64, offset: usize, meaning| {
        all.push(Needed {
            address: address + offset as u64,
            meaning,
        });
    };
    let header = [
        offset_of!(FrameHeader, back_chain),
        offset_of!(FrameHeader, lr_save),
    ];
    need(copy.frame(), header[0], Exact);
    for (index, frame) in frames.iter().enumerate() {
        let caller = frame.stack_pointer;
        let is_last = index + 1 == frames.len();
        need(caller, header[0], Exact);
        if is_last {
            continue;
        }
        match frames[index + 1].kind {
            Kind::Interrupted { .. } => {
                // The return address is what tells that this is an exception's frame.
                need(caller, header[1], ReturnAddress);
                need(caller, offset_of!(ExceptionFrame, gpr) + 8, Exact);
                need(caller, offset_of!(ExceptionFrame, nip), Interrupted);
                need(caller, offset_of!(ExceptionFrame, return_sp), Exact);
                need(caller, offset_of!(ExceptionFrame, livepatch_sp), Exact);
            }
            Kind::Patched {
                design: ReturnDesign::CallerFrame,
                ..
            } => {
                need(caller, header[1], ReturnAddress);
                need(
                    caller,
                    offset_of!(FrameHeader, cr_save),
                    Summand { frame: caller },
                );
                need(
                    caller,
                    offset_of!(FrameHeader, toc_save),
                    Summand { frame: caller },
                );
            }
            // What was interrupted may have it in LR still.
            _ if matches!(frame.kind, Kind::Interrupted { .. }) => {}
            _ => need(caller, header[1], ReturnAddress),
        }
    }
    for at in copy.returns().step_by(size_of::<ReturnRecord>()) {
        need(at, offset_of!(ReturnRecord, return_address), ReturnAddress);
        need(at, offset_of!(ReturnRecord, stack_pointer), Exact);
    }
    for at in copy.livepatch().step_by(size_of::<LivepatchRecord>()) {
        need(at, offset_of!(LivepatchRecord, return_address), ReturnAddress);
        need(at, offset_of!(LivepatchRecord, marker), Exact);
    }
    all
}

/// A value that a word in memory gone wrong may have.
fn value(copy: &Copy, at: u64, random: &mut Random) -> u64 {
    let (stack, old) = (copy.stack(), copy.get(at));
    let size = stack.end - stack.start;
    match random.below(10) {
        0 => random.next(),
        1 => 0,
        // Into the stack, aligned or not, up, down, in circles, or to itself.
        2 => stack.start + random.below(size),
        3 => stack.start + (random.below(size) & !15),
        4 => at,
        // Beyond its ends.
        5 => stack.end + (random.below(4096) & !15),
        6 => stack.start.wrapping_sub(random.below(4096) & !15),
        // Code, behind a call or not.
        7 => arch::image::text().start + 4 * random.below(0x8_0000),
        // A little off.
        8 => old.wrapping_add(random.below(64)).wrapping_sub(32),
        // What some other word of the stack is.
        _ => copy.get(stack.start + (random.below(size) & !7)),
    }
}

/// Whether a walk can tell that this word is wrong with this value.
fn can_be_told(copy: &Copy, needed: &Needed, new: u64) -> bool {
    let is_plausible = |address: u64| {
        tables::is_behind_call(address) || is_helper(address) || arch::entry::exit_range().contains(&address)
    };
    match needed.meaning {
        Meaning::Exact => true,
        Meaning::ReturnAddress => !is_plausible(new),
        Meaning::Interrupted => {
            let is_code = memory::is_kernel_code(new) || arch::entry::VECTORS.contains(&new);
            !is_code || !new.is_multiple_of(4)
        }
        Meaning::Summand { frame } => !is_plausible(sum(copy, frame)),
    }
}

/// Spoils one to three of these words.
pub(super) fn spoil(copy: &mut Copy, all: &[Needed], random: &mut Random) -> Vec<Needed> {
    let count = 1 + random.below(3);
    let mut spoilt: Vec<Needed> = Vec::new();
    while (spoilt.len() as u64) < count {
        let needed = random.choose(all);
        if spoilt.iter().any(|other| other.address == needed.address) {
            continue;
        }
        let (old, new) = (copy.get(needed.address), value(copy, needed.address, random));
        if new == old {
            continue;
        }
        copy.set(needed.address, new);
        if can_be_told(copy, &needed, new) {
            spoilt.push(needed);
        } else {
            copy.set(needed.address, old);
        }
    }
    spoilt
}

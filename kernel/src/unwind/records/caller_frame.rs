//! The record of `caller-frame`: in A's own frame header, and not in so many words.

use core::mem::offset_of;

use arch::abi::{FrameHeader, kernel_toc};
use arch::livepatch::{ReturnDesign, caller_frame_helper};

use crate::module::{self, Busy};
use crate::unwind::Reason;
use crate::unwind::memory::Stacks;

/// Where A goes on and A's TOC, by the header of its frame, which is at `stack_pointer`. As the helper will add it up.
///
/// # Errors
/// Something else has written there since: a stub in a sibling call from C, or a second patched function, to whose helper
/// the first one's then returns.
pub(in crate::unwind) fn read(stacks: &Stacks, stack_pointer: u64) -> Result<(u64, u64), Reason> {
    let word = |offset: usize| stacks.read(stack_pointer + offset as u64);
    // The doubleword that has the CR save word in its lower half.
    let distance = (word(offset_of!(FrameHeader, cr_save))? >> 32) as i32;
    let toc = word(offset_of!(FrameHeader, toc_save))?;
    let return_address = toc.wrapping_add_signed(distance.into());
    let overwritten = Reason::Overwritten {
        design: ReturnDesign::CallerFrame,
        stack_pointer,
    };
    match is_toc_pointer(toc) {
        Ok(true) if return_address != caller_frame_helper() => Ok((return_address, toc)),
        Ok(_) => Err(overwritten),
        Err(Busy) => Err(Reason::Busy { address: toc }),
    }
}

/// Whether a word is the TOC pointer of the kernel or of a module.
fn is_toc_pointer(word: u64) -> Result<bool, Busy> {
    if word == kernel_toc() {
        return Ok(true);
    }
    module::any(|module| module.toc == word)
}

//! From an exception's frame to what it interrupted.

use core::mem::offset_of;

use arch::abi::FrameHeader;
use arch::entry::{EXCEPTION_FRAME_SIZE, ExceptionFrame};

use super::trace::{Live, Position, Trace};
use super::{Kind, Reason};

impl Trace<'_> {
    /// What the exception with this frame interrupted. All records of what the exception called are used by now.
    pub(super) fn interrupted(&mut self, frame: u64) -> Result<Position, Reason> {
        self.stacks.check(frame, EXCEPTION_FRAME_SIZE)?;
        let word = |offset: usize| self.stacks.read(frame + offset as u64);
        let mut gpr = [0; 32];
        for (number, register) in gpr.iter_mut().enumerate() {
            *register = word(offset_of!(ExceptionFrame, gpr) + 8 * number)?;
        }
        self.stacks
            .check_exception_frame(frame, gpr[1], word(offset_of!(FrameHeader, back_chain))?)?;
        self.records.must_be_used_down_to(
            frame,
            word(offset_of!(ExceptionFrame, return_sp))?,
            word(offset_of!(ExceptionFrame, livepatch_sp))?,
        )?;
        Ok(Position {
            address: word(offset_of!(ExceptionFrame, nip))?,
            stack_pointer: gpr[1],
            kind: Kind::Interrupted {
                vector: word(offset_of!(ExceptionFrame, vector))?,
            },
            live: Some(Live {
                lr: word(offset_of!(ExceptionFrame, lr))?,
                gpr,
            }),
        })
    }
}

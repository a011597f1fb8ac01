//! Where each return design begins.
#![allow(unsafe_code, reason = "the designs are assembly; only their addresses are taken here")]

use core::arch::global_asm;
use core::mem::offset_of;

use super::ReturnDesign;
use crate::abi::{FRAME_HEADER_SIZE, FrameHeader};

global_asm!(include_str!("none.S"));

global_asm!(
    include_str!("mini_frame.S"),
    FRAME_HEADER_SIZE = const FRAME_HEADER_SIZE,
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    TOC_SAVE = const offset_of!(FrameHeader, toc_save),
);

unsafe extern "C" {
    fn klp_enter_none();
    fn klp_enter_mini_frame();
}

impl ReturnDesign {
    /// Where a trampoline sends a call whose NIP an ops has changed; for `FtraceRegs::redirect`.
    pub fn entry(self) -> u64 {
        match self {
            ReturnDesign::None => klp_enter_none as *const () as u64,
            ReturnDesign::MiniFrame => klp_enter_mini_frame as *const () as u64,
        }
    }
}

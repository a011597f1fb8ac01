//! Where each return design begins.
#![allow(
    unsafe_code,
    reason = "the designs are assembly; only their addresses are taken here"
)]

use core::arch::global_asm;
use core::mem::{offset_of, size_of};
use core::ops::Range;

use super::ReturnDesign;
use super::record::{LIVEPATCH_MARKER, LivepatchRecord};
use crate::abi::{FRAME_HEADER_SIZE, FrameHeader};
use crate::thread::ThreadHead;

global_asm!(include_str!("none.S"));

global_asm!(
    include_str!("mini_frame.S"),
    FRAME_HEADER_SIZE = const FRAME_HEADER_SIZE,
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    TOC_SAVE = const offset_of!(FrameHeader, toc_save),
);

global_asm!(
    include_str!("caller_frame.S"),
    RESERVED = const offset_of!(FrameHeader, reserved),
    LR_SAVE = const offset_of!(FrameHeader, lr_save),
    TOC_SAVE = const offset_of!(FrameHeader, toc_save),
);

global_asm!(
    include_str!("livepatch_stack.S"),
    LIVEPATCH_SP = const offset_of!(ThreadHead, livepatch_sp),
    RECORD_SIZE = const size_of::<LivepatchRecord>(),
    RECORD_TOC = const offset_of!(LivepatchRecord, toc),
    RECORD_RETURN = const offset_of!(LivepatchRecord, return_address),
    RECORD_MARKER = const offset_of!(LivepatchRecord, marker),
    MARKER = const LIVEPATCH_MARKER,
);

unsafe extern "C" {
    fn klp_enter_none();
    fn klp_enter_mini_frame();
    fn klp_enter_caller_frame();
    fn klp_enter_livepatch_stack();
    fn klp_livepatch_stack_pushed();
    fn klp_return_helper();
    fn klp_return_helper_caller_frame();
    fn klp_return_helper_livepatch_stack();
}

/// Where `caller-frame` lets C return to: found in a frame's LR save word, it says that the frame's header holds a record.
pub fn caller_frame_helper() -> u64 {
    klp_return_helper_caller_frame as *const () as u64
}

/// Where `klp_enter_livepatch_stack` has a record that nobody will return by yet: LR still has A's return address. r11 is where
/// the record ends.
pub fn livepatch_stack_pushed() -> Range<u64> {
    klp_livepatch_stack_pushed as *const () as u64..klp_return_helper_livepatch_stack as *const () as u64
}

impl ReturnDesign {
    /// Where C returns to under this design; `None`: to A, or into a stub of its own.
    pub fn helper(self) -> Option<u64> {
        match self {
            ReturnDesign::None | ReturnDesign::ReturnStack => None,
            ReturnDesign::MiniFrame => Some(klp_return_helper as *const () as u64),
            ReturnDesign::CallerFrame => Some(klp_return_helper_caller_frame as *const () as u64),
            ReturnDesign::LivepatchStack => Some(klp_return_helper_livepatch_stack as *const () as u64),
        }
    }

    /// Where a trampoline sends a call whose NIP an ops has changed; for `FtraceRegs::redirect`. `None`: to the replacement's own
    /// stub ([`super::write_return_stub`]).
    pub fn entry(self) -> Option<u64> {
        let entry: unsafe extern "C" fn() = match self {
            ReturnDesign::None => klp_enter_none,
            ReturnDesign::MiniFrame => klp_enter_mini_frame,
            ReturnDesign::CallerFrame => klp_enter_caller_frame,
            ReturnDesign::LivepatchStack => klp_enter_livepatch_stack,
            ReturnDesign::ReturnStack => return None,
        };
        Some(entry as *const () as u64)
    }
}

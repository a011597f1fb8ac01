//! C functions with variable arguments that modules call.
#![allow(unsafe_code, reason = "they are assembly")]

use core::arch::global_asm;

use crate::abi::FRAME_HEADER_SIZE;

global_asm!(include_str!("variadic.S"), SAVE_AREA = const FRAME_HEADER_SIZE);

//! What a debugger inside the kernel needs of the processor: stopping on purpose, and memory that may not be there.
#![allow(unsafe_code, reason = "traps, accesses to any address, and SRR1's bits")]

use core::arch::global_asm;

use crate::entry::{ExceptionFrame, Vector};
use crate::hcall;

global_asm!(include_str!("debug.S"));

unsafe extern "C" {
    fn debugger_stop();
    fn debugger_stand_by();
    fn debugger_load(address: u64) -> i64;
    fn debugger_store(address: u64, byte: u64) -> i64;
    fn debugger_fault() -> i64;
}

/// SRR1 of a program exception: it was a trap (Power ISA 3.0B, book III, 6.5.9).
const TRAP: u64 = 1 << (63 - 46);
/// Bytes of the trap itself.
const TRAP_SIZE: u64 = 4;

/// DSISR: memory was used that is watched (6.5.3).
const WATCHED: u64 = 1 << (63 - 41);

/// Has this CPU watch what DAWR and DAWRX say; two zeroes are nothing. Whether it can: on pseries the hypervisor does it (PAPR,
/// 14.5.4.7 "H_SET_MODE"; QEMU from 8.2 on).
pub fn watch(address: u64, control: u64) -> bool {
    hcall::set_watchpoint(address, control)
}

/// Whether an exception has come since memory was about to be used that is watched: it comes before that.
pub fn is_watched(frame: &ExceptionFrame) -> bool {
    Vector(frame.vector) == Vector::DATA_STORAGE && frame.dsisr & WATCHED != 0
}

/// What a trap is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// [`stop`].
    Stop,
    /// [`stand_by`].
    StandBy,
    /// Somebody else's: a debugger's breakpoint, or the end of what must not end.
    Other,
}

/// Stops the caller for whoever debugs it; without a debugger nothing happens.
pub fn stop() {
    // SAFETY: the handler goes on behind the trap, and changes nothing.
    unsafe { debugger_stop() };
}

/// Makes this CPU stand still, with all that it has in its registers where another CPU finds it, until it may go on.
pub fn stand_by() {
    // SAFETY: as in `stop`.
    unsafe { debugger_stand_by() };
}

/// The byte at `address`; `None` when it cannot be read.
///
/// # Safety
/// What is there, if anything is, may be read: nothing happens by it.
pub unsafe fn load(address: u64) -> Option<u8> {
    // SAFETY: as the caller says; a fault is answered by `catch`.
    u8::try_from(unsafe { debugger_load(address) }).ok()
}

/// Stores a byte at `address`; whether that was possible.
///
/// # Safety
/// What is there, if anything is, may be overwritten.
pub unsafe fn store(address: u64, byte: u8) -> bool {
    // SAFETY: as the caller says; a fault is answered by `catch`.
    unsafe { debugger_store(address, byte.into()) == 0 }
}

/// What trap an exception is; `None`: it is none.
pub fn trap(frame: &ExceptionFrame) -> Option<Trap> {
    let is_trap = Vector(frame.vector) == Vector::PROGRAM && frame.msr & TRAP != 0;
    let at = |function: unsafe extern "C" fn()| frame.nip == function as *const () as u64;
    if !is_trap {
        None
    } else if at(debugger_stop) {
        Some(Trap::Stop)
    } else if at(debugger_stand_by) {
        Some(Trap::StandBy)
    } else {
        Some(Trap::Other)
    }
}

/// Goes on behind a trap.
pub fn skip_trap(frame: &mut ExceptionFrame) {
    frame.nip += TRAP_SIZE;
}

/// Makes [`load`] or [`store`] answer that they cannot, if it is theirs that has met the exception; whether it is.
pub fn catch(frame: &mut ExceptionFrame) -> bool {
    let is_ours = [
        debugger_load as *const () as u64,
        debugger_store as *const () as u64,
    ]
    .contains(&frame.nip);
    if is_ours {
        frame.nip = debugger_fault as *const () as u64;
    }
    is_ours
}

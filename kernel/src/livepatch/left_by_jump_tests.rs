//! A C that leaves by a jump to another patched function is on no stack any more, and its call has not returned. Whoever moves the
//! thread in that moment lets one call go through half of the patch. Under `return-stack` the return address, which is in the stub
//! of the C that has left, says so; under `livepatch-stack` nothing does, and neither does it on Linux.
#![allow(unsafe_code, reason = "no compiler makes such a jump when it is asked to")]

use alloc::string::{String, ToString};
use core::arch::global_asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::entry::ExceptionFrame;

use super::{KlpPatch, Obstacle, ReturnDesign, disable, enable, is_in_transition, settle, stalled};
use crate::ftrace::reap;
use crate::situations::GATE;
use crate::thread::{JoinHandle, spawn};
use crate::{ensure, ensure_eq, ktest, step};

static ONE: AtomicU64 = AtomicU64::new(1);

type Function = extern "C" fn() -> u64;

#[inline(never)]
extern "C" fn b_1() -> u64 {
    ONE.load(Ordering::Relaxed)
}

#[inline(never)]
extern "C" fn b_2() -> u64 {
    2 * ONE.load(Ordering::Relaxed)
}

// C 1. Goes on in B 2, where its patch has put C 2.
global_asm!(
    ".section .text.left_by_jump, \"ax\"",
    ".globl left_by_jump_c_1",
    ".type left_by_jump_c_1, @function",
    "left_by_jump_c_1:",
    ".cfi_startproc",
    "b {next}",
    ".cfi_endproc",
    ".size left_by_jump_c_1, . - left_by_jump_c_1",
    next = sym b_2,
);

unsafe extern "C" {
    safe fn left_by_jump_c_1() -> u64;
}

extern "C" fn c_2() -> u64 {
    20 * ONE.load(Ordering::Relaxed)
}

fn address(function: Function) -> u64 {
    function as usize as u64
}

fn call() -> u64 {
    black_box(b_1 as Function)()
}

fn patch(design: ReturnDesign) -> KlpPatch {
    let path = |name| alloc::format!("kernel::livepatch::left_by_jump_tests::{name}");
    let (first, second) = (path("b_1"), path("b_2"));
    let functions = [
        (&first[..], left_by_jump_c_1 as *const () as u64),
        (&second[..], address(c_2)),
    ];
    KlpPatch::of_kernel("jump", &functions).under(design)
}

/// Under `design`, a thread that has left C 1, and is at the first instruction of B 2.
fn between(design: ReturnDesign) -> Result<JoinHandle<u64>, String> {
    enable(patch(design)).map_err(|error| error.to_string())?;
    settle();
    ensure_eq!(call(), 20, "the patched call");
    GATE.close();
    let thread = spawn("between", || {
        let mut result = 0;
        let mut observer = |frame: &mut ExceptionFrame| {
            if frame.nip == address(b_2) || frame.nip == address(b_2) + 8 {
                GATE.wait();
            }
        };
        step::run(&mut observer, || result = call());
        result
    });
    GATE.wait_for(thread.thread());
    Ok(thread)
}

/// Puts everything back, also where a case ended early.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        GATE.open();
        settle();
        let _ = disable("jump");
        settle();
        reap();
    }
}

ktest! {
    fn who_has_left_c_is_waited_for_under_return_stack() {
        let _cleanup = Cleanup;
        let thread = between(ReturnDesign::ReturnStack)?;
        disable("jump").map_err(|error| error.to_string())?;
        ensure!(is_in_transition(), "the patch is gone, and a call is half through it");
        let stalls = stalled();
        ensure!(matches!(stalls[..], [ref stall] if matches!(stall.obstacle, Obstacle::Inside { .. })), "{stalls:?}");
        let said = stalls[0].to_string();
        ensure!(said.starts_with("thread 'between'") && said.contains("left_by_jump_c_1"), "{said}");
        GATE.open();
        ensure_eq!(thread.join(), Ok(20), "the call that was half through the patch");
        settle();
        ensure_eq!(call(), 1, "afterwards");
        Ok(())
    }

    /// The hole itself: C 1 of the patch, and then the function that was there before it.
    fn it_is_not_under_livepatch_stack() {
        let _cleanup = Cleanup;
        let thread = between(ReturnDesign::LivepatchStack)?;
        disable("jump").map_err(|error| error.to_string())?;
        ensure!(!is_in_transition(), "the patch waits, for {:?}", stalled());
        GATE.open();
        ensure_eq!(thread.join(), Ok(2), "half the patch, half the function before it");
        Ok(())
    }
}

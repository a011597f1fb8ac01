//! The hole that Linux has on this architecture. A calls B, whose replacement C sleeps; then A itself is patched. A thread
//! is inside the old A, so the patch must wait for it. Linux 6.1 keeps A's return address on its livepatch stack, which its
//! reliable stack trace does not read: the patch completes at once, with a thread in the old A.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem::offset_of;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::abi::FrameHeader;

use super::object::code_at;
use super::{KlpPatch, Obstacle, ReturnDesign, disable, enable, force, is_in_transition, settle, stalled};
use crate::cpu::{World, stop_the_world};
use crate::ftrace::reap;
use crate::situations::GATE;
use crate::thread::{JoinHandle, Thread, others, spawn};
use crate::{ensure, ensure_eq, ktest, unwind};

static ONE: AtomicU64 = AtomicU64::new(1);

#[inline(never)]
extern "C" fn b() -> u64 {
    ONE.load(Ordering::Relaxed)
}

/// C: sleeps.
extern "C" fn c() -> u64 {
    GATE.wait();
    2 * ONE.load(Ordering::Relaxed)
}

/// A, old: calls B.
#[inline(never)]
extern "C" fn a() -> u64 {
    10 * ONE.load(Ordering::Relaxed) + core::hint::black_box(b as extern "C" fn() -> u64)()
}

/// A, new.
extern "C" fn new_a() -> u64 {
    20 * ONE.load(Ordering::Relaxed)
}

const A: &str = "kernel::livepatch::hidden_caller_tests::a";
const B: &str = "kernel::livepatch::hidden_caller_tests::b";

type Function = extern "C" fn() -> u64;

fn address(function: Function) -> u64 {
    function as usize as u64
}

fn call_a() -> u64 {
    core::hint::black_box(a as Function)()
}

/// Under `design`, a thread that is in A and sleeps in C.
fn asleep_in_c(design: ReturnDesign) -> Result<JoinHandle<u64>, String> {
    enable(KlpPatch::of_kernel("of B", &[(B, address(c))]).under(design))
        .map_err(|error| error.to_string())?;
    settle();
    GATE.close();
    let thread = spawn("inside the old A", call_a);
    GATE.wait_for(thread.thread());
    Ok(thread)
}

fn patch_a() -> Result<(), String> {
    enable(KlpPatch::of_kernel("of A", &[(A, address(new_a))])).map_err(|error| error.to_string())
}

/// What walks the back chains of a sleeping thread and reads the return addresses in its frames, as Linux's does: whether it
/// finds one in `function`.
#[allow(unsafe_code, reason = "reads another thread's stack")]
fn back_chains_find(thread: &Thread, function: &Range<u64>) -> bool {
    let head = thread.head();
    let [mut frame, end] =
        [&head.saved_stack_pointer, &head.stack_high].map(|word| word.load(Ordering::Relaxed));
    // SAFETY: `frame` is in the thread's stack, from where it sleeps up to its end: each chain is checked to go up.
    let word = |address: u64| unsafe { arch::unwind::read(address) };
    loop {
        let above = word(frame + offset_of!(FrameHeader, back_chain) as u64);
        if above <= frame || above >= end {
            return false;
        }
        frame = above;
        if function.contains(&word(frame + offset_of!(FrameHeader, lr_save) as u64)) {
            return true;
        }
    }
}

/// Looks at every thread for each function that its exact trace finds it in. Answers how often; which looks said "outside"; and
/// which threads are outside of nothing at all, plainly.
fn first_looks(world: &World) -> (usize, Vec<(u32, u64)>, Vec<u32>) {
    let (mut looks, mut misses, mut plain) = (0, Vec::new(), Vec::new());
    for thread in others() {
        for frame in unwind::trace_other(world, &thread) {
            let inside = frame.address_inside();
            looks += 1;
            let function = inside..inside + 4;
            if unwind::is_plainly_outside(world, &thread, core::slice::from_ref(&function)) {
                misses.push((thread.id(), inside));
            }
        }
        if unwind::is_plainly_outside(world, &thread, &[]) {
            plain.push(thread.id());
        }
    }
    (looks, misses, plain)
}

/// Puts everything back, also where a case ended early.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        GATE.open();
        for patch in ["of A", "of B"] {
            settle();
            // One that the case did not come to is not there.
            let _ = disable(patch);
        }
        settle();
        reap();
    }
}

ktest! {
    fn a_patch_of_the_caller_waits_under_return_stack() {
        let _cleanup = Cleanup;
        let thread = asleep_in_c(ReturnDesign::ReturnStack)?;
        patch_a()?;
        ensure!(is_in_transition(), "the patch of A is complete, and a thread is inside the old A");
        let stalls = stalled();
        ensure!(matches!(stalls[..], [ref stall] if matches!(stall.obstacle, Obstacle::Inside { .. })), "{stalls:?}");
        let said = stalls[0].to_string();
        ensure!(said.starts_with("thread 'inside the old A'") && said.contains(A), "{said}");
        ensure_eq!(call_a(), 20, "who is outside calls the new A");
        GATE.open();
        ensure_eq!(thread.join(), Ok(12), "the thread inside the old A, which C came back to");
        settle();
        ensure_eq!(call_a(), 20, "afterwards");
        Ok(())
    }

    /// The first look at a thread that sleeps says "outside" only where the exact trace does.
    fn a_first_look_misses_no_function() {
        let _cleanup = Cleanup;
        for design in ReturnDesign::for_kernel().filter(|design| *design != ReturnDesign::None) {
            let in_c = asleep_in_c(design)?;
            let elsewhere = spawn("elsewhere", || GATE.wait());
            GATE.wait_for(elsewhere.thread());
            let (looks, misses, plain) = stop_the_world(first_looks);
            ensure!(misses.is_empty(), "missed, under {design}: {misses:?}");
            ensure!(looks > 10 && plain.contains(&elsewhere.thread().id()), "{looks} looks, under {design}; plain: {plain:?}");
            ensure!(design == ReturnDesign::MiniFrame || !plain.contains(&in_c.thread().id()), "A is hidden, under {design}, and it did not notice");
            GATE.open();
            ensure_eq!(in_c.join(), Ok(12), "the thread in C, under {design}");
            ensure!(elsewhere.join().is_ok(), "the thread elsewhere ended otherwise");
            settle();
            disable("of B").map_err(|error| error.to_string())?;
            settle();
        }
        Ok(())
    }

    /// The hole itself, with a back-chain walk in the place of ours.
    fn it_does_not_wait_under_livepatch_stack_for_who_walks_back_chains() {
        let _cleanup = Cleanup;
        let old_a = code_at(address(a)).map_err(|error| error.to_string())?;
        for (design, is_seen) in [(ReturnDesign::MiniFrame, true), (ReturnDesign::LivepatchStack, false)] {
            let thread = asleep_in_c(design)?;
            ensure_eq!(back_chains_find(thread.thread(), &old_a), is_seen, "whether back chains lead to A, under {design}");
            patch_a()?;
            ensure!(is_in_transition(), "our own walk called a thread inside the old A free, under {design}");
            if !is_seen {
                // What follows from "no thread is in A": the patch is complete.
                force("of A").map_err(|error| error.to_string())?;
                ensure!(!is_in_transition(), "still in transition");
                ensure_eq!(call_a(), 20, "the new A");
            }
            GATE.open();
            ensure_eq!(thread.join(), Ok(12), "a thread that was in the old A all the time, under {design}");
            settle();
            disable("of A").map_err(|error| error.to_string())?;
            settle();
            disable("of B").map_err(|error| error.to_string())?;
            settle();
        }
        Ok(())
    }
}

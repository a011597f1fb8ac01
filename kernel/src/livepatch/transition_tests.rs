//! Cases for the consistency model: who moves when, what waits for whom, what comes back.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use super::transition::LONG;
use super::{
    KlpCallbacks, KlpError, KlpFunc, KlpObject, KlpPatch, Obstacle, PatchInfo, disable, enable, enabled,
    force, is_in_transition, set_enabled, settle, stalled,
};
use crate::ftrace::{hook_count, reap};
use crate::logging::{self, Place};
use crate::situations::GATE;
use crate::sync::{IrqLock, Rank};
use crate::thread::{JoinHandle, sleep, spawn};
use crate::{ensure, ensure_eq, ktest};

static ONE: AtomicU64 = AtomicU64::new(1);

/// B: calls another function, so that its frame is on the stack while it waits.
#[inline(never)]
extern "C" fn waits(argument: u64) -> u64 {
    GATE.wait();
    ONE.load(Ordering::Relaxed) + argument
}

#[inline(never)]
extern "C" fn other(argument: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + 2 * argument
}

/// Its replacement, C, waits as well.
extern "C" fn waits_too(argument: u64) -> u64 {
    GATE.wait();
    ONE.load(Ordering::Relaxed) + 10 * argument
}

extern "C" fn instead(argument: u64) -> u64 {
    ONE.load(Ordering::Relaxed) + 100 * argument
}

const WAITS: &str = "kernel::livepatch::transition_tests::waits";
const OTHER: &str = "kernel::livepatch::transition_tests::other";

type Function = extern "C" fn(u64) -> u64;

fn func(old_name: &str, new: Function) -> (&str, u64) {
    (old_name, new as usize as u64)
}

fn call(function: Function) -> u64 {
    core::hint::black_box(function)(7)
}

fn text(error: KlpError) -> String {
    error.to_string()
}

/// A thread that is in `waits` until the gate opens.
fn inside() -> JoinHandle<u64> {
    GATE.close();
    let thread = spawn("inside", || call(waits));
    GATE.wait_for(thread.thread());
    thread
}

fn info(patch: &str) -> Option<PatchInfo> {
    enabled().into_iter().find(|info| info.name == patch)
}

/// Puts everything back, also where a case ended early.
struct Cleanup(&'static [&'static str]);

impl Drop for Cleanup {
    fn drop(&mut self) {
        GATE.open();
        for patch in self.0 {
            settle();
            // One that the case has taken away itself is not there.
            let _ = disable(patch);
        }
        settle();
        reap();
    }
}

static EVENTS: IrqLock<Vec<&'static str>> = IrqLock::new(Rank::Case, Vec::new());

fn note(event: &'static str) {
    EVENTS.lock().push(event);
}

fn events() -> Vec<&'static str> {
    core::mem::take(&mut *EVENTS.lock())
}

fn noting(status: i32) -> KlpCallbacks {
    KlpCallbacks {
        pre_patch: Some(Box::new(move || {
            note("pre_patch");
            status
        })),
        post_patch: Some(Box::new(|| note("post_patch"))),
        pre_unpatch: Some(Box::new(|| note("pre_unpatch"))),
        post_unpatch: Some(Box::new(|| note("post_unpatch"))),
    }
}

fn with_callbacks(name: &str, status: i32) -> KlpPatch {
    let mut patch = KlpPatch::of_kernel(name, &[func(WAITS, waits_too)]);
    patch.objects[0].callbacks = noting(status);
    patch
}

ktest! {
    fn a_thread_inside_keeps_both_functions_as_they_were() {
        let _cleanup = Cleanup(&["two"]);
        let thread = inside();
        enable(KlpPatch::of_kernel("two", &[func(WAITS, waits_too), func(OTHER, instead)])).map_err(text)?;
        ensure!(is_in_transition(), "the transition did not wait for the thread inside");
        ensure_eq!(call(other), 701, "the caller, who has moved");
        let stalls = stalled();
        ensure_eq!(stalls.len(), 1, "threads that are waited for");
        ensure!(matches!(stalls[0].obstacle, Obstacle::Inside { .. }), "{}", stalls[0]);
        let said = stalls[0].to_string();
        ensure!(said.starts_with("thread 'inside'") && said.contains(WAITS), "{said}");
        GATE.open();
        ensure_eq!(thread.join(), Ok(8), "what the thread inside returned");
        settle();
        ensure_eq!(call(waits), 71, "when all have moved");
        Ok(())
    }

    fn who_has_not_moved_calls_the_old_functions_and_who_is_born_is_as_its_parent() {
        static ANSWERS: IrqLock<Vec<u64>> = IrqLock::new(Rank::Case, Vec::new());
        let _cleanup = Cleanup(&["both"]);
        GATE.close();
        let thread = spawn("parent", || {
            let first = call(waits);
            ANSWERS.lock().push(call(other));
            let child = spawn("child", || call(other)).join();
            (first, child)
        });
        GATE.wait_for(thread.thread());
        // A thread that is inside of a function that is not patched, and then calls one that is, before it moves.
        let held = inside();
        enable(KlpPatch::of_kernel("both", &[func(WAITS, waits_too), func(OTHER, instead)])).map_err(text)?;
        let child_of_moved = spawn("child of who has moved", || call(other)).join();
        ensure_eq!(child_of_moved, Ok(701), "the child of a thread that has moved");
        ensure_eq!(stalled().len(), 2, "threads that are waited for");
        GATE.open();
        let both = thread.join();
        ensure!(held.join().is_ok(), "the other thread ended otherwise");
        settle();
        let before = ANSWERS.lock().pop();
        // It was moved, or not, by the time it called: either way its child had its state.
        ensure!(matches!((before, &both), (Some(15), Ok((8, Ok(15 | 701)))) | (Some(701), Ok((8, Ok(701))))), "{before:?}, {both:?}");
        Ok(())
    }

    fn the_log_says_once_that_a_transition_stalls() {
        /// Ticks of the timebase: 20 ms.
        const SOON: u64 = arch::time::TICKS_PER_SECOND / 50;
        let _cleanup = Cleanup(&["stalls"]);
        let mut place = Place::default();
        let mut message = String::new();
        while logging::read(&mut place, &mut message).is_some() {}
        let thread = inside();
        let long = LONG.swap(SOON, Ordering::Relaxed);
        let enabled = enable(KlpPatch::of_kernel("stalls", &[func(WAITS, waits_too)])).map_err(text);
        sleep(5 * SOON);
        LONG.store(long, Ordering::Relaxed);
        enabled?;
        let mut said = Vec::new();
        while logging::read(&mut place, &mut message).is_some() {
            if message.contains("still in transition") {
                said.push(message.clone());
            }
        }
        GATE.open();
        ensure_eq!(thread.join(), Ok(8), "the thread inside");
        ensure_eq!(said.len(), 1, "messages that it stalls");
        for part in ["'stalls': still in transition: thread 'inside' (", WAITS, ", frame ", ", for "] {
            ensure!(said[0].contains(part), "{}", said[0]);
        }
        Ok(())
    }

    fn one_transition_at_a_time() {
        let _cleanup = Cleanup(&["first", "second"]);
        let thread = inside();
        enable(KlpPatch::of_kernel("first", &[func(WAITS, waits_too)])).map_err(text)?;
        let before = hook_count();
        let second = enable(KlpPatch::of_kernel("second", &[func(OTHER, instead)]));
        let wanted = KlpError::OtherInTransition { patch: "second".into(), other: "first".into() };
        ensure_eq!(second, Err(wanted), "a second transition");
        ensure_eq!(hook_count(), before, "hooks, after the refusal");
        GATE.open();
        ensure_eq!(thread.join(), Ok(8), "the thread inside");
        settle();
        enable(KlpPatch::of_kernel("second", &[func(OTHER, instead)])).map_err(text)?;
        ensure_eq!(call(other), 701, "the second patch, afterwards");
        Ok(())
    }

    fn a_transition_turns_round_and_round_again() {
        let _cleanup = Cleanup(&["round"]);
        let thread = inside();
        enable(KlpPatch::of_kernel("round", &[func(WAITS, waits_too), func(OTHER, instead)])).map_err(text)?;
        ensure_eq!(call(other), 701, "moved");
        ensure_eq!(set_enabled("round", true), Err(KlpError::Already { patch: "round".into(), on: true }), "what it is");
        disable("round").map_err(text)?;
        ensure!(info("round").is_none(), "nobody was inside of what was taken away, and it is still there");
        ensure_eq!(call(other), 15, "moved back");
        enable(KlpPatch::of_kernel("round", &[func(WAITS, waits_too), func(OTHER, instead)])).map_err(text)?;
        GATE.open();
        ensure_eq!(thread.join(), Ok(8), "the thread inside");
        settle();
        // A thread in C keeps the patch from going, and it may stay.
        GATE.close();
        let in_c = spawn("in C", || call(waits));
        GATE.wait_for(in_c.thread());
        disable("round").map_err(text)?;
        ensure!(info("round").is_some_and(|info| info.is_in_transition && !info.is_enabled), "{:?}", info("round"));
        ensure_eq!(call(other), 15, "moved back again");
        set_enabled("round", true).map_err(text)?;
        ensure!(info("round").is_some_and(|info| !info.is_in_transition && info.is_enabled), "{:?}", info("round"));
        ensure_eq!(call(other), 701, "and to the patch again");
        GATE.open();
        ensure_eq!(in_c.join(), Ok(71), "the thread in C");
        Ok(())
    }

    fn force_moves_who_is_inside() {
        let _cleanup = Cleanup(&["forced"]);
        let thread = inside();
        ensure_eq!(force("forced"), Err(KlpError::NotInTransition { patch: "forced".into() }), "nothing to force");
        enable(KlpPatch::of_kernel("forced", &[func(WAITS, waits_too)])).map_err(text)?;
        force("forced").map_err(text)?;
        ensure!(!is_in_transition(), "still in transition");
        GATE.open();
        ensure_eq!(thread.join(), Ok(8), "the thread inside, which goes on in the old function");
        Ok(())
    }

    fn a_patch_that_replaces_brings_back_what_it_does_not_patch() {
        let _cleanup = Cleanup(&["old", "new"]);
        enable(KlpPatch::of_kernel("old", &[func(WAITS, waits_too), func(OTHER, instead)])).map_err(text)?;
        ensure_eq!((call(waits), call(other)), (71, 701), "under the old patch");
        let new = KlpPatch { replace: true, ..KlpPatch::of_kernel("new", &[func(WAITS, instead)]) };
        enable(new).map_err(text)?;
        settle();
        ensure_eq!((call(waits), call(other)), (701, 15), "under the new one");
        ensure!(info("old").is_none(), "the old patch is still there");
        ensure_eq!(info("new").map(|info| (info.functions, info.wins)), Some((1, 1)), "functions of the new one");
        disable("new").map_err(text)?;
        settle();
        ensure_eq!((call(waits), call(other)), (8, 15), "afterwards");
        Ok(())
    }

    fn callbacks_come_in_their_order() {
        let _cleanup = Cleanup(&["called"]);
        events();
        enable(with_callbacks("called", 0)).map_err(text)?;
        settle();
        ensure_eq!(events(), ["pre_patch", "post_patch"], "when it comes");
        disable("called").map_err(text)?;
        settle();
        ensure_eq!(events(), ["pre_unpatch", "post_unpatch"], "when it goes");
        // Turned round on the way there: the objects were never fully patched.
        let thread = inside();
        enable(with_callbacks("called", 0)).map_err(text)?;
        disable("called").map_err(text)?;
        settle();
        ensure_eq!(events(), ["pre_patch", "post_unpatch"], "when it turns round");
        GATE.open();
        ensure_eq!(thread.join(), Ok(8), "the thread inside");
        Ok(())
    }

    fn a_callback_that_refuses_leaves_everything_as_it_was() {
        let _cleanup = Cleanup(&[]);
        let before = hook_count();
        events();
        let error = enable(with_callbacks("refuses", -19)).err();
        ensure_eq!(error, Some(KlpError::Callback { object: "vmlinux".into(), status: -19 }), "the refusal");
        ensure_eq!(events(), ["pre_patch"], "callbacks");
        ensure!(info("refuses").is_none() && !is_in_transition(), "something is left");
        ensure_eq!((hook_count(), call(waits)), (before, 8), "hooks, and what is called");
        // The object before the one that refuses was prepared, and is told.
        let mut patch = with_callbacks("refuses", 0);
        patch.objects.push(KlpObject { callbacks: noting(-19), funcs: [KlpFunc { old_name: OTHER.into(), sympos: 0, new_function: func(OTHER, instead).1 }].into(), ..KlpObject::default() });
        let error = enable(patch).err().map(|error| error.errno().number());
        ensure_eq!(error, Some(19), "the number");
        ensure_eq!(events(), ["pre_patch", "pre_patch", "post_unpatch"], "callbacks of two objects");
        ensure_eq!((hook_count(), call(waits)), (before, 8), "hooks, and what is called");
        Ok(())
    }

    fn an_idle_machine_moves_at_once() {
        let _cleanup = Cleanup(&["at once"]);
        let sleepers: Vec<_> = (0..20).map(|number| {
            GATE.close();
            let thread = spawn(&format!("sleeper {number}"), || GATE.wait());
            GATE.wait_for(thread.thread());
            thread
        }).collect();
        enable(KlpPatch::of_kernel("at once", &[func(WAITS, waits_too)])).map_err(text)?;
        let waited = is_in_transition();
        GATE.open();
        for sleeper in sleepers {
            ensure!(sleeper.join().is_ok(), "a sleeper ended otherwise");
        }
        ensure!(!waited, "the transition waited for somebody who sleeps elsewhere");
        Ok(())
    }
}

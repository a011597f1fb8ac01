//! What enabling a patch costs, from the call to the last thread, by the number of threads that sleep meanwhile. Only a
//! machine that counts instructions can say.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::time::timebase;

use super::lifecycle::retry;
use super::transition::{PatchState, Transition};
use super::{KlpPatch, disable, enable, is_in_transition};
use crate::ftrace::reap;
use crate::matrix::clock::InstructionClock;
use crate::situations::GATE;
use crate::thread::{JoinHandle, all, spawn};
use crate::{ensure, ensure_eq, ktest, println};

static ONE: AtomicU64 = AtomicU64::new(1);

#[inline(never)]
extern "C" fn b() -> u64 {
    ONE.load(Ordering::Relaxed)
}

extern "C" fn c() -> u64 {
    2 * ONE.load(Ordering::Relaxed)
}

/// Threads that sleep at the gate, a few calls deep.
fn sleepers(count: usize) -> Vec<JoinHandle<()>> {
    GATE.close();
    let sleep = |_| {
        let thread = spawn("sleeper", || GATE.wait());
        GATE.wait_for(thread.thread());
        thread
    };
    (0..count).map(sleep).collect()
}

/// Ticks from a call of `enable` to the end of its transition, and of a transition alone.
fn measure() -> Result<[u64; 2], String> {
    reap();
    let start = timebase();
    let name = "kernel::livepatch::cost::b";
    enable(KlpPatch::of_kernel("cost", &[(name, c as *const () as u64)]))
        .map_err(|error| error.to_string())?;
    while is_in_transition() {
        retry();
    }
    let enabled = timebase();
    let called = core::hint::black_box(b as extern "C" fn() -> u64)();
    disable("cost").map_err(|error| error.to_string())?;
    ensure_eq!(called, 2, "what the patched function returned");
    reap();
    let transition = timebase();
    let have_all_moved = Transition::begin("cost", PatchState::Patched).try_all(&[]);
    let done = timebase();
    ensure!(have_all_moved, "a thread that sleeps could not be moved");
    Ok([enabled - start, done - transition])
}

ktest! {
    fn of_enabling_with_28_128_and_1028_threads() {
        let Some(clock) = InstructionClock::get()? else { return Ok(()) };
        for threads in [28usize, 128, 1028] {
            let sleepers = sleepers(threads - all().len());
            let measured = measure();
            GATE.open();
            for sleeper in sleepers {
                sleeper.join().map_err(|outcome| outcome.to_string())?;
            }
            let [enabled, transition] = measured?.map(|ticks| clock.estimate(ticks));
            println!(
                "# {threads} threads: {enabled} instructions to enable a patch of one function, {transition} of them to move all threads, {} each",
                transition / threads as u64
            );
            ensure!(transition <= enabled, "{}", format!("{transition} of {enabled} instructions"));
        }
        Ok(())
    }
}

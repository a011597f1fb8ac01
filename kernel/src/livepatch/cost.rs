//! What enabling a patch costs, from the call to the last thread: in instructions, by the number of threads that sleep
//! meanwhile, which only a machine that counts them can say; and in time, by what the CPUs do meanwhile.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::time::{TICKS_PER_SECOND, timebase};

use super::check::Changing;
use super::lifecycle::retry;
use super::transition::{PatchState, Transition};
use super::{KlpFunc, KlpObject, KlpPatch, disable, enable, is_in_transition, settle};
use crate::cpu;
use crate::ftrace::reap;
use crate::matrix::clock::InstructionClock;
use crate::situations::GATE;
use crate::thread::{Builder, JoinHandle, all, sleep};
use crate::{ensure, ensure_eq, initrd, ktest, module, println};

static ONE: AtomicU64 = AtomicU64::new(1);

#[inline(never)]
extern "C" fn b() -> u64 {
    ONE.load(Ordering::Relaxed)
}

extern "C" fn c() -> u64 {
    2 * ONE.load(Ordering::Relaxed)
}

/// A patch of a function of the kernel.
fn of_kernel() -> KlpPatch {
    KlpPatch::of_kernel("cost", &[("kernel::livepatch::cost::b", c as *const () as u64)])
}

extern "C" fn new_plain(x: u64) -> u64 {
    2 * ONE.load(Ordering::Relaxed) + x
}

/// A patch of a function of the module `klp_target`.
fn of_module() -> KlpPatch {
    let func = KlpFunc {
        old_name: "target_plain".into(),
        sympos: 0,
        new_function: new_plain as *const () as u64,
    };
    let object = KlpObject {
        name: Some("klp_target".into()),
        funcs: [func].into(),
        ..KlpObject::default()
    };
    KlpPatch {
        name: "cost".into(),
        objects: [object].into(),
        ..KlpPatch::default()
    }
}

fn take_back() -> Result<(), String> {
    disable("cost").map_err(|error| error.to_string())?;
    settle();
    reap();
    Ok(())
}

/// Ticks from a call of `enable` to the end of its transition.
fn time_of(patch: KlpPatch) -> Result<u64, String> {
    reap();
    let start = timebase();
    enable(patch).map_err(|error| error.to_string())?;
    while is_in_transition() {
        retry();
    }
    Ok(timebase() - start)
}

/// Moves all threads, with no function changing; answers whether all have moved. A transition is all that this is.
pub(crate) fn move_threads() -> bool {
    Transition::begin("cost", PatchState::Patched).try_all(&Changing::default())
}

/// Ticks to enable a patch of a function of the kernel, of one of a module, and of a transition alone.
fn measure() -> Result<[u64; 3], String> {
    let of_kernel = time_of(of_kernel())?;
    let called = core::hint::black_box(b as extern "C" fn() -> u64)();
    take_back()?;
    ensure_eq!(called, 2, "what the patched function returned");
    let of_module = time_of(of_module())?;
    take_back()?;
    let transition = timebase();
    let have_all_moved = move_threads();
    let done = timebase();
    ensure!(have_all_moved, "a thread that sleeps could not be moved");
    Ok([of_kernel, of_module, done - transition])
}

/// Whether the busy threads may end, and how many have begun.
static MAY_END: AtomicBool = AtomicBool::new(false);
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// A thread in an endless loop on each CPU.
fn busy_threads() -> Vec<JoinHandle<()>> {
    MAY_END.store(false, Ordering::Relaxed);
    BEGUN.store(0, Ordering::Relaxed);
    let endless = || {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        while !MAY_END.load(Ordering::Relaxed) {
            core::hint::spin_loop();
        }
    };
    let threads: Vec<_> = cpu::online()
        .map(|cpu| Builder::new("busy").affinity(1 << cpu.number()).spawn(endless))
        .collect();
    while BEGUN.load(Ordering::Relaxed) < threads.len() as u64 {
        sleep(TICKS_PER_SECOND / 1000);
    }
    threads
}

/// Microseconds that enabling a patch takes: the least, the median and the most of some attempts.
fn times() -> Result<[u64; 3], String> {
    let mut times = Vec::new();
    for _ in 0..9 {
        // So long that CPUs with nothing to do have gone to rest.
        sleep(TICKS_PER_SECOND / 100);
        times.push(time_of(of_kernel())? * 1_000_000 / TICKS_PER_SECOND);
        take_back()?;
    }
    times.sort_unstable();
    Ok([times[0], times[times.len() / 2], times[times.len() - 1]])
}

ktest! {
    fn of_enabling_with_28_128_and_1028_threads() {
        let clock = InstructionClock::get()?;
        // Where nobody counts, a few threads are enough to see that they move.
        let counts: &[usize] = if clock.is_some() { &[28, 128, 1028] } else { &[28] };
        let bytes = initrd::file("modules/klp_target.ko").ok_or("modules/klp_target.ko is not in the initrd")?;
        module::load("klp_target", bytes).map_err(|error| error.to_string())?;
        for &threads in counts {
            let sleepers = GATE.sleepers(threads - all().len());
            let measured = measure();
            GATE.open();
            for sleeper in sleepers {
                sleeper.join().map_err(|outcome| outcome.to_string())?;
            }
            let measured = measured?;
            let Some(clock) = clock else { continue };
            let [of_kernel, of_module, transition] = measured.map(|ticks| clock.estimate(ticks));
            println!(
                "# {threads} threads: {of_kernel} instructions to enable a patch of one function of the kernel, {of_module} of a module, {transition} of them to move all threads, {} each",
                transition / threads as u64
            );
            ensure!(transition <= of_kernel, "{}", format!("{transition} of {of_kernel} instructions"));
        }
        module::unload("klp_target").map_err(|error| error.to_string())
    }

    fn of_a_transition_while_cpus_are_idle_and_while_they_are_busy() {
        /// Microseconds; only where time is the guest's own does it say anything.
        const BUDGET: u64 = 5000;
        let idle = times()?;
        let threads = busy_threads();
        let busy = times();
        MAY_END.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|outcome| outcome.to_string())?;
        }
        let cpus = cpu::count();
        for (what, [least, median, most]) in [("idle", idle), ("busy in endless loops", busy?)] {
            println!("# {cpus} CPUs, {what}: {least} to {most} us of guest time to enable a patch and move all threads, mostly {median}");
        }
        ensure!(InstructionClock::get()?.is_none() || idle[1] < BUDGET, "{} us with idle CPUs", idle[1]);
        Ok(())
    }
}

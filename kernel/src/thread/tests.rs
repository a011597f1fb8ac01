//! Cases for threads: they run, sleep, are pre-empted, and die alone.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Builder, Outcome, current, sleep, spawn};
use crate::memory::stacks_in_use;
use crate::{ensure, ensure_eq, ktest};

const MILLISECOND: u64 = arch::time::TICKS_PER_SECOND / 1000;

ktest! {
    fn a_thread_returns_its_value() {
        let name = Builder::new("worker").spawn(|| alloc::string::String::from(current().name())).join();
        ensure_eq!(name.as_deref(), Ok("worker"), "what the thread returned");
        Ok(())
    }

    fn an_endless_loop_is_preempted() {
        TURNS.store(0, Ordering::Relaxed);
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let spinner = spawn("spinner", move || {
            while !seen.load(Ordering::Relaxed) {
                TURNS.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Two threads that never wait take turns only if they are made to.
        while TURNS.load(Ordering::Relaxed) == 0 {
            arch::hcall::spin_hint();
        }
        stop.store(true, Ordering::Relaxed);
        ensure!(spinner.join().is_ok(), "the spinner ended otherwise");
        Ok(())
    }

    fn sleeping_takes_at_least_as_long_as_asked() {
        let before = arch::time::timebase();
        sleep(3 * MILLISECOND);
        let slept = arch::time::timebase() - before;
        ensure!(slept >= 3 * MILLISECOND, "slept {slept} ticks");
        Ok(())
    }

    fn nonvolatile_registers_survive_preemption() {
        let sums: alloc::vec::Vec<_> = (0..4u64).map(|seed| spawn("sum", move || (0..200_000u64).fold(seed, |sum, n| sum.wrapping_mul(31) ^ n))).collect();
        for (seed, handle) in sums.into_iter().enumerate() {
            let wanted = (0..200_000u64).fold(seed as u64, |sum, n| sum.wrapping_mul(31) ^ n);
            ensure_eq!(handle.join(), Ok(wanted), "sum of thread {seed}");
        }
        Ok(())
    }

    fn a_sacrificial_thread_dies_alone() {
        let handle = Builder::new("victim").sacrificial().spawn(|| {
            // SAFETY: an illegal instruction: the processor stops the thread here, as the case wants.
            #[allow(unsafe_code, reason = "the case needs an exception")]
            unsafe { core::arch::asm!(".long 0") };
        });
        match handle.join() {
            Err(Outcome::Faulted(fault)) => ensure_eq!(fault.what, "illegal instruction", "what happened"),
            other => return Err(alloc::format!("the thread ended otherwise: {other:?}")),
        }
        Ok(())
    }

    fn a_thread_out_of_time_is_ended_and_its_memory_comes_back() {
        let before = stacks_in_use();
        let handle = Builder::new("endless").time_limit(MILLISECOND).spawn(|| {
            while !NEVER.load(Ordering::Relaxed) {
                arch::hcall::spin_hint();
            }
        });
        ensure!(matches!(handle.join(), Err(Outcome::OutOfTime { .. })), "the endless thread ended otherwise");
        ensure_eq!(stacks_in_use(), before, "stacks in use after it");
        Ok(())
    }

    fn a_wild_stack_pointer_ends_only_the_thread() {
        let handle = Builder::new("wild stack").sacrificial().spawn(|| lose_the_stack());
        match handle.join() {
            Err(Outcome::Faulted(fault)) => {
                ensure_eq!(fault.what, "trap", "what happened");
                ensure_eq!(fault.stack_pointer, 0x1238, "r1 in the report");
            }
            other => return Err(alloc::format!("the thread ended otherwise: {other:?}")),
        }
        Ok(())
    }

    /// Near the end of their stacks the clock's interrupt is handled on the emergency stack, of which there is one for each CPU:
    /// nobody else may run while something is on it.
    fn threads_near_the_end_of_their_stacks_keep_their_registers() {
        let deep = || spawn("deep", || descend(7));
        let sums = [deep(), deep(), deep()];
        let wanted = descend_wanted();
        for handle in sums {
            ensure_eq!(handle.join(), Ok(wanted), "the sum");
        }
        Ok(())
    }

    fn ended_threads_give_their_memory_back() {
        spawn("first", || ()).join().map_err(|outcome| alloc::format!("{outcome}"))?;
        let before = crate::memory::heap_at_rest();
        for _ in 0..16 {
            spawn("short", || COUNT.fetch_add(1, Ordering::Relaxed)).join().map_err(|outcome| alloc::format!("{outcome}"))?;
        }
        ensure_eq!(crate::memory::heap_at_rest(), before, "heap in use after 16 threads");
        Ok(())
    }
}

/// Goes down until there is no room for a handler, and adds up there for several time slices, and again on each way up.
#[inline(never)]
fn descend(seed: u64) -> u64 {
    let here = core::hint::black_box(0u64);
    let low = current().head().stack_low.load(Ordering::Relaxed);
    let room = &raw const here as u64 - low;
    if room < 4 * 1024 {
        return spin(seed);
    }
    descend(seed).wrapping_add(here)
}

/// A sum that takes several time slices.
fn spin(seed: u64) -> u64 {
    let until = arch::time::timebase() + 8 * MILLISECOND;
    let mut sum = seed;
    for n in 0.. {
        if n >= SPINS && arch::time::timebase() >= until {
            break;
        }
        sum = if n < SPINS {
            sum.wrapping_mul(31) ^ n
        } else {
            core::hint::black_box(sum)
        };
    }
    sum
}

const SPINS: u64 = 100_000;

fn descend_wanted() -> u64 {
    (0..SPINS).fold(7, |sum, n| sum.wrapping_mul(31) ^ n)
}

/// A function of its own, so that none that has a frame seems to lose it.
#[inline(never)]
fn lose_the_stack() -> ! {
    // SAFETY: the thread's own stack pointer is lost; the exception entry must not use it, and the thread never comes back.
    #[allow(unsafe_code, reason = "the case needs a stack pointer that is no good")]
    unsafe {
        core::arch::asm!("li 1, 0x1238", "trap", options(noreturn))
    }
}

static TURNS: AtomicU64 = AtomicU64::new(0);
static NEVER: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

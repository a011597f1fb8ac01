//! Cases for threads on several CPUs: they go where they may, are taken over, and hear each other. With one CPU the same
//! must be true, of that one.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Builder, WaitQueue, set_affinity, sleep, spawn};
use crate::cpu::{self, Cpu};
use crate::{ensure_eq, ktest};

/// How long idle CPUs may take until they have found something to do: 2 s.
const PATIENCE: u64 = 2 * arch::time::TICKS_PER_SECOND;

/// A bit for each CPU that is online.
fn everywhere() -> u64 {
    cpu::online().fold(0, |all, cpu| all | 1 << cpu.number())
}

/// Goes round all CPUs, and counts on the way, in registers.
fn go_round(rounds: u64) -> Result<u64, String> {
    let mut sum = 0_u64;
    for round in 0..rounds {
        for number in cpu::online().map(Cpu::number) {
            set_affinity(1 << number);
            ensure_eq!(cpu::number(), number, "the CPU in round {round}");
            sum = (0..100).fold(sum, |sum, n| sum.wrapping_mul(31) ^ n);
        }
    }
    set_affinity(everywhere());
    Ok(sum)
}

/// The same sum, without going anywhere.
fn stay(rounds: u64) -> u64 {
    (0..rounds * cpu::count() as u64).fold(0, |sum, _| {
        (0..100).fold(sum, |sum: u64, n| sum.wrapping_mul(31) ^ n)
    })
}

ktest! {
    fn a_thread_is_where_it_was_sent_with_all_its_registers() {
        let travellers: Vec<_> = (0..4).map(|_| spawn("traveller", || go_round(50))).collect();
        for traveller in travellers {
            let sum = traveller.join().map_err(|outcome| outcome.to_string())?;
            ensure_eq!(sum, Ok(stay(50)), "what it counted");
        }
        Ok(())
    }

    fn a_thread_runs_on_no_cpu_that_it_may_not_use() {
        let stop = Arc::new(AtomicBool::new(false));
        let settled: Vec<_> = cpu::online().map(Cpu::number).flat_map(|number| [number; 3]).map(|number| {
            let stop = stop.clone();
            Builder::new(&format!("settled on {number}")).affinity(1 << number).spawn(move || {
                let mut seen = 0_u64;
                loop {
                    seen |= 1 << cpu::number();
                    if stop.load(Ordering::Relaxed) {
                        return (number, seen);
                    }
                    // Not only by its time slice does it lose the CPU.
                    super::yield_now();
                }
            })
        }).collect();
        sleep(arch::time::TICKS_PER_SECOND / 50);
        stop.store(true, Ordering::Relaxed);
        for thread in settled {
            let (number, seen) = thread.join().map_err(|outcome| outcome.to_string())?;
            ensure_eq!(seen, 1 << number, "the CPUs on which a thread for CPU {number} was");
        }
        Ok(())
    }

    fn idle_cpus_take_over_what_waits_elsewhere() {
        let used = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        // All begin here; none ever waits for anything.
        let busy: Vec<_> = (0..2 * cpu::count()).map(|_| {
            let (used, stop) = (used.clone(), stop.clone());
            spawn("busy", move || while !stop.load(Ordering::Relaxed) {
                used.fetch_or(1 << cpu::number(), Ordering::Relaxed);
                arch::hcall::spin_hint();
            })
        }).collect();
        let start = arch::time::timebase();
        while used.load(Ordering::Relaxed) != everywhere() && arch::time::timebase() - start < PATIENCE {
            sleep(arch::time::TICKS_PER_SECOND / 1000);
        }
        stop.store(true, Ordering::Relaxed);
        for thread in busy {
            thread.join().map_err(|outcome| outcome.to_string())?;
        }
        ensure_eq!(used.load(Ordering::Relaxed), everywhere(), "the CPUs that ran one of them");
        Ok(())
    }

    fn a_wake_up_reaches_every_cpu_from_every_cpu() {
        const TURNS: u64 = 50;
        let all: Vec<usize> = cpu::online().map(Cpu::number).collect();
        for (&one, &other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            let table = Arc::new((AtomicU64::new(0), WaitQueue::new()));
            let players: Vec<_> = [one, other].into_iter().enumerate().map(|(place, number)| {
                let table = table.clone();
                Builder::new(&format!("player on {number}")).affinity(1 << number).spawn(move || {
                    let (turn, waiting) = &*table;
                    for _ in 0..TURNS {
                        waiting.wait_until(|| turn.load(Ordering::Acquire) % 2 == place as u64);
                        turn.fetch_add(1, Ordering::Release);
                        waiting.wake_all();
                    }
                })
            }).collect();
            for player in players {
                player.join().map_err(|outcome| outcome.to_string())?;
            }
            ensure_eq!(table.0.load(Ordering::Relaxed), 2 * TURNS, "turns of CPUs {one} and {other}");
        }
        Ok(())
    }
}

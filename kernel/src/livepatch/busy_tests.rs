//! Threads that never sleep, threads that were interrupted, and CPUs with nothing to do: a transition looks at each of them where
//! it is, and waits for none that is outside of what changes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::transition::PatchState;
use super::{KlpError, KlpPatch, Obstacle, Stall, disable, enable, is_in_transition, settle, stalled};
use crate::cpu::{self, Cpu, MAXIMUM};
use crate::ftrace::reap;
use crate::situations::GATE;
use crate::thread::{self, Builder, JoinHandle, sleep, spawn};
use crate::{ensure, ensure_eq, ktest};

const MILLISECOND: u64 = arch::time::TICKS_PER_SECOND / 1000;

static ONE: AtomicU64 = AtomicU64::new(1);

/// The threads in [`inside`] may leave it.
static MAY_LEAVE: AtomicBool = AtomicBool::new(false);
/// The busy threads may end.
static MAY_END: AtomicBool = AtomicBool::new(false);
/// What each CPU's busy thread has done, in rounds of its loop.
static ROUNDS: [AtomicU64; MAXIMUM] = [const { AtomicU64::new(0) }; MAXIMUM];

/// B: an endless loop.
#[inline(never)]
extern "C" fn inside(cpu: u64) -> u64 {
    while !MAY_LEAVE.load(Ordering::Relaxed) {
        ROUNDS[cpu as usize].fetch_add(1, Ordering::Relaxed);
    }
    ONE.load(Ordering::Relaxed)
}

/// Its replacement.
extern "C" fn new_inside(_: u64) -> u64 {
    10 * ONE.load(Ordering::Relaxed)
}

/// Another B, which sleeps.
#[inline(never)]
extern "C" fn asleep(_: u64) -> u64 {
    GATE.wait();
    ONE.load(Ordering::Relaxed)
}

const INSIDE: &str = "kernel::livepatch::busy_tests::inside";
const ASLEEP: &str = "kernel::livepatch::busy_tests::asleep";

type Function = extern "C" fn(u64) -> u64;

fn call(function: Function, argument: u64) -> u64 {
    core::hint::black_box(function)(argument)
}

fn patch() -> KlpPatch {
    let new = new_inside as Function as usize as u64;
    KlpPatch::of_kernel("busy", &[(INSIDE, new), (ASLEEP, new)])
}

fn text(error: KlpError) -> String {
    error.to_string()
}

/// An endless loop that nobody patches, and a call of B behind it.
fn outside(cpu: u64) -> u64 {
    while !MAY_END.load(Ordering::Relaxed) {
        ROUNDS[cpu as usize].fetch_add(1, Ordering::Relaxed);
    }
    call(inside, cpu)
}

/// A thread that runs on this CPU only, and has begun its loop.
fn busy(cpu: &Cpu, name: &str, body: fn(u64) -> u64) -> JoinHandle<u64> {
    let number = cpu.number();
    let before = ROUNDS[number].load(Ordering::Relaxed);
    let builder = Builder::new(name).affinity(1 << number);
    let thread = builder.spawn(move || body(number as u64));
    while ROUNDS[number].load(Ordering::Relaxed) == before {
        sleep(MILLISECOND);
    }
    thread
}

fn has_moved(thread: &thread::Thread) -> bool {
    PatchState::of(thread) == PatchState::Patched
}

/// Puts everything back, also where a case ended early.
struct Cleanup;

impl Cleanup {
    fn begin() -> Self {
        MAY_LEAVE.store(false, Ordering::Relaxed);
        MAY_END.store(false, Ordering::Relaxed);
        GATE.close();
        Cleanup
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        MAY_LEAVE.store(true, Ordering::Relaxed);
        MAY_END.store(true, Ordering::Relaxed);
        GATE.open();
        settle();
        // One that the case did not come to is not there.
        let _ = disable("busy");
        settle();
        reap();
    }
}

ktest! {
    /// One thread in B keeps the transition open, so that it can be seen who has moved when `enable` returns.
    fn the_busy_the_interrupted_and_the_idle_move_at_once() {
        let _cleanup = Cleanup::begin();
        let in_the_way = spawn("in the way", || call(asleep, 0));
        GATE.wait_for(in_the_way.thread());
        // The last CPU, if there are several, has nothing to do. On the caller's own a busy thread is one that was interrupted.
        let busy_cpus = cpu::count() - usize::from(cpu::count() > 1);
        let threads: Vec<_> = cpu::online().take(busy_cpus).map(|cpu| busy(cpu, "busy outside", outside)).collect();
        enable(patch()).map_err(text)?;
        let late: Vec<String> = thread::with_all(|all| {
            let late = all.iter().filter(|thread| !has_moved(thread));
            late.map(|thread| thread.name().to_string()).collect()
        });
        ensure_eq!(late, ["in the way"], "who has not moved when enable returns");
        ensure!(is_in_transition(), "the transition did not wait for the thread in B");
        GATE.open();
        ensure_eq!(in_the_way.join(), Ok(1), "the thread in B");
        settle();
        // They are in their loops still.
        let rounds: Vec<u64> = ROUNDS.iter().map(|rounds| rounds.load(Ordering::Relaxed)).collect();
        for cpu in cpu::online().take(busy_cpus) {
            while ROUNDS[cpu.number()].load(Ordering::Relaxed) == rounds[cpu.number()] {
                sleep(MILLISECOND);
            }
        }
        MAY_END.store(true, Ordering::Relaxed);
        for thread in threads {
            ensure_eq!(thread.join(), Ok(10), "what a busy thread called afterwards");
        }
        Ok(())
    }

    /// It has left B and goes on in another endless loop: no sleep, no call, nothing that it does itself moves it.
    fn who_is_busy_in_the_way_moves_when_it_has_left() {
        let _cleanup = Cleanup::begin();
        let last = cpu::online().last().ok_or("no CPU is online")?;
        let number = last.number();
        let thread = busy(last, "busy inside", |cpu| call(inside, cpu) + 100 * outside(cpu));
        enable(patch()).map_err(text)?;
        // How long it has been in the way is known as of the last attempt, and a busy host makes those rare.
        let begin = arch::time::timebase();
        let has_waited = |stalls: &[Stall]| stalls.iter().any(|stall| stall.for_ticks >= 20 * MILLISECOND);
        let mut stalls = stalled();
        while !has_waited(&stalls) && arch::time::timebase() - begin < 5000 * MILLISECOND {
            sleep(MILLISECOND);
            stalls = stalled();
        }
        ensure!(matches!(stalls[..], [ref stall] if matches!(stall.obstacle, Obstacle::Inside { .. })), "{stalls:?}");
        let said = stalls[0].to_string();
        let wanted = format!("thread 'busy inside' ({}): is in {INSIDE}", thread.thread().id());
        ensure!(said.starts_with(&wanted), "{said}");
        // Above the frames of the interrupt.
        ensure!(said.contains(", frame ") && stalls[0].for_ticks >= 20 * MILLISECOND, "{said}");
        MAY_LEAVE.store(true, Ordering::Relaxed);
        settle();
        let rounds = ROUNDS[number].load(Ordering::Relaxed);
        while ROUNDS[number].load(Ordering::Relaxed) == rounds {
            sleep(MILLISECOND);
        }
        ensure!(has_moved(thread.thread()), "the transition is complete, and it has not moved");
        MAY_END.store(true, Ordering::Relaxed);
        ensure_eq!(thread.join(), Ok(1 + 100 * 10), "what the thread got from B before and after");
        Ok(())
    }
}

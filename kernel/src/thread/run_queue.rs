//! The threads of one CPU: who runs there, who is ready, who sleeps.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::time;

use super::{State, Thread};
use crate::cpu::{self, MAXIMUM};
use crate::kgdb;
use crate::sync::{IrqLock, IrqLockGuard, Rank};

/// How long a thread runs before the next one is due, in ticks of the timebase: 2 ms.
const TIME_SLICE: u64 = time::TICKS_PER_SECOND / 500;

/// How long a CPU with nothing to do waits for an interrupt, in ticks of the timebase: who has work for it sends one.
const IDLE_SLICE: u64 = time::TICKS_PER_SECOND;

/// Threads for which there is room from the start.
const ROOM: usize = 64;

/// A thread that nobody queues, and what becomes of it when its CPU is on another's stack.
pub(super) enum Left {
    /// It has ended.
    Ended(Arc<Thread>),
    /// It may not run here any more.
    Moves(Arc<Thread>),
}

/// The threads of one CPU. A thread's state changes under the lock of the CPU that it belongs to, its `home`, and a switch
/// holds the lock from the choice to the other thread's first step: nobody runs a thread whose registers are not saved yet.
pub(super) struct RunQueue {
    /// The address of the thread that the CPU runs.
    running: usize,
    /// Can run and does not, the next one first. All of them may run here.
    ready: VecDeque<Arc<Thread>>,
    /// Asleep, with the timebase at which to wake up.
    sleeping: Vec<(u64, Arc<Thread>)>,
    /// Runs when nobody else can.
    idle: Option<Arc<Thread>>,
    /// The thread that the CPU is leaving, if something is to be done for it afterwards.
    pub(super) left: Option<Left>,
    /// The timebase up to which the running thread's time is counted.
    counted: u64,
}

impl RunQueue {
    const fn new() -> Self {
        RunQueue {
            running: 0,
            ready: VecDeque::new(),
            sleeping: Vec::new(),
            idle: None,
            left: None,
            counted: 0,
        }
    }

    /// The CPU gets its idle thread. Room for what a suite needs: the heap's use shall not grow at a moment that depends on who runs when.
    pub(super) fn init(&mut self, idle: Arc<Thread>, running: &Thread) {
        self.ready.reserve(ROOM);
        self.sleeping.reserve(ROOM);
        self.idle = Some(idle);
        self.set_running(running);
    }

    pub(super) fn is_idle(&self, thread: &Thread) -> bool {
        self.idle
            .as_deref()
            .is_some_and(|idle| core::ptr::eq(idle, thread))
    }

    pub(super) fn set_running(&mut self, thread: &Thread) {
        self.running = address(thread);
    }

    /// Whether the CPU is still on the thread's stack.
    pub(super) fn runs(&self, thread: &Thread) -> bool {
        self.running == address(thread)
    }

    pub(super) fn push(&mut self, thread: Arc<Thread>) {
        self.ready.push_back(thread);
    }

    /// The thread that runs next.
    pub(super) fn next(&mut self) -> Option<Arc<Thread>> {
        self.ready.pop_front().or_else(|| self.idle.clone())
    }

    /// Whether somebody waits for the CPU.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The CPUs that could run somebody who waits here, a bit for each.
    pub(super) fn wanted(&self) -> u64 {
        let allowed = self
            .ready
            .iter()
            .map(|thread| thread.allowed.load(Ordering::Relaxed));
        allowed.fold(0, |all, cpus| all | cpus)
    }

    /// A thread that waits here and may run on `cpu`, taken out.
    pub(super) fn give_up(&mut self, cpu: usize) -> Option<Arc<Thread>> {
        let place = self.ready.iter().position(|thread| thread.may_run_on(cpu))?;
        let thread = self.ready.remove(place)?;
        thread.home.store(cpu, Ordering::Release);
        Some(thread)
    }

    pub(super) fn add_sleeper(&mut self, until: u64, thread: Arc<Thread>) {
        self.sleeping.push((until, thread));
    }

    /// Makes those ready who have slept long enough.
    pub(super) fn wake_sleepers(&mut self, now: u64) {
        while let Some(due) = self.sleeping.iter().position(|(at, _)| *at <= now) {
            let (_, thread) = self.sleeping.swap_remove(due);
            thread.set_state(State::Runnable);
            self.push(thread);
        }
    }

    /// Sets the decrementer to the end of `to`'s time slice or to the next sleeper's time, whichever comes first.
    pub(super) fn set_timer(&mut self, to: &Thread) {
        let now = time::timebase();
        let next_sleeper = self.sleeping.iter().map(|(at, _)| at.saturating_sub(now)).min();
        let slice = if self.is_idle(to) {
            kgdb::patience().unwrap_or(IDLE_SLICE)
        } else {
            TIME_SLICE
        };
        let ticks = next_sleeper.unwrap_or(slice).clamp(1, slice);
        time::set_decrementer(ticks as u32);
    }

    /// How long `thread` has run since its time was counted last. A slice is the most: when the host stops the whole machine
    /// for a while, the thread has not run.
    pub(super) fn uncounted(&self, thread: &Thread, now: u64) -> u64 {
        let slice = if self.is_idle(thread) {
            IDLE_SLICE
        } else {
            TIME_SLICE
        };
        now.saturating_sub(self.counted).min(slice)
    }

    /// Counts that as the time of `thread`, which has run until now, and answers how much it is.
    pub(super) fn count(&mut self, thread: &Thread, now: u64) -> u64 {
        let ran = self.uncounted(thread, now);
        self.counted = now;
        thread.ran.fetch_add(ran, Ordering::Relaxed);
        ran
    }
}

fn address(thread: &Thread) -> usize {
    core::ptr::from_ref(thread) as usize
}

static QUEUES: [IrqLock<RunQueue>; MAXIMUM] =
    [const { IrqLock::new(Rank::RunQueue, RunQueue::new()) }; MAXIMUM];

/// A bit for each CPU that runs its idle thread.
static IDLE: AtomicU64 = AtomicU64::new(0);

/// The queue of the CPU with this number.
pub(super) fn of_cpu(number: usize) -> &'static IrqLock<RunQueue> {
    &QUEUES[number]
}

/// The queue of the CPU that runs the caller, who has interrupts off.
pub(super) fn of_this_cpu() -> &'static IrqLock<RunQueue> {
    of_cpu(cpu::number())
}

/// The queue of the CPU that a thread belongs to, locked: it belongs there as long as the guard lives.
pub(super) fn of_thread(thread: &Thread) -> (usize, IrqLockGuard<'static, RunQueue>) {
    loop {
        let home = thread.home.load(Ordering::Acquire);
        let queue = of_cpu(home).lock();
        if thread.home.load(Ordering::Acquire) == home {
            return (home, queue);
        }
    }
}

/// Says whether a CPU runs its idle thread from here on.
pub(super) fn note_idle(cpu: usize, is_idle: bool) {
    if is_idle {
        IDLE.fetch_or(1 << cpu, Ordering::SeqCst);
    } else {
        IDLE.fetch_and(!(1 << cpu), Ordering::SeqCst);
    }
}

/// The CPUs that run their idle threads, a bit for each.
pub(super) fn idle_cpus() -> u64 {
    IDLE.load(Ordering::SeqCst)
}

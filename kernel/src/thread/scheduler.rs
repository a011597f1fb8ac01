//! Who runs next: round robin on one CPU, with time slices by the decrementer.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::cpu::CpuHead;
use arch::entry::ExceptionFrame;
use arch::thread::ThreadHead;
use arch::{interrupts, time};

use super::builder::new_thread;
use super::{Outcome, State, Thread, current, current_cpu_head, current_head, spawn};
use crate::sync::IrqLock;
use crate::{module, platform};

/// How long a thread runs before the next one is due, in ticks of the timebase: 2 ms.
const TIME_SLICE: u64 = time::TICKS_PER_SECOND / 500;

/// Threads for which there is room from the start.
const ROOM: usize = 64;

/// The run queue. There is one for the one CPU; a second CPU gets its own.
struct Scheduler {
    /// Runnable and not running, the next one first.
    ready: VecDeque<Arc<Thread>>,
    /// Asleep, with the timebase at which to wake up.
    sleeping: Vec<(u64, Arc<Thread>)>,
    /// Runs when nobody else can.
    idle: Option<Arc<Thread>>,
    /// Every thread that has not ended.
    all: Vec<Arc<Thread>>,
    /// Threads that have ended but on whose stack the CPU may still be.
    ended: Vec<Arc<Thread>>,
}

static SCHEDULER: IrqLock<Scheduler> = IrqLock::new(Scheduler {
    ready: VecDeque::new(),
    sleeping: Vec::new(),
    idle: None,
    all: Vec::new(),
    ended: Vec::new(),
});

/// The timebase when the timer was set last.
static TIMER_SET: AtomicU64 = AtomicU64::new(0);

static RUNNING: AtomicBool = AtomicBool::new(false);

/// Whether there are threads.
#[inline(always)]
pub(super) fn is_running() -> bool {
    RUNNING.load(Ordering::Acquire)
}

/// Makes the caller the boot thread and starts the clock. Once, with the heap and the exception vectors in place.
#[allow(unsafe_code, reason = "r13 gets its first thread")]
pub fn init() {
    interrupts::disable();
    let boot = new_thread(String::from("boot"), 0, false, u64::MAX, None);
    boot.set_stack(arch::start::boot_stack());
    boot.head.cpu.store(cpu(), Ordering::Relaxed);
    {
        let mut scheduler = SCHEDULER.lock();
        // Room for what a suite needs: the heap's use shall not grow at a moment that depends on who runs when.
        scheduler.ready.reserve(ROOM);
        scheduler.sleeping.reserve(ROOM);
        scheduler.all.reserve(ROOM);
        scheduler.all.push(boot.clone());
    }
    let boot = Arc::into_raw(boot);
    // SAFETY: the count that `into_raw` keeps makes the thread live for ever.
    let boot: &'static Thread = unsafe { &*boot };
    // SAFETY: this is the first thread, on the boot stack, with interrupts off.
    unsafe { arch::thread::adopt(&boot.head) };
    RUNNING.store(true, Ordering::Release);

    let idle = spawn("idle", idle_loop).thread().clone();
    let mut scheduler = SCHEDULER.lock();
    scheduler.ready.retain(|thread| !Arc::ptr_eq(thread, &idle));
    scheduler.idle = Some(idle);
    drop(scheduler);
    set_timer();
    interrupts::enable();
}

fn idle_loop() {
    loop {
        interrupts::disable();
        schedule();
        platform::idle();
    }
}

/// Enters a new thread into the run queue.
pub(super) fn add(thread: Arc<Thread>) {
    let mut scheduler = SCHEDULER.lock();
    scheduler.all.push(thread.clone());
    scheduler.ready.push_back(thread);
}

/// Makes a blocked thread runnable; does nothing for any other.
pub(super) fn wake(thread: &Arc<Thread>) {
    let mut scheduler = SCHEDULER.lock();
    if thread.state() == State::Blocked {
        thread.set_state(State::Runnable);
        scheduler.ready.push_back(thread.clone());
    }
}

/// Gives the CPU away; returns when the thread is its turn again.
pub fn yield_now() {
    interrupts::without(schedule);
}

/// Lets at least `ticks` of the timebase pass.
pub fn sleep(ticks: u64) {
    let thread = current();
    interrupts::without(|| {
        thread.set_state(State::Blocked);
        SCHEDULER
            .lock()
            .sleeping
            .push((time::timebase() + ticks, thread.clone()));
        schedule();
    });
}

/// Runs somebody else, if anybody can run. Interrupts are off.
#[allow(unsafe_code, reason = "the switch itself")]
pub(super) fn schedule() {
    let from = current();
    let to = {
        let mut scheduler = SCHEDULER.lock();
        let is_idle = scheduler
            .idle
            .as_ref()
            .is_some_and(|idle| Arc::ptr_eq(idle, &from));
        if from.state() == State::Runnable && !is_idle {
            scheduler.ready.push_back(from.clone());
        }
        match scheduler.ready.pop_front().or_else(|| scheduler.idle.clone()) {
            Some(to) => to,
            None => return,
        }
    };
    set_timer();
    if Arc::ptr_eq(&from, &to) {
        return;
    }
    to.head.cpu.store(cpu(), Ordering::Relaxed);
    let (from, to) = (release(from), release(to));
    // SAFETY: `all` or `ended` holds both threads until `finish_switch` runs on another stack; interrupts are off.
    unsafe { arch::thread::switch(from, to) };
    finish_switch();
}

/// The CPU that runs the caller, as a thread's head wants it.
fn cpu() -> *mut CpuHead {
    current_head().cpu.load(Ordering::Relaxed)
}

/// Gives up a count and keeps the address: a thread that ends here must not keep itself alive from its own stack.
fn release(thread: Arc<Thread>) -> *const ThreadHead {
    &raw const thread.head
}

/// First thing on the new thread's side of a switch: frees the threads that ended.
pub(super) fn finish_switch() {
    let ended = core::mem::take(&mut SCHEDULER.lock().ended);
    drop(ended);
}

/// Ends the running thread.
pub(super) fn end_current(outcome: Outcome) -> ! {
    interrupts::disable();
    let thread = current();
    *thread.outcome.lock() = Some(outcome);
    thread.set_state(State::Ended);
    {
        let mut scheduler = SCHEDULER.lock();
        scheduler.all.retain(|other| !Arc::ptr_eq(other, &thread));
        scheduler.ended.push(thread.clone());
    }
    thread.joiners.wake_all();
    drop(thread);
    schedule();
    unreachable!("a thread that has ended was run")
}

/// The decrementer's handler: wakes who slept long enough, ends who ran too long, and runs the next thread.
pub fn tick(frame: &ExceptionFrame) {
    let now = time::timebase();
    module::update_jiffies();
    loop {
        let mut scheduler = SCHEDULER.lock();
        let Some(due) = scheduler.sleeping.iter().position(|(at, _)| *at <= now) else {
            break;
        };
        let (_, thread) = scheduler.sleeping.swap_remove(due);
        drop(scheduler);
        wake(&thread);
    }
    let is_over = charge(&current(), now);
    if is_over {
        end_current(Outcome::OutOfTime { nip: frame.nip });
    }
    // The emergency stack is the CPU's: whoever runs next may need it, and what is on it must be done before. The thread has
    // little of its own stack left, and is its turn until it has more.
    if current_cpu_head().emergency_stack().contains(&frame.address()) {
        set_timer();
        return;
    }
    schedule();
}

/// Takes what has passed since the timer was set from the thread's time; whether nothing is left. A slice is the most that
/// counts: when the host stops the whole machine for a while, the thread has not run.
fn charge(thread: &Thread, now: u64) -> bool {
    let ran = now
        .saturating_sub(TIMER_SET.load(Ordering::Relaxed))
        .min(TIME_SLICE);
    let left = thread.time_left.load(Ordering::Relaxed).saturating_sub(ran);
    thread.time_left.store(left, Ordering::Relaxed);
    left == 0
}

/// Sets the decrementer to the end of the time slice or to the next sleeper's time, whichever comes first.
fn set_timer() {
    let now = time::timebase();
    TIMER_SET.store(now, Ordering::Relaxed);
    let next_sleeper = SCHEDULER
        .lock()
        .sleeping
        .iter()
        .map(|(at, _)| at.saturating_sub(now))
        .min();
    let ticks = next_sleeper.unwrap_or(TIME_SLICE).clamp(1, TIME_SLICE);
    time::set_decrementer(ticks as u32);
}

/// Every thread that has not ended.
pub fn all() -> Vec<Arc<Thread>> {
    SCHEDULER.lock().all.clone()
}

/// What `look` answers of every thread that has not ended; `None` when somebody else has the list for too long. For faults:
/// allocates nothing.
pub(super) fn look<T>(look: impl FnOnce(&[Arc<Thread>]) -> T) -> Option<T> {
    SCHEDULER.lock_in_fault().map(|scheduler| look(&scheduler.all))
}

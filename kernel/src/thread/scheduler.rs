//! Who runs next: round robin on every CPU, with time slices by the decrementer. A CPU with nothing to do takes from others.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::cpu::CpuHead;
use arch::entry::ExceptionFrame;
use arch::thread::ThreadHead;
use arch::{interrupts, time};

use super::builder::{new_idle, new_thread, prepare};
use super::run_queue::{self, Left};
use super::{Outcome, State, Thread, current, current_cpu_head, current_head};
use crate::cpu::{self, Cpu, Message};
use crate::module;
use crate::sync::{self, IrqLock, Rank};

/// Threads for which there is room from the start.
const ROOM: usize = 64;

/// Every thread that has not ended.
static THREADS: IrqLock<Vec<Arc<Thread>>> = IrqLock::new(Rank::Threads, Vec::new());

static RUNNING: AtomicBool = AtomicBool::new(false);

/// Whether there are threads.
#[inline(always)]
pub(super) fn is_running() -> bool {
    // Before another CPU runs anything it has got a thread from somebody, by a lock.
    RUNNING.load(Ordering::Relaxed)
}

/// Makes the caller the boot thread and starts the clock. Once, with the heap and the exception vectors in place.
#[allow(unsafe_code, reason = "r13 gets its first thread")]
pub fn init() {
    interrupts::disable();
    let boot = new_thread(String::from("boot"), 0, false, u64::MAX, None);
    boot.set_stack(arch::start::boot_stack());
    boot.head.cpu.store(cpu_head(), Ordering::Relaxed);
    // Nobody switches to it before it has been left.
    boot.head.locks_held.store(0, Ordering::Relaxed);
    THREADS.lock().reserve(ROOM);
    enlist(&boot);
    let idle = new_idle(current_cpu_head());
    prepare(&idle);
    run_queue::of_cpu(0).lock().init(idle, &boot);
    let boot = Arc::into_raw(boot);
    // SAFETY: the count that `into_raw` keeps makes the thread live for ever.
    let boot: &'static Thread = unsafe { &*boot };
    // SAFETY: this is the first thread, on the boot stack, with interrupts off.
    unsafe { arch::thread::adopt(&boot.head) };
    start_clock(boot);
}

/// On the first thread. Not a part of `init`, in which r13 changes: who has read it once need not read it again.
#[inline(never)]
fn start_clock(boot: &Thread) {
    RUNNING.store(true, Ordering::Release);
    run_queue::of_cpu(0).lock().set_timer(boot);
    interrupts::enable();
}

/// The idle thread of a CPU that is about to be started, which runs it from the beginning. It is there for ever.
#[allow(unsafe_code, reason = "the firmware hands on a raw address")]
pub(crate) fn idle_for(cpu: &CpuHead) -> &'static Thread {
    let idle = new_idle(cpu);
    idle.head.locks_held.store(0, Ordering::Relaxed);
    let number = cpu.number.load(Ordering::Relaxed) as usize;
    run_queue::of_cpu(number).lock().init(idle.clone(), &idle);
    // SAFETY: the count that `into_raw` keeps makes the thread live for ever.
    unsafe { &*Arc::into_raw(idle) }
}

/// What idle threads do, for ever: let others run, look whether another CPU has too much, wait for an interrupt.
pub(crate) fn idle_loop() -> ! {
    loop {
        interrupts::disable();
        schedule();
        // In this order: who adds a thread after the look sees that this CPU is idle, and sends an interrupt.
        run_queue::note_idle(cpu::number(), true);
        if !take_over() {
            cpu::rest();
        }
    }
}

/// Adds a thread to all there are. It knows from now on what its parent knows of a live patch that comes or goes: a
/// transition looks at all threads while nobody can be here.
pub(super) fn enlist(thread: &Arc<Thread>) {
    let mut threads = THREADS.lock();
    let patch_state = current_head().patch_state.load(Ordering::Relaxed);
    thread.head.patch_state.store(patch_state, Ordering::Relaxed);
    threads.push(thread.clone());
}

/// Starts a new thread.
pub(super) fn add(thread: Arc<Thread>) {
    enlist(&thread);
    interrupts::without(|| {
        let here = cpu::number();
        let home = if thread.may_run_on(here) {
            here
        } else {
            thread.first_cpu()
        };
        thread.home.store(home, Ordering::Release);
        make_ready(thread);
    });
}

/// Queues a thread that belongs to its home's CPU, and sees to it that somebody comes for it.
fn make_ready(thread: Arc<Thread>) {
    let (home, mut queue) = run_queue::of_thread(&thread);
    let allowed = thread.allowed.load(Ordering::Relaxed);
    queue.push(thread);
    drop(queue);
    call_for_help(home, allowed);
}

/// A thread of the CPU `home` that may run on those in `allowed` has become ready: interrupts an idle CPU that could run it.
fn call_for_help(home: usize, allowed: u64) {
    let idle = run_queue::idle_cpus() & allowed;
    let helper = if idle & 1 << home != 0 {
        home
    } else {
        idle.trailing_zeros() as usize
    };
    if let Some(cpu) = cpu::get(helper).filter(|_| idle != 0 && helper != cpu::number()) {
        cpu::send(cpu, Message::RESCHEDULE);
    }
}

/// Looks for a thread to run: one that has become ready here since the last switch, or one that waits for another CPU. Answers
/// whether there was one.
fn take_over() -> bool {
    let here = cpu::number();
    if run_queue::of_this_cpu().lock().has_ready() {
        return true;
    }
    for number in cpu::online().map(Cpu::number).filter(|number| *number != here) {
        let mut queue = run_queue::of_cpu(number).lock();
        let Some(thread) = queue.give_up(here) else {
            continue;
        };
        let wanted = queue.wanted();
        drop(queue);
        run_queue::of_this_cpu().lock().push(thread);
        run_queue::note_idle(here, false);
        call_for_help(number, wanted);
        return true;
    }
    false
}

/// Makes a blocked thread runnable; does nothing for any other.
pub(super) fn wake(thread: &Arc<Thread>) {
    let (home, mut queue) = run_queue::of_thread(thread);
    if thread.raw_state() != State::Blocked {
        return;
    }
    thread.set_state(State::Runnable);
    if !queue.runs(thread) {
        queue.push(thread.clone());
        drop(queue);
        interrupts::without(|| call_for_help(home, thread.allowed.load(Ordering::Relaxed)));
    }
}

/// Gives the CPU away; returns when the thread is its turn again.
pub fn yield_now() {
    interrupts::without(schedule);
}

/// Lets at least `ticks` of the timebase pass.
pub fn sleep(ticks: u64) {
    interrupts::without(|| {
        let thread = current();
        thread.set_state(State::Asleep);
        run_queue::of_this_cpu()
            .lock()
            .add_sleeper(time::timebase() + ticks, thread);
        schedule();
    });
}

/// Runs the calling thread on the CPUs in `allowed` only, a bit for each, of which one at least is online. When this
/// returns, it runs on one of them.
pub fn set_affinity(allowed: u64) {
    interrupts::without(|| {
        let thread = current();
        thread.allowed.store(allowed, Ordering::Relaxed);
        if !thread.may_run_on(cpu::number()) {
            drop(thread);
            schedule();
        }
    });
}

/// Runs somebody else, if anybody can run. Interrupts are off, and no lock is held that spins.
#[allow(unsafe_code, reason = "the switch itself")]
pub(super) fn schedule() {
    let from = current();
    let here = cpu::number();
    let mut queue = run_queue::of_cpu(here).lock();
    queue.count(&from, time::timebase());
    match from.raw_state() {
        State::Runnable if queue.is_idle(&from) => {}
        State::Runnable if from.may_run_on(here) => queue.push(from.clone()),
        State::Runnable => queue.left = Some(Left::Moves(from.clone())),
        State::Blocked | State::Asleep => {}
        // `end_current` has left it there.
        State::Ended => {}
    }
    let Some(to) = queue.next() else { return };
    queue.set_timer(&to);
    if Arc::ptr_eq(&from, &to) {
        return;
    }
    let is_idle = queue.is_idle(&to);
    queue.set_running(&to);
    run_queue::note_idle(here, is_idle);
    to.head.cpu.store(cpu_head(), Ordering::Relaxed);
    let (from, to) = (release(from), release(to));
    queue.keep();
    // SAFETY: queues, `left` or `THREADS` hold both threads until `finish_switch` runs on another stack; interrupts are off,
    // and the lock that is kept keeps other CPUs from running `from`.
    unsafe { arch::thread::switch(from, to) };
    finish_switch();
}

/// The CPU that runs the caller, as a thread's head wants it.
fn cpu_head() -> *mut CpuHead {
    current_head().cpu.load(Ordering::Relaxed)
}

/// Gives up a count and keeps the address: a thread that ends here must not keep itself alive from its own stack.
fn release(thread: Arc<Thread>) -> *const ThreadHead {
    &raw const thread.head
}

/// First thing on the new thread's side of a switch: the thread that was left is in nobody's way now.
#[allow(unsafe_code, reason = "gives back the lock that `schedule` kept")]
pub(super) fn finish_switch() {
    let queue = run_queue::of_this_cpu();
    // SAFETY: `schedule` has kept it on this CPU, and the thread that did so has been left.
    unsafe { queue.give_back() };
    let left = queue.lock().left.take();
    match left {
        None => {}
        Some(Left::Ended(thread)) => bury(thread),
        Some(Left::Moves(thread)) => {
            thread.home.store(thread.first_cpu(), Ordering::Release);
            make_ready(thread);
        }
    }
}

/// Lets go of a thread that has ended, and says so. Its memory is free as soon as nobody else has it.
fn bury(thread: Arc<Thread>) {
    let end = thread.end.clone();
    drop(thread);
    end.has_come();
}

/// Ends the running thread.
pub(super) fn end_current(outcome: Outcome) -> ! {
    interrupts::disable();
    let thread = current();
    *thread.outcome.lock() = Some(outcome);
    thread.set_state(State::Ended);
    THREADS.lock().retain(|other| !Arc::ptr_eq(other, &thread));
    run_queue::of_this_cpu().lock().left = Some(Left::Ended(thread));
    schedule();
    unreachable!("a thread that has ended was run")
}

/// The decrementer's handler: wakes who slept long enough, ends who ran too long, and runs the next thread.
pub fn tick(frame: &ExceptionFrame) {
    let now = time::timebase();
    module::update_jiffies();
    let mut queue = run_queue::of_this_cpu().lock();
    queue.wake_sleepers(now);
    let thread = current();
    let (ran, wanted) = (queue.count(&thread, now), queue.wanted());
    drop(queue);
    call_for_help(cpu::number(), wanted);
    // Who has a lock in his hands is ended at a later tick: others would wait for it for ever.
    let is_over = charge(&thread, ran) && sync::held_by_current() == 0;
    // A thread that ends here must not keep itself alive from its own stack.
    drop(thread);
    if is_over {
        end_current(Outcome::OutOfTime { nip: frame.nip });
    }
    // The emergency stack is the CPU's: whoever runs next may need it, and what is on it must be done before. The thread has
    // little of its own stack left, and is its turn until it has more.
    if current_cpu_head().emergency_stack().contains(&frame.address()) {
        run_queue::of_this_cpu().lock().set_timer(&current());
        return;
    }
    schedule();
}

/// Takes so many ticks from the thread's time; whether nothing is left.
fn charge(thread: &Thread, ran: u64) -> bool {
    let left = thread.time_left.load(Ordering::Relaxed).saturating_sub(ran);
    thread.time_left.store(left, Ordering::Relaxed);
    left == 0
}

/// Every thread that has not ended.
pub fn all() -> Vec<Arc<Thread>> {
    THREADS.lock().clone()
}

/// What `look` answers of every thread that has not ended. No thread begins or ends meanwhile.
pub(crate) fn with_all<T>(look: impl FnOnce(&[Arc<Thread>]) -> T) -> T {
    look(&THREADS.lock())
}

/// What `look` answers of every thread that has not ended; `None` when somebody else has the list for too long. For faults:
/// allocates nothing.
pub(super) fn look<T>(look: impl FnOnce(&[Arc<Thread>]) -> T) -> Option<T> {
    THREADS.lock_in_fault().map(|threads| look(&threads))
}

/// What `look` answers of every thread that has not ended; `None` when somebody is about to change the list. For a debugger, who
/// has stopped all others and waits for nobody.
pub(crate) fn peek<T>(look: impl FnOnce(&[Arc<Thread>]) -> T) -> Option<T> {
    THREADS.peek().map(|threads| look(&threads))
}

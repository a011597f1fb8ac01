//! Kernel threads: what one is, how it starts, how it ends, how one waits for it.

mod builder;
mod end;
mod guard;
mod run_queue;
mod scan;
mod scheduler;
mod several_tests;

mod tests;
mod wait;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use arch::cpu::CpuHead;
use arch::thread::ThreadHead;
use arch::time;

use crate::exceptions::Fault;
use crate::ftrace::GraphStack;
use crate::memory::Guarded;
use crate::symbols::Symbolized;
use crate::sync::IrqLock;

use end::End;

pub use builder::{Builder, JoinHandle, spawn};
pub(crate) use guard::{GuardPage, GuardedBy, describe_stack, guard_pages, own_guard};
pub use scan::find_stack_word_in;
pub(crate) use scan::{
    has_word_in, in_trampoline_with, may_return_to, may_return_to_a_stub, others, others_in_trampolines,
};
pub use scheduler::{all, init, set_affinity, sleep, tick, yield_now};
pub(crate) use scheduler::{idle_for, idle_loop, peek, with_all};
pub use wait::WaitQueue;

/// One kernel thread. r13 points to it while it runs, so the head comes first.
#[repr(C)]
pub struct Thread {
    head: ThreadHead,
    id: u32,
    name: String,
    /// Where the records of `return-stack` are, and the stack; the boot thread's stack is part of the image.
    memory: Guarded,
    /// A fault ends only this thread, and whoever joins it hears of it.
    sacrificial: bool,
    /// Ticks of the timebase that a sacrificial thread may still run.
    time_left: AtomicU64,
    /// Ticks of the timebase that it has run.
    ran: AtomicU64,
    state: AtomicU8,
    /// The CPU in whose queue it is, or was last.
    home: AtomicUsize,
    /// The CPUs that it may run on, a bit for each.
    allowed: AtomicU64,
    /// What the thread runs, once.
    main: IrqLock<Option<Box<dyn FnMut() + Send>>>,
    /// How it ended, once it has.
    outcome: IrqLock<Option<Outcome>>,
    end: Arc<End>,
    /// Address of who looks at every instruction of the thread; 0: nobody.
    pub(crate) observer: AtomicUsize,
    /// Functions that the graph tracer waits for.
    pub(crate) graph: GraphStack,
}

const _: () = assert!(offset_of!(Thread, head) == 0);

/// Where a thread stands with the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// It runs or waits for the CPU.
    Runnable,
    /// It waits for something.
    Blocked,
    /// It waits for a time to come, and nothing else wakes it.
    Asleep,
    /// It has ended.
    Ended,
}

/// How a thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its function returned.
    Returned,
    /// It was sacrificial and this happened to it.
    Faulted(Fault),
    /// It was sacrificial and had not ended when its time was over; this is where it was.
    OutOfTime {
        /// The instruction that would have come next.
        nip: u64,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Returned => write!(f, "returned"),
            Outcome::Faulted(fault) => write!(f, "{fault}"),
            Outcome::OutOfTime { nip } => {
                write!(f, "still running when its time was over, at {}", Symbolized(*nip))
            }
        }
    }
}

impl Thread {
    /// The thread's number; the boot thread is 0.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The thread's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What assembly knows of the thread.
    pub fn head(&self) -> &ThreadHead {
        &self.head
    }

    /// Whether a fault ends only this thread.
    pub fn is_sacrificial(&self) -> bool {
        self.sacrificial
    }

    /// Ticks of the timebase that the thread has run.
    pub fn ran(&self) -> u64 {
        let (_, queue) = run_queue::of_thread(self);
        let now = if queue.runs(self) {
            queue.uncounted(self, time::timebase())
        } else {
            0
        };
        self.ran.load(Ordering::Relaxed) + now
    }

    /// The CPU that runs it, or ran it last.
    pub fn cpu(&self) -> usize {
        self.home.load(Ordering::Relaxed)
    }

    /// Whether it is what a CPU runs when it has nothing to do.
    pub fn is_idle(&self) -> bool {
        run_queue::of_thread(self).1.is_idle(self)
    }

    /// Whether a CPU is on its stack.
    pub fn is_running(&self) -> bool {
        run_queue::of_thread(self).1.runs(self)
    }

    /// Ends a sacrificial thread the next time that a tick finds it running, as if its time were over.
    pub fn expire(&self) {
        if self.sacrificial {
            self.time_left.store(0, Ordering::Relaxed);
        }
    }

    /// Where the thread stands. One that is blocked or asleep has left its CPU.
    pub fn state(&self) -> State {
        let (_, queue) = run_queue::of_thread(self);
        match self.raw_state() {
            State::Blocked | State::Asleep if queue.runs(self) => State::Runnable,
            state => state,
        }
    }

    /// Where the thread stands, or is about to.
    pub(crate) fn raw_state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Runnable,
            1 => State::Blocked,
            2 => State::Asleep,
            _ => State::Ended,
        }
    }

    /// The CPUs that it may run on, a bit for each.
    pub(crate) fn affinity(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    fn may_run_on(&self, cpu: usize) -> bool {
        self.allowed.load(Ordering::Relaxed) & 1 << cpu != 0
    }

    /// The first CPU that it may run on.
    fn first_cpu(&self) -> usize {
        self.allowed.load(Ordering::Relaxed).trailing_zeros() as usize
    }

    fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }
}

/// The running thread's head; before threads exist, the one that the boot code made.
#[inline(always)]
#[allow(unsafe_code, reason = "r13 is a raw address")]
pub fn current_head() -> &'static ThreadHead {
    // SAFETY: r13 points to the running thread's head from `_start` on, and the running thread cannot end under its own feet.
    unsafe { &*arch::thread::current() }
}

/// What assembly knows of the CPU that runs the caller. With interrupts on it may be another by the time of the answer.
#[allow(unsafe_code, reason = "the running thread's head has a raw address")]
#[inline(always)]
pub fn current_cpu_head() -> &'static CpuHead {
    let cpu = current_head().cpu.load(Ordering::Relaxed);
    // SAFETY: whoever makes a thread run stores the address of its CPU's head before, and CPUs never go.
    unsafe { &*cpu }
}

/// The running thread's graph stack; `None` before threads exist. For trampolines: inlined, counts nothing, cannot fail.
#[inline(always)]
pub(crate) fn current_graph_stack() -> Option<&'static GraphStack> {
    current_uncounted().map(|thread| &thread.graph)
}

/// The running thread's number; before threads exist the boot thread's. For trampolines, as above.
#[inline(always)]
pub(crate) fn current_id() -> u32 {
    current_uncounted().map_or(0, |thread| thread.id)
}

/// The running thread, uncounted, for those who may not free it; `None` before threads exist.
#[inline(always)]
#[allow(unsafe_code, reason = "r13 is a raw address of what an Arc holds")]
fn current_uncounted() -> Option<&'static Thread> {
    if !scheduler::is_running() {
        return None;
    }
    let thread: *const Thread = arch::thread::current().cast();
    // SAFETY: as in `current`; the running thread cannot end under its own feet.
    Some(unsafe { &*thread })
}

/// The thread whose head this is.
///
/// # Safety
/// It is the head of a thread, not of a CPU's first moments, and the thread does not end for as long as the answer is used.
#[allow(unsafe_code, reason = "a raw address of what an Arc holds")]
pub(crate) unsafe fn of_head<'a>(head: *const ThreadHead) -> &'a Thread {
    // SAFETY: a thread begins with its head; the rest as the caller says.
    unsafe { &*head.cast() }
}

/// The running thread.
///
/// # Panics
/// Before [`init`].
#[allow(unsafe_code, reason = "r13 is a raw address of what an Arc holds")]
pub fn current() -> Arc<Thread> {
    assert!(scheduler::is_running(), "there are no threads yet");
    let thread: *const Thread = arch::thread::current().cast();
    // SAFETY: `init` has made r13 the address of a `Thread` in an `Arc`, and every switch keeps it so; the scheduler
    // holds a count while the thread runs.
    unsafe { Arc::increment_strong_count(thread) };
    // SAFETY: the count that this takes over was added just now.
    unsafe { Arc::from_raw(thread) }
}

/// The running thread's name, to be printed: also before threads exist, and in a panic, where nothing may allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentName;

impl fmt::Display for CurrentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(current_uncounted().map_or("boot", Thread::name))
    }
}

/// Whether a fault of the running thread ends only the thread: false before threads exist.
pub fn is_current_sacrificial() -> bool {
    current_uncounted().is_some_and(|thread| thread.sacrificial)
}

/// Ends the running thread, which must not hold a lock.
pub fn end_current(outcome: Outcome) -> ! {
    scheduler::end_current(outcome)
}

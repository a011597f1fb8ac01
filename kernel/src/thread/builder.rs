//! Starting a thread and waiting for its end.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use arch::cpu::CpuHead;
use arch::livepatch::ReturnRecord;
use arch::thread::{RETURN_STACK_DEPTH, STACK_SIZE, ThreadHead};

use super::{End, Outcome, State, Thread, current, scheduler};
use crate::ftrace::GraphStack;
use crate::memory::{Guarded, PAGE_SIZE};
use crate::sync::{IrqLock, Rank};

/// How a thread is to be.
#[derive(Debug)]
pub struct Builder {
    name: String,
    sacrificial: bool,
    time_limit: Option<u64>,
    affinity: Option<u64>,
}

impl Builder {
    /// A thread with this name.
    pub fn new(name: &str) -> Self {
        Builder {
            name: String::from(name),
            sacrificial: false,
            time_limit: None,
            affinity: None,
        }
    }

    /// A fault ends the thread and is reported to who joins it; otherwise a fault is a panic.
    pub fn sacrificial(mut self) -> Self {
        self.sacrificial = true;
        self
    }

    /// Ends the thread when it has run for so many ticks of the timebase; sleep does not count. It is sacrificial then.
    pub fn time_limit(mut self, ticks: u64) -> Self {
        self.time_limit = Some(ticks);
        self.sacrificial()
    }

    /// Runs the thread on the CPUs in `allowed` only, a bit for each, of which one at least is online; without this, where its
    /// parent may run.
    pub fn affinity(mut self, allowed: u64) -> Self {
        self.affinity = Some(allowed);
        self
    }

    /// Starts the thread: it is runnable when this returns.
    pub fn spawn<T: Send + 'static>(self, function: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let value = Arc::new(IrqLock::new(Rank::ThreadValue, None));
        let result = value.clone();
        let mut function = Some(function);
        let main = Box::new(move || {
            if let Some(function) = function.take() {
                *result.lock() = Some(function());
            }
        });
        let time_left = self.time_limit.unwrap_or(u64::MAX);
        let thread = new_thread(self.name, STACK_SIZE, self.sacrificial, time_left, Some(main));
        let affinity = self
            .affinity
            .unwrap_or_else(|| current().allowed.load(Ordering::Relaxed));
        thread.allowed.store(affinity, Ordering::Relaxed);
        prepare(&thread);
        scheduler::add(thread.clone());
        JoinHandle { thread, value }
    }
}

/// Starts a thread that must not fault.
pub fn spawn<T: Send + 'static>(name: &str, function: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new(name).spawn(function)
}

/// The way to a thread's end and to what its function returned.
pub struct JoinHandle<T> {
    thread: Arc<Thread>,
    value: Arc<IrqLock<Option<T>>>,
}

impl<T> JoinHandle<T> {
    /// The thread itself.
    pub fn thread(&self) -> &Arc<Thread> {
        &self.thread
    }

    /// Waits until the thread has ended: what its function returned, or how else it ended.
    pub fn join(self) -> Result<T, Outcome> {
        self.thread.end.wait();
        let value = self.value.lock().take();
        value.ok_or_else(|| self.thread.outcome.lock().clone().unwrap_or(Outcome::Returned))
    }
}

static NEXT_ID: AtomicU32 = AtomicU32::new(0);

/// The parts of a thread's memory: its return records, and above them its stack. The stack's guard page is also what the
/// records, which go up, run into.
const RECORDS: usize = 0;
const STACK: usize = 1;
/// Bytes of all records.
const RETURN_STACK_SIZE: u64 = (RETURN_STACK_DEPTH * size_of::<ReturnRecord>()) as u64;

const _: () =
    assert!(RETURN_STACK_SIZE.is_multiple_of(PAGE_SIZE) && (STACK_SIZE as u64).is_multiple_of(PAGE_SIZE));

/// A thread that does not run yet. `stack_size` is 0 for one that has a stack already.
pub(super) fn new_thread(
    name: String,
    stack_size: usize,
    sacrificial: bool,
    time_left: u64,
    main: Option<Box<dyn FnMut() + Send>>,
) -> Arc<Thread> {
    let memory = Guarded::new(&[RETURN_STACK_SIZE, stack_size as u64]);
    let thread = Thread {
        head: ThreadHead::new(ptr::null()),
        id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        name,
        memory,
        sacrificial,
        time_left: AtomicU64::new(time_left),
        ran: AtomicU64::new(0),
        state: AtomicU8::new(State::Runnable as u8),
        home: AtomicUsize::new(0),
        allowed: AtomicU64::new(u64::MAX),
        main: IrqLock::new(Rank::ThreadValue, main),
        outcome: IrqLock::new(Rank::ThreadValue, None),
        end: Arc::new(End::new()),
        observer: AtomicUsize::new(0),
        graph: GraphStack::new(),
    };
    // The switch to it holds its CPU's queue, which `finish_switch` gives back.
    thread
        .head
        .locks_held
        .store(Rank::RunQueue.bit(), Ordering::Relaxed);
    let records = thread.memory.part(RECORDS);
    thread.head.return_sp.store(records.start, Ordering::Relaxed);
    thread.head.return_limit.store(records.end, Ordering::Relaxed);
    thread.set_stack(thread.memory.part(STACK));
    Arc::new(thread)
}

/// A CPU's idle thread, which runs nowhere else.
pub(super) fn new_idle(cpu: &CpuHead) -> Arc<Thread> {
    let number = cpu.number.load(Ordering::Relaxed) as usize;
    let main = Box::new(|| scheduler::idle_loop());
    let idle = new_thread(format!("idle/{number}"), STACK_SIZE, false, u64::MAX, Some(main));
    idle.head
        .cpu
        .store(ptr::from_ref(cpu).cast_mut(), Ordering::Relaxed);
    idle.allowed.store(1 << number, Ordering::Relaxed);
    idle.home.store(number, Ordering::Relaxed);
    scheduler::enlist(&idle);
    idle
}

impl Thread {
    /// Tells the head which stack the thread has; the livepatch stack grows up from its base.
    pub(super) fn set_stack(&self, stack: Range<u64>) {
        self.head.stack_low.store(stack.start, Ordering::Relaxed);
        self.head.stack_high.store(stack.end, Ordering::Relaxed);
        self.head.livepatch_sp.store(stack.start, Ordering::Relaxed);
    }
}

/// Puts the first frame on the thread's stack.
#[allow(unsafe_code, reason = "writes a frame into raw stack memory")]
pub(super) fn prepare(thread: &Thread) {
    // SAFETY: the stack is this thread's alone, and the thread is not running yet.
    unsafe { arch::thread::prepare(&thread.head, thread_main, 0) };
}

/// Where every thread begins, with interrupts off. What it runs stays where the thread's end finds it, whatever the end is.
#[allow(unsafe_code, reason = "the lock is not held while the thread runs")]
extern "C" fn thread_main(_: usize) -> ! {
    scheduler::finish_switch();
    arch::interrupts::enable();
    let main = current().main.lock().as_deref_mut().map(|main| &raw mut *main);
    if let Some(main) = main {
        // SAFETY: it goes with the thread, and nobody else uses it.
        unsafe { (*main)() };
    }
    scheduler::end_current(Outcome::Returned)
}

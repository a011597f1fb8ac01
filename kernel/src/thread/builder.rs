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

use super::{Outcome, State, Thread, WaitQueue, current, current_head, scheduler};
use crate::ftrace::GraphStack;
use crate::memory::{Guarded, PAGE_SIZE};
use crate::sync::IrqLock;

/// How a thread is to be.
#[derive(Debug)]
pub struct Builder {
    name: String,
    sacrificial: bool,
    time_limit: Option<u64>,
}

impl Builder {
    /// A thread with this name.
    pub fn new(name: &str) -> Self {
        Builder {
            name: String::from(name),
            sacrificial: false,
            time_limit: None,
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

    /// Starts the thread: it is runnable when this returns.
    pub fn spawn<T: Send + 'static>(self, function: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let value = Arc::new(IrqLock::new(None));
        let result = value.clone();
        let mut function = Some(function);
        let main = Box::new(move || {
            if let Some(function) = function.take() {
                *result.lock() = Some(function());
            }
        });
        let time_left = self.time_limit.unwrap_or(u64::MAX);
        let thread = new_thread(self.name, STACK_SIZE, self.sacrificial, time_left, Some(main));
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
        self.thread
            .joiners
            .wait_until(|| self.thread.state() == State::Ended);
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
        state: AtomicU8::new(State::Runnable as u8),
        main: IrqLock::new(main),
        outcome: IrqLock::new(None),
        joiners: WaitQueue::with_room_for_one(),
        observer: AtomicUsize::new(0),
        graph: GraphStack::new(),
    };
    // A new thread knows what its parent knows of a live patch that comes or goes.
    let patch_state = current_head().patch_state.load(Ordering::Relaxed);
    thread.head.patch_state.store(patch_state, Ordering::Relaxed);
    let records = thread.memory.part(RECORDS);
    thread.head.return_sp.store(records.start, Ordering::Relaxed);
    thread.head.return_limit.store(records.end, Ordering::Relaxed);
    thread.set_stack(thread.memory.part(STACK));
    Arc::new(thread)
}

/// The thread that a CPU runs from its start on: on its own stack, without a first frame, and in no list of threads.
pub(crate) fn new_idle(cpu: &'static CpuHead) -> Arc<Thread> {
    let name = format!("idle/{}", cpu.number.load(Ordering::Relaxed));
    let thread = new_thread(name, STACK_SIZE, false, u64::MAX, None);
    thread
        .head
        .cpu
        .store(ptr::from_ref(cpu).cast_mut(), Ordering::Relaxed);
    thread
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
fn prepare(thread: &Thread) {
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

//! `linux/workqueue.h`: work for a thread of the kernel's.
//!
//! Each piece of work is done by a thread of its own, which a second one starts and outlives: when a piece counts as done,
//! the thread that did it is gone, and nothing of the module is on any stack. So a module that has flushed its work can go.
//! For the same reason nothing here keeps the address of a piece of work, but its complement.
#![allow(unsafe_code, reason = "calls C's functions through C's pointers")]

use alloc::vec::Vec;

use arch::time::{TICKS_PER_SECOND, timebase};

use super::jiffies::JIFFY;
use crate::sync::{IrqLock, Rank};
use crate::thread::{self, WaitQueue};

/// `struct work_struct`, which `struct delayed_work` begins with.
#[repr(C)]
struct CWork {
    function: extern "C" fn(*const CWork),
}

/// A piece of work: the complement of its address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key(usize);

impl Key {
    fn of(work: *const CWork) -> Self {
        Key(!(work as usize))
    }

    /// Does the work.
    fn call(self) {
        let work = !self.0 as *const CWork;
        // SAFETY: whoever scheduled it keeps it until it is done or was cancelled, which is C's contract.
        let CWork { function } = unsafe { work.read() };
        function(work);
    }
}

/// A piece that is being done, or as good as.
struct Run {
    key: Key,
    id: u64,
    is_begun: bool,
    /// The number of the thread that is in the module's function.
    worker: Option<u32>,
}

struct Queue {
    /// What is due later: when, by the timebase.
    waiting: Vec<(u64, Key)>,
    /// In the order in which they were due.
    running: Vec<Run>,
    /// What must not be scheduled, because somebody waits for its end.
    cancelled: Vec<Key>,
    next_id: u64,
    /// There is a thread that looks after `waiting`.
    has_timer: bool,
}

static QUEUE: IrqLock<Queue> = IrqLock::new(
    Rank::WorkQueue,
    Queue {
        waiting: Vec::new(),
        running: Vec::new(),
        cancelled: Vec::new(),
        next_id: 0,
        has_timer: false,
    },
);

/// Who waits for the beginning or the end of a piece.
static CHANGED: WaitQueue = WaitQueue::new();

impl Queue {
    fn is_waiting(&self, key: Key) -> bool {
        self.waiting.iter().any(|(_, other)| *other == key)
            || self.running.iter().any(|run| run.key == key && !run.is_begun)
    }

    fn is_running(&self, key: Key) -> bool {
        self.running.iter().any(|run| run.key == key)
    }

    /// Takes it back if it has not begun.
    fn take_back(&mut self, key: Key) -> bool {
        let was_waiting = self.is_waiting(key);
        self.waiting.retain(|(_, other)| *other != key);
        self.running.retain(|run| run.key != key || run.is_begun);
        self.tidy();
        was_waiting
    }

    /// Gives back the memory of lists that have become empty: who looks at the heap must not see that work was done.
    fn tidy(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
        if self.running.is_empty() {
            self.running = Vec::new();
        }
        if self.cancelled.is_empty() {
            self.cancelled = Vec::new();
        }
    }

    /// Notes that it is due; a thread has to be started for it then.
    fn enter(&mut self, key: Key) -> u64 {
        self.next_id += 1;
        self.running.push(Run {
            key,
            id: self.next_id,
            is_begun: false,
            worker: None,
        });
        self.next_id
    }
}

fn start(key: Key, id: u64) {
    drop(thread::spawn("kworker", move || work(key, id)));
}

/// One piece of work from its turn to its end.
fn work(key: Key, id: u64) {
    let mut is_there = true;
    CHANGED.wait_until(|| {
        let mut queue = QUEUE.lock();
        let Some(own) = queue.running.iter().position(|run| run.id == id) else {
            is_there = false;
            return true;
        };
        // Not twice at the same time.
        let is_first = queue.running[..own].iter().all(|run| run.key != key);
        queue.running[own].is_begun = is_first;
        is_first
    });
    if !is_there {
        return;
    }
    let worker = thread::spawn("kworker", move || {
        let own = Some(thread::current().id());
        let mut queue = QUEUE.lock();
        if let Some(run) = queue.running.iter_mut().find(|run| run.id == id) {
            run.worker = own;
        }
        drop(queue);
        key.call();
    });
    // It returns: a fault in it would have been the kernel's.
    let _ = worker.join();
    let mut queue = QUEUE.lock();
    queue.running.retain(|run| run.id != id);
    queue.tidy();
    drop(queue);
    CHANGED.wake_all();
}

/// The numbers of the threads that do a module's work just now. A module that goes waits for its own.
pub(in crate::module) fn workers() -> Vec<u32> {
    let queue = QUEUE.lock();
    queue.running.iter().filter_map(|run| run.worker).collect()
}

/// Starts what becomes due, as long as something waits for that.
fn timer() {
    /// Ticks of the timebase between two looks, at most: what was cancelled is noticed then.
    const PATIENCE: u64 = TICKS_PER_SECOND / 100;
    loop {
        let now = timebase();
        let mut due = Vec::new();
        let next = {
            let mut queue = QUEUE.lock();
            while let Some(index) = queue.waiting.iter().position(|(at, _)| *at <= now) {
                let (_, key) = queue.waiting.remove(index);
                due.push((key, queue.enter(key)));
            }
            let next = queue.waiting.iter().map(|(at, _)| *at).min();
            queue.has_timer = next.is_some();
            queue.tidy();
            next
        };
        due.into_iter().for_each(|(key, id)| start(key, id));
        match next {
            Some(next) => thread::sleep((next - now).min(PATIENCE)),
            None => return,
        }
    }
}

fn schedule(work: *const CWork, jiffies: u64) -> bool {
    let key = Key::of(work);
    let mut queue = QUEUE.lock();
    if queue.is_waiting(key) || queue.cancelled.contains(&key) {
        return false;
    }
    if jiffies == 0 {
        let id = queue.enter(key);
        drop(queue);
        start(key, id);
        return true;
    }
    let at = timebase().saturating_add(jiffies.saturating_mul(JIFFY));
    queue.waiting.push((at, key));
    let has_timer = core::mem::replace(&mut queue.has_timer, true);
    drop(queue);
    if !has_timer {
        drop(thread::spawn("kworker", timer));
    }
    true
}

/// Waits until it is neither due nor being done; whether it was either.
fn flush(key: Key) -> bool {
    let mut was_busy = false;
    CHANGED.wait_until(|| {
        let queue = QUEUE.lock();
        let is_busy = queue.is_waiting(key) || queue.is_running(key);
        was_busy |= is_busy;
        !is_busy
    });
    was_busy
}

#[unsafe(no_mangle)]
extern "C" fn schedule_work(work: *const CWork) -> bool {
    schedule(work, 0)
}

#[unsafe(no_mangle)]
extern "C" fn schedule_delayed_work(work: *const CWork, jiffies: u64) -> bool {
    schedule(work, jiffies)
}

/// Changes when it is due.
#[unsafe(no_mangle)]
extern "C" fn mod_delayed_work_system(work: *const CWork, jiffies: u64) -> bool {
    let was_waiting = cancel_delayed_work(work);
    schedule(work, jiffies);
    was_waiting
}

#[unsafe(no_mangle)]
extern "C" fn flush_work(work: *const CWork) -> bool {
    flush(Key::of(work))
}

#[unsafe(no_mangle)]
extern "C" fn flush_delayed_work(work: *const CWork) -> bool {
    if cancel_delayed_work(work) {
        schedule(work, 0);
    }
    flush(Key::of(work))
}

#[unsafe(no_mangle)]
extern "C" fn cancel_delayed_work(work: *const CWork) -> bool {
    let was_waiting = QUEUE.lock().take_back(Key::of(work));
    CHANGED.wake_all();
    was_waiting
}

#[unsafe(no_mangle)]
extern "C" fn cancel_work_sync(work: *const CWork) -> bool {
    let key = Key::of(work);
    let was_waiting = {
        let mut queue = QUEUE.lock();
        // Whoever runs may schedule itself again until it ends.
        queue.cancelled.push(key);
        queue.take_back(key)
    };
    CHANGED.wake_all();
    flush(key);
    let mut queue = QUEUE.lock();
    if let Some(index) = queue.cancelled.iter().position(|other| *other == key) {
        queue.cancelled.swap_remove(index);
    }
    queue.tidy();
    was_waiting
}

#[unsafe(no_mangle)]
extern "C" fn cancel_delayed_work_sync(work: *const CWork) -> bool {
    cancel_work_sync(work)
}

#[unsafe(no_mangle)]
extern "C" fn work_pending(work: *const CWork) -> bool {
    QUEUE.lock().is_waiting(Key::of(work))
}

//! What nobody reaches any more, but a thread may still be going through: hooks, lists of ops, winners of a patch.
//!
//! All other CPUs are stopped for the look. A thread that is in a stub, a trampoline or an ops was interrupted there then, so
//! everything that it has in its registers is in an exception frame on its stack. Nothing is freed while a live stack word points into it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use arch::interrupts;
use kernel_core::ranges::Ranges;

use crate::cpu::{self, stop_the_world};
use crate::sync::{IrqLock, Rank};
use crate::thread::{self, Thread};

/// Something that threads reach by address, in a register, without a count.
pub trait Retire: Send {
    /// Tells the addresses of which a thread has one while it still needs the thing.
    fn tell(&self, ranges: &mut Ranges);
}

impl<T: Retire> Retire for Vec<T> {
    fn tell(&self, ranges: &mut Ranges) {
        self.iter().for_each(|thing| thing.tell(ranges));
    }
}

/// What waits.
struct Waiting {
    things: Vec<Box<dyn Retire>>,
    /// How much: each of what has come since the last look, and one for each thing that it has left.
    many: usize,
}

static RETIRED: IrqLock<Waiting> = IrqLock::new(
    Rank::Retired,
    Waiting {
        things: Vec::new(),
        many: 0,
    },
);

/// How many may wait before the stacks are looked at.
const PATIENCE: usize = 64;

/// Frees `thing` when no thread can come back to it.
pub fn retire(thing: impl Retire + 'static) {
    retire_many(thing, 1);
}

/// Frees these when no thread can come back to any of them.
pub fn retire_all<T: Retire + 'static>(things: Vec<T>) {
    let many = things.len();
    retire_many(things, many);
}

/// Frees a thing that is `many` things.
pub(super) fn retire_many(thing: impl Retire + 'static, many: usize) {
    if many == 0 {
        return;
    }
    let thing = Box::new(thing);
    let mut waiting = RETIRED.lock();
    waiting.things.push(thing);
    waiting.many += many;
    let is_enough = waiting.many >= PATIENCE;
    drop(waiting);
    if is_enough {
        reap();
    }
}

/// Frees what no thread can come back to; answers how much still waits.
pub fn reap() -> usize {
    // Called from an ops: the running thread itself is inside a trampoline, and its own stack is not looked at.
    if thread::current_head().trace_depth.load(Ordering::Relaxed) != 0 || !can_look() {
        return RETIRED.lock().things.len();
    }
    // Nobody looks at what waits while it is not there.
    let (in_use, free) = stop_the_world(|world| {
        let threads = thread::others_in_trampolines(world);
        let returns = thread::may_return_to_a_stub();
        let things = core::mem::take(&mut RETIRED.lock().things);
        let (in_use, free): (Vec<_>, Vec<_>) = things.into_iter().partition(|thing| {
            // Mostly nobody is anywhere.
            (returns || !threads.is_empty()) && {
                let mut ranges = Ranges::default();
                thing.tell(&mut ranges);
                let ranges = ranges.as_slice();
                thread::in_trampoline_with(world, &threads, ranges).is_some() || thread::may_return_to(ranges)
            }
        });
        let count = in_use.len();
        let mut waiting = RETIRED.lock();
        waiting.many = count;
        waiting.things.extend(in_use);
        (count, free)
    });
    drop(free);
    in_use
}

/// The names of the threads that may come back to something that waits.
pub fn keepers() -> Vec<String> {
    stop_the_world(|world| {
        let threads = thread::others();
        let waiting = RETIRED.lock();
        let keeps = |thread: &&Arc<Thread>| {
            let thread = core::slice::from_ref(*thread);
            waiting.things.iter().any(|thing| {
                let mut ranges = Ranges::default();
                thing.tell(&mut ranges);
                thread::in_trampoline_with(world, thread, ranges.as_slice()).is_some()
            })
        };
        let names = threads
            .iter()
            .filter(keeps)
            .map(|thread| String::from(thread.name()));
        names.collect()
    })
}

/// Whether the other CPUs can be stopped just now.
fn can_look() -> bool {
    interrupts::enabled() || cpu::count() == 1
}

//! What nobody reaches any more, but a thread may still be going through: hooks, lists of ops, winners of a patch.
//!
//! All other CPUs are stopped for the look. A thread that is in a stub, a trampoline or an ops was interrupted there then, so
//! everything that it has in its registers is in an exception frame on its stack. Nothing is freed while a live stack word points into it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::interrupts;

use crate::cpu::{self, stop_the_world};
use crate::sync::{IrqLock, Rank};
use crate::thread::{self, Thread};

/// Something that threads reach by address, in a register, without a count.
pub trait Retire: Send {
    /// The addresses of which a thread has one while it still needs the thing.
    fn ranges(&self) -> Vec<Range<u64>>;
}

static RETIRED: IrqLock<Vec<Box<dyn Retire>>> = IrqLock::new(Rank::Retired, Vec::new());

/// How many may wait before the stacks are looked at.
const PATIENCE: usize = 64;

/// Frees `thing` when no thread can come back to it.
pub fn retire(thing: impl Retire + 'static) {
    retire_all([thing]);
}

/// Frees these when no thread can come back to them, with one look at the stacks for all.
pub(super) fn retire_all<T: Retire + 'static>(things: impl IntoIterator<Item = T>) {
    let boxed = |thing| -> Box<dyn Retire> { Box::new(thing) };
    let things: Vec<_> = things.into_iter().map(boxed).collect();
    let mut waiting = RETIRED.lock();
    waiting.extend(things);
    let many = waiting.len() >= PATIENCE;
    drop(waiting);
    if many {
        reap();
    }
}

/// Frees what no thread can come back to; answers how much still waits.
pub fn reap() -> usize {
    // Called from an ops: the running thread itself is inside a trampoline, and its own stack is not looked at.
    if thread::current_head().trace_depth.load(Ordering::Relaxed) != 0 || !can_look() {
        return RETIRED.lock().len();
    }
    // Nobody looks at what waits while it is not there.
    let (in_use, free) = stop_the_world(|world| {
        let threads = thread::others_in_trampolines(world);
        let waiting = core::mem::take(&mut *RETIRED.lock());
        let (in_use, free): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|thing| {
            let ranges = thing.ranges();
            thread::in_trampoline_with(world, &threads, &ranges).is_some() || thread::may_return_to(&ranges)
        });
        let count = in_use.len();
        RETIRED.lock().extend(in_use);
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
            waiting
                .iter()
                .any(|thing| thread::in_trampoline_with(world, thread, &thing.ranges()).is_some())
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

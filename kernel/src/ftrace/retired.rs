//! What nobody reaches any more, but a thread may still be going through: hooks, lists of ops, winners of a patch.
//!
//! A thread that is in a stub, a trampoline or an ops and does not run was interrupted there, so everything that it has in
//! its registers is in an exception frame on its stack. Nothing is freed while a live stack word points into it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering;

use crate::sync::IrqLock;
use crate::thread;

/// Something that threads reach by address, in a register, without a count.
pub trait Retire: Send {
    /// The addresses of which a thread has one while it still needs the thing.
    fn ranges(&self) -> Vec<Range<u64>>;
}

static RETIRED: IrqLock<Vec<Box<dyn Retire>>> = IrqLock::new(Vec::new());

/// How many may wait before the stacks are looked at.
const PATIENCE: usize = 64;

/// Frees `thing` when no thread can come back to it.
pub fn retire(thing: impl Retire + 'static) {
    let mut waiting = RETIRED.lock();
    waiting.push(Box::new(thing));
    let many = waiting.len() >= PATIENCE;
    drop(waiting);
    if many {
        reap();
    }
}

/// Frees what no thread can come back to; answers how much still waits.
pub fn reap() -> usize {
    // Called from an ops: the running thread itself is inside a trampoline, and its own stack is not looked at.
    if thread::current_head().trace_depth.load(Ordering::Relaxed) != 0 {
        return RETIRED.lock().len();
    }
    let waiting = core::mem::take(&mut *RETIRED.lock());
    let is_in_use = |thing: &dyn Retire| thread::find_in_trampoline_with(&thing.ranges()).is_some();
    let (in_use, free): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|thing| is_in_use(&**thing));
    drop(free);
    let mut waiting = RETIRED.lock();
    waiting.extend(in_use);
    waiting.len()
}

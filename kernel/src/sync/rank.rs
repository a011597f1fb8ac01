//! The order in which locks are taken, and the check that they are.
//!
//! Two threads that take two locks in different orders wait for each other some day, and on most days they do not. With one
//! order for all, and the first offence a panic, that day is the first one.

use core::sync::atomic::Ordering;

use crate::thread;

/// A lock's place in the order: whoever holds one takes only later ones, and none of the same rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    // Those that sleep.
    /// The patches, and the transition that is going on.
    LivePatches,
    /// What is traced.
    Tracing,
    /// All hooks.
    Hooks,
    // Those that spin, with interrupts off.
    /// The right to stop the other CPUs.
    World,
    /// What a case collects.
    Case,
    /// What waits until no thread comes back to it.
    Retired,
    /// What is to be done later.
    WorkQueue,
    /// What patches have attached to objects.
    Shadows,
    /// The states that patches have said they change.
    PatchStates,
    /// The console. Who prints names symbols, and those of modules have a lock.
    Console,
    /// What a debugger's command has said.
    Debugger,
    /// The modules.
    Modules,
    /// What holds one module.
    ModuleHolds,
    /// Who holds one module.
    ModuleUsers,
    /// What one parameter of a module was given.
    ModuleParameters,
    /// The slots for stubs.
    Stubs,
    /// Every thread.
    Threads,
    /// Who waits for something.
    WaitQueue,
    /// What one thread leaves for another: its function, its outcome, its value.
    ThreadValue,
    /// The threads of one CPU.
    RunQueue,
    /// The room for stacks.
    StackArea,
    /// The room for modules.
    ModuleArea,
    /// The page tables.
    AddressSpace,
    /// The heap: anybody may allocate.
    Heap,
    /// The last messages of the log.
    Log,
    /// What has happened last in a stress.
    Events,
}

impl Rank {
    /// The bit that says in a thread's head that it holds a lock of this rank.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// Whether a lock of this rank may be taken by who holds those in `held`.
    fn may_follow(self, held: u32) -> bool {
        held < self.bit()
    }
}

const _: () = assert!((Rank::Events as u8) < u32::BITS as u8);

/// The ranks that the running thread holds, a bit for each.
pub(crate) fn held_by_current() -> u32 {
    thread::current_head().locks_held.load(Ordering::Relaxed)
}

/// Whether the running thread may take a lock of this rank.
pub(super) fn may_take(rank: Rank) -> bool {
    rank.may_follow(held_by_current())
}

/// Notes that the running thread is about to have a lock.
///
/// # Panics
/// If the order forbids it.
#[inline]
#[track_caller]
pub(super) fn hold(rank: Rank) {
    assert!(
        may_take(rank),
        "lock {rank:?} is taken after one that comes later, ranks held {:#x}",
        held_by_current()
    );
    set(held_by_current() | rank.bit());
}

/// Notes that the running thread has a lock no longer.
#[inline]
pub(super) fn let_go(rank: Rank) {
    set(held_by_current() & !rank.bit());
}

/// Only the running thread writes this word, and who interrupts it puts back what it found: no atomic exchange is needed.
fn set(held: u32) {
    thread::current_head().locks_held.store(held, Ordering::Relaxed);
}

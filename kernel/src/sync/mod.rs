//! Locks: one that spins with interrupts off, one that sleeps, and the order in which they may be taken.

mod irq_lock;
mod mutex;
mod rank;
mod tests;

pub use irq_lock::{IrqLock, IrqLockGuard};
pub use mutex::{Mutex, MutexGuard};
pub use rank::Rank;
pub(crate) use rank::held_by_current;

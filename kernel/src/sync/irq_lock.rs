//! A spin lock that no interrupt handler can dead-lock on.

use core::fmt;
use core::ops::{Deref, DerefMut};

use arch::{hcall, interrupts};
use spin::relax::RelaxStrategy;

use super::rank::{self, Rank};
use crate::cpu;

/// Gives the processor's other threads, or the emulator's other CPUs, a chance while this one waits.
#[derive(Debug)]
struct Yield;

impl RelaxStrategy for Yield {
    fn relax() {
        cpu::relax();
    }
}

/// A value that one holder at a time may use, with interrupts off for as long as it is held.
///
/// Whoever is interrupted holds no such lock, so a handler may take any of them, the heap's included.
pub struct IrqLock<T: ?Sized> {
    rank: Rank,
    lock: spin::mutex::SpinMutex<T, Yield>,
}

impl<T> IrqLock<T> {
    /// A lock around `value`, free.
    pub const fn new(rank: Rank, value: T) -> Self {
        IrqLock {
            rank,
            lock: spin::mutex::SpinMutex::new(value),
        }
    }
}

impl<T: ?Sized> IrqLock<T> {
    /// Waits for the lock with interrupts off, which they stay until the guard goes.
    ///
    /// # Panics
    /// If the running thread holds a lock that comes later in the order.
    #[track_caller]
    pub fn lock(&self) -> IrqLockGuard<'_, T> {
        let interrupts = Interrupts(interrupts::disable());
        rank::hold(self.rank);
        let held = Held(self.rank);
        IrqLockGuard {
            guard: self.lock.lock(),
            _held: held,
            _interrupts: interrupts,
        }
    }

    /// Takes the lock if it is free and the running thread may take it.
    pub fn try_lock(&self) -> Option<IrqLockGuard<'_, T>> {
        let interrupts = Interrupts(interrupts::disable());
        if !rank::may_take(self.rank) {
            return None;
        }
        let guard = self.lock.try_lock()?;
        rank::hold(self.rank);
        Some(IrqLockGuard {
            guard,
            _held: Held(self.rank),
            _interrupts: interrupts,
        })
    }
}

impl<T: ?Sized> IrqLock<T> {
    /// Takes the lock if it comes free within a while. For the report of a fault: who holds it may be what has faulted.
    pub(crate) fn lock_in_fault(&self) -> Option<IrqLockGuard<'_, T>> {
        const PATIENCE: usize = 100_000;
        (0..PATIENCE).find_map(|_| {
            hcall::spin_hint();
            self.try_lock()
        })
    }

    /// What the lock protects, if nobody has it. For a debugger, who has stopped all others: it keeps no order, since it does
    /// not wait.
    pub(crate) fn peek(&self) -> Option<impl Deref<Target = T> + '_> {
        self.lock.try_lock()
    }

    /// Frees a lock whose guard was kept; interrupts stay off.
    ///
    /// # Safety
    /// This CPU has kept the guard, and uses nothing that it borrowed from it any more.
    #[allow(unsafe_code, reason = "the guard is gone")]
    pub(crate) unsafe fn give_back(&self) {
        // SAFETY: as the caller says.
        unsafe { self.lock.force_unlock() };
        rank::let_go(self.rank);
    }
}

impl<T: ?Sized> IrqLockGuard<'_, T> {
    /// Keeps the lock, and interrupts off, beyond the guard's life, until [`IrqLock::give_back`].
    pub(crate) fn keep(self) {
        core::mem::forget(self);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for IrqLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IrqLock")
            .field(&self.rank)
            .field(&&self.lock)
            .finish()
    }
}

/// Puts back what MSR\[EE\] was.
struct Interrupts(bool);

impl Drop for Interrupts {
    fn drop(&mut self) {
        if self.0 {
            interrupts::enable();
        }
    }
}

/// Counts the lock out.
struct Held(Rank);

impl Drop for Held {
    fn drop(&mut self) {
        rank::let_go(self.0);
    }
}

/// The right to use what an [`IrqLock`] protects. Fields go in order: first the lock, then its rank, then the interrupts.
pub struct IrqLockGuard<'a, T: ?Sized> {
    guard: spin::mutex::SpinMutexGuard<'a, T, Yield>,
    _held: Held,
    _interrupts: Interrupts,
}

impl<T: ?Sized> Deref for IrqLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for IrqLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

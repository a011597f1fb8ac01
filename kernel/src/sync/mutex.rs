//! A lock whose holder may be interrupted, may sleep and may wait for other CPUs.

use core::ops::{Deref, DerefMut};

use spin::mutex::{SpinMutex, SpinMutexGuard};

use super::rank::{self, Rank};
use crate::thread::WaitQueue;

/// A value that one thread at a time may use. Who waits for it sleeps.
pub struct Mutex<T: ?Sized> {
    rank: Rank,
    waiting: WaitQueue,
    lock: SpinMutex<T>,
}

impl<T> Mutex<T> {
    /// A lock around `value`, free.
    pub const fn new(rank: Rank, value: T) -> Self {
        Mutex {
            rank,
            waiting: WaitQueue::new(),
            lock: SpinMutex::new(value),
        }
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock. For threads, not for interrupt handlers: the thread that is interrupted may hold it.
    ///
    /// # Panics
    /// If the running thread holds a lock that comes later in the order, which all do that spin.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        rank::hold(self.rank);
        let mut guard = self.lock.try_lock();
        if guard.is_none() {
            self.waiting.wait_until(|| {
                guard = self.lock.try_lock();
                guard.is_some()
            });
        }
        MutexGuard {
            // The wait has ended with the lock.
            guard: guard.unwrap_or_else(|| self.lock.lock()),
            _release: Release {
                rank: self.rank,
                waiting: &self.waiting,
            },
        }
    }
}

/// What is left to do when the value is free again.
struct Release<'a> {
    rank: Rank,
    waiting: &'a WaitQueue,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        rank::let_go(self.rank);
        self.waiting.wake_all();
    }
}

/// The right to use what a [`Mutex`] protects. Fields go in order: first the value, then whoever waits for it.
pub struct MutexGuard<'a, T: ?Sized> {
    guard: SpinMutexGuard<'a, T>,
    _release: Release<'a>,
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

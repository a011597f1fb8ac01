//! The kernel's lock: a spin lock that no interrupt handler can dead-lock on.

use core::ops::{Deref, DerefMut};
use core::sync::atomic::Ordering;

use arch::{hcall, interrupts};

use crate::thread;

/// A value that one holder at a time may use, with interrupts off for as long as it is held.
///
/// Whoever is interrupted holds no such lock, so a handler may take any of them, the heap's included.
#[derive(Debug, Default)]
pub struct IrqLock<T: ?Sized>(spin::Mutex<T>);

impl<T> IrqLock<T> {
    /// A lock around `value`, free.
    pub const fn new(value: T) -> Self {
        IrqLock(spin::Mutex::new(value))
    }
}

impl<T: ?Sized> IrqLock<T> {
    /// Waits for the lock with interrupts off, which they stay until the guard goes.
    pub fn lock(&self) -> IrqLockGuard<'_, T> {
        let interrupts = Interrupts(interrupts::disable());
        thread::current_head().locks_held.fetch_add(1, Ordering::Relaxed);
        IrqLockGuard {
            guard: self.0.lock(),
            _interrupts: interrupts,
        }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<IrqLockGuard<'_, T>> {
        let interrupts = Interrupts(interrupts::disable());
        thread::current_head().locks_held.fetch_add(1, Ordering::Relaxed);
        Some(IrqLockGuard {
            guard: self.0.try_lock()?,
            _interrupts: interrupts,
        })
    }

    /// Takes the lock if it comes free within a while. For the report of a fault: who holds it may be what has faulted.
    pub(crate) fn lock_in_fault(&self) -> Option<IrqLockGuard<'_, T>> {
        const PATIENCE: usize = 100_000;
        (0..PATIENCE).find_map(|_| {
            hcall::spin_hint();
            self.try_lock()
        })
    }
}

/// Puts back what MSR\[EE\] was, and counts the lock out.
struct Interrupts(bool);

impl Drop for Interrupts {
    fn drop(&mut self) {
        thread::current_head().locks_held.fetch_sub(1, Ordering::Relaxed);
        if self.0 {
            interrupts::enable();
        }
    }
}

/// The right to use what an [`IrqLock`] protects. Fields go in order: first the lock, then the interrupts.
pub struct IrqLockGuard<'a, T: ?Sized> {
    guard: spin::MutexGuard<'a, T>,
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

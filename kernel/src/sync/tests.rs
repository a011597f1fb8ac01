//! Cases for locks: they exclude, on every CPU, and the order is kept.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;

use super::{IrqLock, Mutex, Rank, held_by_current};
use crate::thread::{sleep, spawn, yield_now};
use crate::{ensure, ensure_eq, ktest};

/// Threads that want the same lock.
const THREADS: usize = 8;
/// How often each takes it.
const TURNS: u64 = 500;

ktest! {
    fn a_spinning_lock_excludes_threads_of_all_cpus() {
        let count = Arc::new(IrqLock::new(Rank::Case, Cell::new(0)));
        let adders: Vec<_> = (0..THREADS).map(|_| {
            let count = count.clone();
            spawn("adder", move || for _ in 0..TURNS {
                let cell = count.lock();
                // In two steps, which others must not come between.
                let value = cell.get();
                core::hint::black_box(());
                cell.set(value + 1);
            })
        }).collect();
        for adder in adders {
            adder.join().map_err(|outcome| alloc::format!("{outcome}"))?;
        }
        ensure_eq!(count.lock().get(), THREADS as u64 * TURNS, "what the threads counted together");
        Ok(())
    }

    fn a_sleeping_lock_excludes_while_its_holder_sleeps() {
        let count = Arc::new(Mutex::new(Rank::LivePatches, Cell::new(0)));
        let adders: Vec<_> = (0..THREADS).map(|_| {
            let count = count.clone();
            spawn("adder", move || for turn in 0..TURNS / 2 {
                let cell = count.lock();
                let value = cell.get();
                if turn % 10 == 0 { sleep(1000) } else { yield_now() }
                cell.set(value + 1);
            })
        }).collect();
        for adder in adders {
            adder.join().map_err(|outcome| alloc::format!("{outcome}"))?;
        }
        ensure_eq!(count.lock().get(), THREADS as u64 * (TURNS / 2), "what the threads counted together");
        Ok(())
    }

    fn a_lock_is_not_taken_after_a_later_one() {
        let (first, second) = (IrqLock::new(Rank::Modules, ()), IrqLock::new(Rank::Threads, ()));
        let twin = IrqLock::new(Rank::Threads, ());
        let held = second.lock();
        ensure!(first.try_lock().is_none(), "an earlier lock was taken after a later one");
        ensure!(twin.try_lock().is_none(), "a lock was taken after one of the same rank");
        drop(held);
        let held = first.lock();
        ensure!(second.try_lock().is_some(), "a later lock was refused after an earlier one");
        drop(held);
        ensure_eq!(held_by_current(), 0, "ranks held when all locks are free");
        Ok(())
    }
}

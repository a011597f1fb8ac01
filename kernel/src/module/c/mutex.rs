//! `linux/mutex.h`: one at a time, and the others sleep.
#![allow(unsafe_code, reason = "C calls these by their names")]

use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::thread::{self, CurrentName, WaitQueue};

/// `struct mutex`.
#[repr(C)]
struct CMutex {
    /// Address of the head of the thread that has it; 0: nobody.
    owner: AtomicU64,
}

/// All who wait for any mutex: each asks for its own.
static WAITING: WaitQueue = WaitQueue::new();

fn me() -> u64 {
    core::ptr::from_ref(thread::current_head()) as u64
}

impl CMutex {
    fn take(&self) -> bool {
        self.owner
            .compare_exchange(0, me(), Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
}

#[unsafe(no_mangle)]
extern "C" fn mutex_lock(mutex: &CMutex) {
    assert!(
        mutex.owner.load(Ordering::Relaxed) != me(),
        "thread '{CurrentName}' waits for a mutex that it has"
    );
    WAITING.wait_until(|| mutex.take());
}

#[unsafe(no_mangle)]
extern "C" fn mutex_trylock(mutex: &CMutex) -> c_int {
    c_int::from(mutex.take())
}

#[unsafe(no_mangle)]
extern "C" fn mutex_unlock(mutex: &CMutex) {
    let owner = mutex.owner.swap(0, Ordering::Release);
    assert!(
        owner == me(),
        "thread '{CurrentName}' gives a mutex back that it does not have"
    );
    WAITING.wake_all();
}

#[unsafe(no_mangle)]
extern "C" fn mutex_is_locked(mutex: &CMutex) -> bool {
    mutex.owner.load(Ordering::Relaxed) != 0
}

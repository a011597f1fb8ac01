//! Slots for hook stubs, in the area next to the image.

use alloc::vec::Vec;

use arch::ftrace::STUB_SIZE;
use arch::image;

use crate::sync::IrqLock;

/// Slots that were given back, and how many were ever given out.
struct Slots {
    free: Vec<u64>,
    used: u64,
}

static SLOTS: IrqLock<Slots> = IrqLock::new(Slots {
    free: Vec::new(),
    used: 0,
});

/// A slot of `STUB_SIZE` bytes; `None` when all are in use.
pub(super) fn allocate() -> Option<u64> {
    let mut slots = SLOTS.lock();
    slots.free.pop().or_else(|| {
        let stub = image::stub_area().start + slots.used * STUB_SIZE;
        (stub + STUB_SIZE <= image::stub_area().end).then(|| {
            slots.used += 1;
            stub
        })
    })
}

/// Gives a slot back that nobody executes any more.
pub(super) fn free(stub: u64) {
    SLOTS.lock().free.push(stub);
}

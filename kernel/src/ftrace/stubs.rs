//! Slots for hook stubs, in the area next to the image. Its pages are mapped as they get into use, for good.

use alloc::vec::Vec;

use arch::ftrace::STUB_SIZE;
use arch::image;

use crate::memory::{self, PAGE_SIZE, Rights};
use crate::sync::{IrqLock, Rank};

/// Slots that were given back, and how many were ever given out.
struct Slots {
    free: Vec<u64>,
    used: u64,
}

static SLOTS: IrqLock<Slots> = IrqLock::new(
    Rank::Stubs,
    Slots {
        free: Vec::new(),
        used: 0,
    },
);

/// A slot of `STUB_SIZE` bytes; `None` when all are in use.
pub(super) fn allocate() -> Option<u64> {
    let mut slots = SLOTS.lock();
    slots.free.pop().or_else(|| {
        let area = image::stub_area();
        let mapped = mapped_end(slots.used);
        let stub = area.start + slots.used * STUB_SIZE;
        (stub + STUB_SIZE <= area.end).then(|| {
            slots.used += 1;
            let new_pages = mapped..mapped_end(slots.used);
            if !new_pages.is_empty() {
                memory::allow(&new_pages, Rights::ReadExecute);
            }
            stub
        })
    })
}

/// The end of the pages in which the first `slots` slots are.
fn mapped_end(slots: u64) -> u64 {
    (image::stub_area().start + slots * STUB_SIZE).next_multiple_of(PAGE_SIZE)
}

/// Gives a slot back that nobody executes any more.
pub(super) fn free(stub: u64) {
    SLOTS.lock().free.push(stub);
}

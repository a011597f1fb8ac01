//! Slots for what is written to the area next to the image: hooks' stubs, originals, choices, the stubs of a return design. Its
//! pages are mapped as they get into use, for good.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::ftrace::STUB_SIZE;
use arch::image;

use super::Retire;
use crate::memory::{self, PAGE_SIZE, Rights};
use crate::sync::{IrqLock, Rank};

/// Slots that were given back.
static FREE: IrqLock<Vec<u64>> = IrqLock::new(Rank::Stubs, Vec::new());
/// How many slots were ever given out. It changes while [`FREE`] is held, when their pages are mapped.
static USED: AtomicU64 = AtomicU64::new(0);

/// A slot of `STUB_SIZE` bytes. It is given back when this is dropped, which must not be before nobody executes it any more.
#[derive(Debug)]
pub struct Slot(u64);

impl Slot {
    /// A free one; `None` when all are in use.
    pub fn take() -> Option<Slot> {
        let mut free = FREE.lock();
        let address = free.pop().or_else(|| {
            let used = USED.load(Ordering::Relaxed);
            let stub = image::stub_area().start + used * STUB_SIZE;
            (stub + STUB_SIZE <= image::stub_area().end).then(|| {
                let new_pages = mapped_end(used)..mapped_end(used + 1);
                if !new_pages.is_empty() {
                    memory::allow(&new_pages, Rights::ReadExecute);
                }
                USED.store(used + 1, Ordering::Release);
                stub
            })
        });
        address.map(Slot)
    }

    /// Where it begins.
    pub fn address(&self) -> u64 {
        self.0
    }

    /// All of it.
    pub fn range(&self) -> Range<u64> {
        self.0..self.0 + STUB_SIZE
    }
}

impl Retire for Slot {
    /// A thread in it has its next instruction there, and who returns to it has that as a return address.
    fn ranges(&self) -> Vec<Range<u64>> {
        vec![self.range()]
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        FREE.lock().push(self.0);
    }
}

/// The end of the pages in which the first `slots` slots are.
fn mapped_end(slots: u64) -> u64 {
    (image::stub_area().start + slots * STUB_SIZE).next_multiple_of(PAGE_SIZE)
}

/// Where the slot begins that an address is in, if it is or was in use: it can be read.
pub fn slot_at(address: u64) -> Option<u64> {
    let area = image::stub_area();
    let offset = address.checked_sub(area.start).filter(|_| address < area.end)?;
    let slot = offset / STUB_SIZE;
    (slot < USED.load(Ordering::Acquire)).then(|| area.start + slot * STUB_SIZE)
}

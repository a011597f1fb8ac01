//! Stacks, and other memory that is filled from one end: each begins behind pages that are not mapped, and what follows it
//! begins with some.
#![allow(unsafe_code, reason = "clears memory that it has just got")]

use core::ops::Range;
use core::ptr;

use arch::thread::GUARD_SIZE;
use kernel_core::area::Area;
use kernel_core::radix::{PAGE_SIZE, Rights};
use spin::Once;

use super::plan::plan;
use super::protection::{allow, forbid};
use crate::sync::{IrqLock, Rank};

/// Pieces for whose list there is room from the start: a suite's heap use shall not grow when a thread is more.
const ROOM: usize = 64;
/// Bytes below each part.
const GUARD: u64 = GUARD_SIZE as u64;
/// The most parts of one piece.
const PARTS: usize = 2;

fn area() -> &'static IrqLock<Area> {
    static AREA: Once<IrqLock<Area>> = Once::new();
    AREA.call_once(|| IrqLock::new(Rank::StackArea, Area::with_room(plan().stacks.clone(), ROOM)))
}

/// Bytes that are in use, the guard pages included.
pub fn stacks_in_use() -> u64 {
    area().lock().used_bytes()
}

/// Parts of memory, each with guard pages below it. They go back when this is dropped.
#[derive(Debug)]
pub struct Guarded {
    start: u64,
    parts: heapless::Vec<Range<u64>, PARTS>,
}

impl Guarded {
    /// Parts of these sizes, in bytes, each a number of pages; full of zeros.
    ///
    /// # Panics
    /// There is no memory left for stacks.
    pub fn new(sizes: &[u64]) -> Guarded {
        let whole: u64 = sizes.iter().map(|size| GUARD + size).sum();
        let taken = area().lock().take(whole, PAGE_SIZE);
        let start = taken.unwrap_or_else(|error| panic!("a stack: {error}"));
        let mut next = start;
        let parts = sizes.iter().map(|size| {
            let part = next + GUARD..next + GUARD + size;
            next = part.end;
            part
        });
        let parts: heapless::Vec<_, PARTS> = parts.collect();
        for part in &parts {
            allow(part, Rights::ReadWrite);
            // SAFETY: the area gave it to nobody else, and it is mapped.
            unsafe { ptr::write_bytes(part.start as *mut u8, 0, (part.end - part.start) as usize) };
        }
        Guarded { start, parts }
    }

    /// Whether an address is in one of the parts.
    pub(crate) fn contains(&self, address: u64) -> bool {
        self.parts.iter().any(|part| part.contains(&address))
    }

    /// The addresses of a part; empty when there is none of this number.
    pub fn part(&self, number: usize) -> Range<u64> {
        self.parts.get(number).cloned().unwrap_or_default()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.parts.iter().for_each(forbid);
        // It was taken, once, so it can be given back.
        let _ = area().lock().give_back(self.start);
    }
}

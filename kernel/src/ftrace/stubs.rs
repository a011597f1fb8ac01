//! Slots for what is written to the area next to the image: hooks' stubs, originals, choices, the stubs of a return design. Each
//! has a hook's head beside it, at the same place of an area for those. Their pages are mapped as they get into use, for good.

use core::num::NonZeroU64;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arch::ftrace::{HookHead, STUB_SIZE};
use arch::image;
use kernel_core::ranges::Ranges;

use super::Retire;
use crate::memory::{self, Rights};
use crate::sync::{IrqLock, Rank};

/// Bytes of a head.
const HEAD_SIZE: u64 = size_of::<HookHead>() as u64;
/// Slots whose pages are mapped together: 64 KiB of stubs, and 16 KiB of heads.
const TOGETHER: u64 = 512;
/// Slots that the linker script has room for, stubs and heads.
const SLOTS: usize = 1 << 15;

/// A bit for each slot: whether it is in use.
static IN_USE: [AtomicU64; SLOTS / 64] = [const { AtomicU64::new(0) }; SLOTS / 64];
/// The word of [`IN_USE`] to look into first, so that slots lie close to each other. Any would be right.
static FIRST: AtomicUsize = AtomicUsize::new(0);
/// How many slots have their pages. It changes while [`MAPPING`] is held.
static MAPPED: AtomicU64 = AtomicU64::new(0);
static MAPPING: IrqLock<()> = IrqLock::new(Rank::Stubs, ());

/// A slot of `STUB_SIZE` bytes. It is given back when this is dropped, which must not be before nobody executes it any more.
#[derive(Debug)]
pub struct Slot(NonZeroU64);

impl Slot {
    /// A free one; `None` when all are in use.
    #[inline]
    pub fn take() -> Option<Slot> {
        let first = FIRST.load(Ordering::Relaxed);
        let index = take_bit(first).or_else(|| take_behind(first))?;
        if index >= MAPPED.load(Ordering::Acquire) {
            map(index);
        }
        NonZeroU64::new(image::stub_area().start + index * STUB_SIZE).map(Slot)
    }

    /// Where it begins.
    pub fn address(&self) -> u64 {
        self.0.get()
    }

    /// All of it.
    pub fn range(&self) -> Range<u64> {
        self.address()..self.address() + STUB_SIZE
    }

    /// The head beside it, for who has the slot.
    #[allow(unsafe_code, reason = "makes a reference of an address")]
    pub(super) fn head(&self) -> &'static HookHead {
        // SAFETY: the area has a head for each slot, mapped as long as the kernel runs once the slot was in use. Whatever is in that
        // memory, the head's fields are atomic words.
        unsafe { &*((image::hook_heads().start + self.index() * HEAD_SIZE) as *const HookHead) }
    }

    /// The head's own address, which hooks' stubs have in their words.
    pub(super) fn head_range(&self) -> Range<u64> {
        let head = core::ptr::from_ref(self.head()) as u64;
        head..head + HEAD_SIZE
    }

    fn index(&self) -> u64 {
        (self.address() - image::stub_area().start) / STUB_SIZE
    }
}

impl Retire for Slot {
    /// A thread in it has its next instruction there, and who returns to it has that as a return address. One on its way from a hook's
    /// stub to the ops has the head in r11 or r31.
    fn tell(&self, ranges: &mut Ranges) {
        ranges.add(self.range());
        ranges.add(self.head_range());
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        let (word, bit) = (self.index() as usize / 64, self.index() % 64);
        if let Some(word) = IN_USE.get(word) {
            // The bit is set: this takes it away.
            word.fetch_sub(1 << bit, Ordering::Release);
        }
        if word < FIRST.load(Ordering::Relaxed) {
            FIRST.store(word, Ordering::Relaxed);
        }
    }
}

/// The number of a slot that was free until now, by its word of [`IN_USE`].
#[inline]
fn take_bit(word: usize) -> Option<u64> {
    let in_use = IN_USE.get(word)?;
    loop {
        let bits = in_use.load(Ordering::Relaxed);
        if bits == u64::MAX {
            return None;
        }
        let bit = bits.trailing_ones();
        if in_use.fetch_or(1 << bit, Ordering::Acquire) & 1 << bit == 0 {
            return Some(64 * word as u64 + u64::from(bit));
        }
    }
}

/// The same for the next word that has one, once round.
#[cold]
fn take_behind(first: usize) -> Option<u64> {
    let mut words = (first..IN_USE.len()).chain(0..first);
    let (index, word) = words.find_map(|word| Some((take_bit(word)?, word)))?;
    FIRST.store(word, Ordering::Relaxed);
    Some(index)
}

/// Maps the pages of slots up to this one.
#[cold]
fn map(index: u64) {
    let _lock = MAPPING.lock();
    let (old, new) = (
        MAPPED.load(Ordering::Relaxed),
        (index + 1).next_multiple_of(TOGETHER),
    );
    if old < new {
        let part = |area: Range<u64>, size| area.start + old * size..area.start + new * size;
        memory::allow(&part(image::stub_area(), STUB_SIZE), Rights::ReadExecute);
        memory::allow(&part(image::hook_heads(), HEAD_SIZE), Rights::ReadWrite);
        MAPPED.store(new, Ordering::Release);
    }
}

/// Where the slot begins that an address is in, if its page is mapped: it can be read.
pub fn slot_at(address: u64) -> Option<u64> {
    let area = image::stub_area();
    let offset = address.checked_sub(area.start).filter(|_| address < area.end)?;
    let slot = offset / STUB_SIZE;
    (slot < MAPPED.load(Ordering::Acquire)).then(|| area.start + slot * STUB_SIZE)
}

/// Slots that are in use.
pub fn slots_in_use() -> usize {
    let words = IN_USE
        .iter()
        .map(|word| word.load(Ordering::Relaxed).count_ones());
    words.sum::<u32>() as usize
}

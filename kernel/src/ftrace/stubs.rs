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
    pub fn take() -> Option<Slot> {
        Slots::default().next()
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
        give_back(self.index() as usize / 64, 1 << (self.index() % 64));
    }
}

/// Free slots at hand, for who wants many: the rest of a word of [`IN_USE`], of which nobody else gets one meanwhile. Who has none
/// at hand takes the next word's.
#[derive(Debug, Default)]
pub(super) struct Slots {
    word: usize,
    bits: u64,
}

impl Slots {
    /// One of them; `None` when all are in use.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<Slot> {
        if self.bits == 0 {
            self.refill()?;
        }
        let index = 64 * self.word as u64 + u64::from(self.bits.trailing_zeros());
        self.bits &= self.bits - 1;
        NonZeroU64::new(image::stub_area().start + index * STUB_SIZE).map(Slot)
    }

    /// Takes what is free of the first word that has something, once round.
    #[cold]
    fn refill(&mut self) -> Option<()> {
        let first = FIRST.load(Ordering::Relaxed);
        let words = (first..IN_USE.len()).chain(0..first);
        let free = |word: usize| !IN_USE[word].fetch_or(u64::MAX, Ordering::Acquire);
        (self.word, self.bits) = words
            .map(|word| (word, free(word)))
            .find(|(_, bits)| *bits != 0)?;
        FIRST.store(self.word, Ordering::Relaxed);
        map(64 * self.word as u64 + 63);
        Some(())
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        if self.bits != 0 {
            give_back(self.word, self.bits);
        }
    }
}

/// Slots of a word of [`IN_USE`], which are in use, are free.
#[inline]
fn give_back(word: usize, bits: u64) {
    if let Some(in_use) = IN_USE.get(word) {
        // The bits are set: this takes them away.
        in_use.fetch_sub(bits, Ordering::Release);
    }
    if word < FIRST.load(Ordering::Relaxed) {
        FIRST.store(word, Ordering::Relaxed);
    }
}

/// Maps the pages of slots up to this one, if they are not.
fn map(index: u64) {
    if index < MAPPED.load(Ordering::Acquire) {
        return;
    }
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

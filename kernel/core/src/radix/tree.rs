//! Trees of tables: changing what an address range means, and looking at all of it.

use core::ops::{ControlFlow, Range};

#[cfg(doc)]
use super::ROOT_ENTRY_COVERS;
use super::entry::{Entry, Leaf, Rights, table_entry};
use super::{END, LEVELS, Level, PAGE_SIZE, TABLE_SIZE};

/// The memory that tables are in, by real addresses.
pub trait TableMemory {
    /// The word of the entry `index` of the table at `table`.
    fn entry(&self, table: u64, index: u64) -> u64;
    /// The words of its first `count` entries.
    fn entries(&self, table: u64, count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |index| self.entry(table, index))
    }
    /// Changes it, by one store.
    fn set_entry(&mut self, table: u64, index: u64, word: u64);
    /// Room of `size` bytes, a power of two, for a table, aligned to its size and full of zeros; `None` when there is none.
    fn allocate(&mut self, size: u64) -> Option<u64>;
}

/// What shall become of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is mapped to real addresses from `real` on.
    Map {
        /// Where the range's first byte is.
        real: u64,
        /// What may be done with it.
        rights: Rights,
    },
    /// Nothing is there.
    Unmap,
}

/// Why a range could not be changed. What comes before the reason in it may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The range, or the real address, is no whole number of pages, or is more than a tree can translate.
    #[error("{start:#x} to {end:#x} at {real:#x} are no pages that can be mapped")]
    Senseless {
        /// First address.
        start: u64,
        /// First address behind.
        end: u64,
        /// Real address.
        real: u64,
    },
    /// The range begins or ends inside a larger page.
    #[error("{address:#x} is inside a page of {size:#x} bytes")]
    Inside {
        /// Address in that page.
        address: u64,
        /// Its size.
        size: u64,
    },
    /// There is no memory for one more table.
    #[error("no memory for a page table")]
    NoTable,
}

/// Changes what a range of addresses means in the tree at `root`. Pages are as large as they can be. Whether something was
/// there before that the processor may still know: it must be told then.
///
/// # Errors
/// The range cannot be mapped or unmapped as a whole.
pub fn change(
    memory: &mut impl TableMemory,
    root: u64,
    range: Range<u64>,
    change: Change,
) -> Result<bool, MapError> {
    let real = match change {
        Change::Map { real, .. } => real,
        Change::Unmap => 0,
    };
    let is_page = |address: u64| address % PAGE_SIZE == 0;
    if !is_page(range.start) || !is_page(range.end) || !is_page(real) || range.end > END {
        return Err(MapError::Senseless {
            start: range.start,
            end: range.end,
            real,
        });
    }
    Changer { memory, change }.table(&LEVELS, root, 0, range.start, range)
}

/// One change on its way through the tables.
struct Changer<'a, M> {
    memory: &'a mut M,
    change: Change,
}

impl<M: TableMemory> Changer<'_, M> {
    /// Changes `range` in the table at `table`, which translates addresses from `base` on. `first` is where the whole
    /// change begins.
    fn table(
        &mut self,
        levels: &[Level],
        table: u64,
        base: u64,
        first: u64,
        range: Range<u64>,
    ) -> Result<bool, MapError> {
        let Some((level, below)) = levels.split_first() else {
            return Ok(false);
        };
        let size = 1 << level.shift;
        let mut replaced = false;
        let mut address = range.start;
        while address < range.end {
            let index = (address - base) >> level.shift;
            let page = base + index * size..base + (index + 1) * size;
            let part = address..page.end.min(range.end);
            address = part.end;
            let old = Entry::from_word(self.memory.entry(table, index));
            replaced |= match (old, self.new_entry(level, &page, &part, first, old)) {
                (Entry::Invalid, None) if self.change == Change::Unmap => false,
                (_, Some(new)) => {
                    self.memory.set_entry(table, index, new.word());
                    old != Entry::Invalid
                }
                (Entry::Leaf(_), None) => {
                    let address = part.start.max(page.start);
                    return Err(MapError::Inside { address, size });
                }
                (Entry::Table { at, .. }, None) => self.table(below, at, page.start, first, part)?,
                (Entry::Invalid, None) => {
                    let at = self.memory.allocate(TABLE_SIZE).ok_or(MapError::NoTable)?;
                    // Complete before the processor can find it.
                    let below = self.table(below, at, page.start, first, part)?;
                    self.memory.set_entry(table, index, table_entry(at).word());
                    below
                }
            };
        }
        Ok(replaced)
    }

    /// What the entry for `page` becomes, if all of it changes and no table stands in its place. Tables stay once they
    /// are there: what was unmapped is often mapped again.
    fn new_entry(
        &self,
        level: &Level,
        page: &Range<u64>,
        part: &Range<u64>,
        first: u64,
        old: Entry,
    ) -> Option<Entry> {
        if page != part || !level.has_leaves || matches!(old, Entry::Table { .. }) {
            return None;
        }
        match self.change {
            Change::Unmap => (old != Entry::Invalid).then_some(Entry::Invalid),
            Change::Map { real, rights } => {
                let real = real + (page.start - first);
                let is_aligned = real & ((1 << level.shift) - 1) == 0;
                is_aligned.then(|| Entry::Leaf(Leaf::new(real, rights)))
            }
        }
    }
}

/// What the address is mapped to: the leaf, and the address where it begins.
pub fn leaf_at(memory: &impl TableMemory, root: u64, address: u64) -> Option<(u64, Leaf)> {
    let mut table = root;
    for level in LEVELS {
        let index = (address >> level.shift).checked_rem(1 << level.bits)?;
        match Entry::from_word(memory.entry(table, index)) {
            Entry::Leaf(leaf) => return Some((address & !((1 << level.shift) - 1), leaf)),
            Entry::Table { at, .. } if address < END => table = at,
            _ => return None,
        }
    }
    None
}

/// Where the entry of the smallest page at `address` is: its table and its index in it. `None` when there is no such table.
pub fn slot(memory: &impl TableMemory, root: u64, address: u64) -> Option<(u64, u64)> {
    let mut table = root;
    let (last, upper) = LEVELS.split_last()?;
    let index = |level: &Level| (address >> level.shift) % (1 << level.bits);
    for level in upper {
        match Entry::from_word(memory.entry(table, index(level))) {
            Entry::Table { at, .. } if address < END => table = at,
            _ => return None,
        }
    }
    Some((table, index(last)))
}

/// Gives the tree at `to` what the tree at `from` has below [`ROOT_ENTRY_COVERS`], now and after each change: they share it
/// from here on. Something must be mapped there in `from`, and nothing in `to`.
pub fn share(memory: &mut impl TableMemory, from: u64, to: u64) {
    let word = memory.entry(from, 0);
    memory.set_entry(to, 0, word);
}

/// Shows every mapping of the tree to `visit`, in the order of their addresses: address, size in bytes, leaf. It ends early
/// when that says so. An entry that the processor cannot read as one is shown as what it was taken for.
pub fn walk<B>(
    memory: &impl TableMemory,
    root: u64,
    visit: &mut impl FnMut(u64, u64, Leaf) -> ControlFlow<B>,
) -> ControlFlow<B> {
    walk_table(memory, &LEVELS, root, 0, visit)
}

fn walk_table<B>(
    memory: &impl TableMemory,
    levels: &[Level],
    table: u64,
    base: u64,
    visit: &mut impl FnMut(u64, u64, Leaf) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let Some((level, below)) = levels.split_first() else {
        return ControlFlow::Continue(());
    };
    for (index, word) in (0..).zip(memory.entries(table, 1 << level.bits)) {
        // Nearly all of them, which is why they are looked at first.
        if word == 0 {
            continue;
        }
        let address = base + (index << level.shift);
        match Entry::from_word(word) {
            Entry::Invalid => {}
            Entry::Leaf(leaf) => visit(address, 1 << level.shift, leaf)?,
            Entry::Table { at, .. } => walk_table(memory, below, at, address, visit)?,
        }
    }
    ControlFlow::Continue(())
}

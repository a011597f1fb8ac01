//! Radix page tables as the processor reads them (Power ISA 3.0B, book III, 5.7): entries, and trees of them.
//!
//! There is one way to make a mapping, with one of three [`Rights`], none of which writes and executes. What the tables
//! really say is read back by [`walk`], from the words alone, and judged by [`Census`]: so a fault in here is found too.
//!
//! A tree translates 52 bits: 13 by its root, 9 by each of three further levels, and 12 within a page. It is the only
//! shape with pages of 4 KiB that POWER9 and POWER10 have.

mod census;
mod entry;
#[cfg(test)]
mod tests;
mod tree;

pub use census::{Census, Violation};
pub use entry::{Leaf, Rights, partition_table_entry, process_table_entry};
pub use tree::{Change, MapError, TableMemory, change, leaf_at, share, slot, walk};

/// Bytes of the smallest page.
pub const PAGE_SIZE: u64 = 1 << 12;
/// Bytes of a root; it is aligned to them.
pub const ROOT_SIZE: u64 = 8 << ROOT_BITS;
/// Bytes of every other table; it is aligned to them.
pub const TABLE_SIZE: u64 = 8 << TABLE_BITS;
/// What one entry of a root covers: trees that differ here may share everything else.
pub const ROOT_ENTRY_COVERS: u64 = 1 << LEVELS[0].shift;
/// The first address that no tree translates.
pub const END: u64 = 1 << 52;

const ROOT_BITS: u32 = 13;
const TABLE_BITS: u32 = 9;

/// One level of a tree.
#[derive(Clone, Copy)]
struct Level {
    /// An entry covers 2 to the power of this, in bytes.
    shift: u32,
    /// A table has 2 to the power of this entries.
    bits: u32,
    /// An entry may be a leaf.
    has_leaves: bool,
}

/// From the root down.
const LEVELS: [Level; 4] = [
    Level {
        shift: 39,
        bits: ROOT_BITS,
        has_leaves: false,
    },
    Level {
        shift: 30,
        bits: TABLE_BITS,
        has_leaves: true,
    },
    Level {
        shift: 21,
        bits: TABLE_BITS,
        has_leaves: true,
    },
    Level {
        shift: 12,
        bits: TABLE_BITS,
        has_leaves: true,
    },
];

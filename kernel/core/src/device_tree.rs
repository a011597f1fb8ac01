//! The device tree: written flat from what Open Firmware tells, checked, and read.
//!
//! Whatever firmware enters the kernel, one flattened tree (DTSpec 0.4, chapter 5) comes out, and one path reads it. The
//! reader is the crate `dtoolkit`; it takes a tree for sound, so [`check`] proves that first and names the place where it
//! is not. The crate's own validation would refuse QEMU's trees, which have property names of more than 31 characters.
//! The writer is ours: the crates that write want a heap, and where the heap may lie stands in the tree.

mod check;
mod error;
mod flatten;
#[cfg(any(feature = "device-tree", test))]
mod machine;
#[cfg(any(feature = "device-tree", test))]
mod tree;

#[cfg(test)]
mod tests;

pub use check::{HEADER_LENGTH, check, total_size};
pub use error::{Problem, TreeError};
pub use flatten::{FlattenError, Flattener};
#[cfg(any(feature = "device-tree", test))]
pub use machine::{Machine, cpu_count};
#[cfg(any(feature = "device-tree", test))]
pub use tree::{DEFAULT_TERMINAL, DeviceTree, Platform, Rtas};

/// First word of a flattened tree.
const MAGIC: u32 = 0xd00d_feed;
/// The version that is written, and that a reader of ours understands.
const VERSION: u32 = 17;
/// The oldest version that version 17 is compatible with.
const LAST_COMPATIBLE_VERSION: u32 = 16;

/// Tokens of the structure block.
mod token {
    pub(super) const BEGIN_NODE: u32 = 1;
    pub(super) const END_NODE: u32 = 2;
    pub(super) const PROPERTY: u32 = 3;
    pub(super) const NOP: u32 = 4;
    pub(super) const END: u32 = 9;
}

/// Words of the header, by their index.
mod header {
    pub(super) const MAGIC: usize = 0;
    pub(super) const TOTAL_SIZE: usize = 1;
    pub(super) const STRUCTURE: usize = 2;
    pub(super) const STRINGS: usize = 3;
    pub(super) const RESERVATIONS: usize = 4;
    pub(super) const VERSION: usize = 5;
    pub(super) const LAST_COMPATIBLE_VERSION: usize = 6;
    pub(super) const STRINGS_SIZE: usize = 8;
    pub(super) const STRUCTURE_SIZE: usize = 9;
    pub(super) const WORDS: usize = 10;
}

/// The big-endian word at `offset`.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..)?
        .first_chunk()
        .map(|word| u32::from_be_bytes(*word))
}

/// The text up to the first NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    core::ffi::CStr::from_bytes_until_nul(bytes).ok()?.to_str().ok()
}

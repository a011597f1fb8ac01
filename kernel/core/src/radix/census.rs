//! What a walk over all mappings finds: how much of what, and whether one of them must not be.

use core::fmt;
use core::ops::Range;

use super::{Leaf, PAGE_SIZE};

/// Mappings, counted in pages of 4 KiB whatever their real size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Pages that can be read and executed.
    pub executable: u64,
    /// Pages that can only be read.
    pub read_only: u64,
    /// Pages that can be read and written.
    pub writable: u64,
    /// Pages that can be written and executed, of which there must be none.
    pub both: u64,
    /// Entries, of any size.
    pub leaves: u64,
}

/// A mapping that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It can be written and executed.
    #[error("{address:#x}, {size:#x} bytes, can be written and executed: {leaf:?}")]
    WriteAndExecute {
        /// Where.
        address: u64,
        /// Bytes.
        size: u64,
        /// The mapping.
        leaf: Leaf,
    },
    /// It leads to where no memory is.
    #[error("{address:#x}, {size:#x} bytes, leads out of memory: {leaf:?}")]
    Nowhere {
        /// Where.
        address: u64,
        /// Bytes.
        size: u64,
        /// The mapping.
        leaf: Leaf,
    },
}

impl Census {
    /// Counts one mapping. `memory` is all that there is.
    ///
    /// # Errors
    /// It must not be.
    pub fn add(
        &mut self,
        address: u64,
        size: u64,
        leaf: Leaf,
        memory: &[Range<u64>],
    ) -> Result<(), Violation> {
        let real = leaf.real()..leaf.real().saturating_add(size);
        let is_inside = |range: &Range<u64>| range.start <= real.start && real.end <= range.end;
        let pages = size / PAGE_SIZE;
        self.leaves += 1;
        match (leaf.is_writable(), leaf.is_executable()) {
            (true, true) => self.both += pages,
            (true, false) => self.writable += pages,
            (false, true) => self.executable += pages,
            (false, false) => self.read_only += pages,
        }
        if leaf.is_writable() && leaf.is_executable() {
            return Err(Violation::WriteAndExecute { address, size, leaf });
        }
        if !memory.iter().any(is_inside) || real.start % size != 0 {
            return Err(Violation::Nowhere { address, size, leaf });
        }
        Ok(())
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pages RX, {} R, {} RW, {} W+X, in {} entries",
            self.executable, self.read_only, self.writable, self.both, self.leaves
        )
    }
}

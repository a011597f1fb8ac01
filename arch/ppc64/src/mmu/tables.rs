//! The memory of the tables, reached by real addresses, which are effective ones.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use core::{ptr, slice};

use kernel_core::radix::{PAGE_SIZE, ROOT_SIZE, TableMemory, partition_table_entry, process_table_entry};

/// Memory for tables, which never goes back. Roots, which are aligned to their size, are taken from its end, so that nothing
/// is lost between them and the others.
#[derive(Debug)]
pub struct TablePool {
    range: Range<u64>,
    free: Range<u64>,
}

impl TablePool {
    /// Tables in the memory `range`.
    ///
    /// # Safety
    /// The range is memory that is nobody else's, ever, and is mapped to itself, or translation is off.
    pub unsafe fn new(range: Range<u64>) -> TablePool {
        TablePool {
            free: range.clone(),
            range,
        }
    }

    fn word(&self, table: u64, index: u64) -> &AtomicU64 {
        let address = table + 8 * index;
        assert!(
            self.range.contains(&address) && address % 8 == 0,
            "no page table has an entry at {address:#x}"
        );
        // SAFETY: a doubleword of the pool, of which nobody has any other kind of reference; the processor only reads it.
        unsafe { AtomicU64::from_ptr(address as *mut u64) }
    }
}

impl TableMemory for TablePool {
    fn entry(&self, table: u64, index: u64) -> u64 {
        u64::from_be(self.word(table, index).load(Ordering::Relaxed))
    }

    fn entries(&self, table: u64, count: u64) -> impl Iterator<Item = u64> {
        let words = table..table + 8 * count;
        assert!(
            self.range.start <= words.start && words.end <= self.range.end && table % 8 == 0,
            "no page table has {count} entries at {table:#x}"
        );
        // SAFETY: doublewords of the pool, as in `word`.
        let words = unsafe { slice::from_raw_parts(table as *const AtomicU64, count as usize) };
        words
            .iter()
            .map(|word| u64::from_be(word.load(Ordering::Relaxed)))
    }

    fn set_entry(&mut self, table: u64, index: u64, word: u64) {
        // Release: a table is complete before an entry leads to it.
        self.word(table, index).store(word.to_be(), Ordering::Release);
    }

    fn allocate(&mut self, size: u64) -> Option<u64> {
        let start = match size {
            ROOT_SIZE => self.free.end.checked_sub(size)? / size * size,
            _ => self.free.start.checked_next_multiple_of(size)?,
        };
        let end = start.checked_add(size)?;
        if start < self.free.start || end > self.free.end {
            return None;
        }
        match size {
            ROOT_SIZE => self.free.end = start,
            _ => self.free.start = end,
        }
        // SAFETY: this part of the pool was not given out before.
        unsafe { ptr::write_bytes(start as *mut u8, 0, size as usize) };
        Some(start)
    }
}

/// The table that says which tree each process has.
#[derive(Clone, Copy, Debug)]
pub struct ProcessTable {
    at: u64,
}

/// Bytes of an entry.
const ENTRY_SIZE: u64 = 16;

impl ProcessTable {
    /// Processes that there can be; number 0 is nobody's.
    pub const PROCESSES: u64 = PAGE_SIZE / ENTRY_SIZE;

    /// An empty one; `None` when the pool has no memory for it.
    pub fn new(pool: &mut TablePool) -> Option<ProcessTable> {
        pool.allocate(PAGE_SIZE).map(|at| ProcessTable { at })
    }

    /// Its real address.
    pub fn address(self) -> u64 {
        self.at
    }

    /// Gives the process `process` the tree at `root`.
    ///
    /// # Panics
    /// There is no such process.
    pub fn set(self, pool: &mut TablePool, process: u32, root: u64) {
        assert!(
            (1..Self::PROCESSES).contains(&u64::from(process)),
            "no process {process}"
        );
        let index = u64::from(process) * (ENTRY_SIZE / 8);
        let [tree, segments] = process_table_entry(root);
        pool.set_entry(self.at, index + 1, segments);
        pool.set_entry(self.at, index, tree);
    }
}

/// The table that says where each partition's process table is. Where there is a hypervisor this is its own; elsewhere there
/// is one partition, number 0, which is the kernel.
#[derive(Clone, Copy, Debug)]
pub struct PartitionTable {
    at: u64,
}

impl PartitionTable {
    /// With the processes of the only partition, whose own tree, at `root`, maps what there is to itself; `None` when the pool
    /// has no memory for it.
    pub fn new(pool: &mut TablePool, root: u64, processes: ProcessTable) -> Option<PartitionTable> {
        let at = pool.allocate(PAGE_SIZE)?;
        let [tree, table] = partition_table_entry(root, processes.address());
        pool.set_entry(at, 1, table);
        pool.set_entry(at, 0, tree);
        Some(PartitionTable { at })
    }

    /// Its real address.
    pub fn address(self) -> u64 {
        self.at
    }
}

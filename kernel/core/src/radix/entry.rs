//! The words of the tables. Here they are numbers; in memory they are big-endian, whatever the processor's mode.

use core::fmt;

use super::{ROOT_BITS, TABLE_BITS};

/// The entry says something.
const VALID: u64 = 1 << 63;
/// It maps memory, and does not lead to another table.
const LEAF: u64 = 1 << 62;
/// Where the memory is, in a leaf.
const REAL: u64 = 0x01ff_ffff_ffff_f000;
/// Where the next table is, in an entry that is no leaf.
const NEXT: u64 = 0x0fff_ffff_ffff_ff00;
/// How many bits of the address the next table translates.
const NEXT_BITS: u64 = 0x1f;
/// Referenced and changed: with both set, the processor never writes to the table.
const SEEN: u64 = 0x180;
/// What may be done, for the kernel only.
const PRIVILEGED: u64 = 8;
const READ: u64 = 4;
const WRITE: u64 = 2;
const EXECUTE: u64 = 1;

/// What may be done with memory. Nothing may be both written and executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Code.
    ReadExecute,
    /// Constants.
    Read,
    /// Variables.
    ReadWrite,
}

impl Rights {
    fn bits(self) -> u64 {
        match self {
            Rights::ReadExecute => READ | EXECUTE,
            Rights::Read => READ,
            Rights::ReadWrite => READ | WRITE,
        }
    }
}

/// An entry of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing is there.
    Invalid,
    /// The next table, at this real address.
    Table {
        at: u64,
        bits: u32,
    },
    Leaf(Leaf),
}

/// A leaf: memory, and what may be done with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Leaf(u64);

impl Leaf {
    /// Maps the real address `real`, a multiple of the page size.
    pub fn new(real: u64, rights: Rights) -> Leaf {
        Leaf(VALID | LEAF | real & REAL | SEEN | PRIVILEGED | rights.bits())
    }

    /// The word.
    pub fn word(self) -> u64 {
        self.0
    }

    /// The real address.
    pub fn real(self) -> u64 {
        self.0 & REAL
    }

    /// What may be done with it, if that is something that may be.
    pub fn rights(self) -> Option<Rights> {
        let all = [Rights::ReadExecute, Rights::Read, Rights::ReadWrite];
        all.into_iter()
            .find(|rights| rights.bits() == self.0 & (READ | WRITE | EXECUTE))
    }

    /// Whether it can be read.
    pub fn is_readable(self) -> bool {
        self.0 & READ != 0
    }

    /// Whether it can be written to.
    pub fn is_writable(self) -> bool {
        self.0 & WRITE != 0
    }

    /// Whether it can be executed.
    pub fn is_executable(self) -> bool {
        self.0 & EXECUTE != 0
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |has, letter| if has { letter } else { '-' };
        let [r, w, x] = [
            right(self.is_readable(), 'r'),
            right(self.is_writable(), 'w'),
            right(self.is_executable(), 'x'),
        ];
        write!(f, "{:#x} {r}{w}{x}", self.real())
    }
}

impl Entry {
    pub(super) fn from_word(word: u64) -> Entry {
        match (word & VALID, word & LEAF) {
            (0, _) => Entry::Invalid,
            (_, 0) => Entry::Table {
                at: word & NEXT,
                bits: (word & NEXT_BITS) as u32,
            },
            _ => Entry::Leaf(Leaf(word)),
        }
    }

    pub(super) fn word(self) -> u64 {
        match self {
            Entry::Invalid => 0,
            Entry::Table { at, bits } => VALID | at & NEXT | u64::from(bits),
            Entry::Leaf(leaf) => leaf.word(),
        }
    }
}

/// The word that names a tree, by its root: it translates 31 + 21 bits, a number that is in two parts.
fn tree(root: u64) -> u64 {
    const SIZE: u64 = 0b10 << 61 | 0b101 << 5;
    SIZE | root & NEXT | u64::from(ROOT_BITS)
}

/// The two words of a process table's entry: the tree at `root` translates for this process.
pub fn process_table_entry(root: u64) -> [u64; 2] {
    [tree(root), 0]
}

/// The two words of a partition table's entry: the tree at `root` translates what the partition takes for real addresses,
/// which the hypervisor itself does not need, and its processes are in the process table at `processes`, of 4 KiB.
pub fn partition_table_entry(root: u64, processes: u64) -> [u64; 2] {
    /// Radix trees, on both sides.
    const RADIX: u64 = 1 << 63;
    [RADIX | tree(root), processes & NEXT]
}

/// The next table below one of any level.
pub(super) fn table_entry(at: u64) -> Entry {
    Entry::Table { at, bits: TABLE_BITS }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that QEMU and the hardware's manuals have for these.
    #[test]
    fn words_are_as_the_processor_reads_them() {
        let leaf = |rights| Leaf::new(0x1234_5000, rights).word();
        assert_eq!(leaf(Rights::ReadExecute), 0xc000_0000_1234_518d);
        assert_eq!(leaf(Rights::Read), 0xc000_0000_1234_518c);
        assert_eq!(leaf(Rights::ReadWrite), 0xc000_0000_1234_518e);
        assert_eq!(table_entry(0x8000).word(), 0x8000_0000_0000_8009);
        assert_eq!(process_table_entry(0x2_0000), [0x4000_0000_0002_00ad, 0]);
        assert_eq!(
            partition_table_entry(0x2_0000, 0x5000),
            [0xc000_0000_0002_00ad, 0x5000]
        );
    }

    #[test]
    fn entries_survive_their_words() {
        let leaf = |real, rights| Entry::Leaf(Leaf::new(real, rights));
        let entries = [
            Entry::Invalid,
            table_entry(0x7000),
            leaf(0, Rights::Read),
            leaf(0x1000, Rights::ReadExecute),
            leaf(REAL, Rights::ReadWrite),
        ];
        for entry in entries {
            assert_eq!(Entry::from_word(entry.word()), entry);
        }
    }

    #[test]
    fn no_right_both_writes_and_executes() {
        for rights in [Rights::ReadExecute, Rights::Read, Rights::ReadWrite] {
            let leaf = Leaf::new(0, rights);
            assert!(leaf.is_readable());
            assert!(!(leaf.is_writable() && leaf.is_executable()), "{rights:?}");
            assert_eq!(leaf.rights(), Some(rights));
        }
    }
}

//! Where each thing is in a table: shared by the writer and the reader, so that they cannot disagree.

/// The first eight bytes of a table; the last of them is the format's version.
pub(super) const MAGIC: [u8; 8] = *b"TocSyms\x02";

/// Header: magic, build id, padding, base address, then offset and count of each [`Section`] as 32-bit words.
pub(super) const BUILD_ID: usize = 8;
/// The address that all others are relative to, 64 bits.
pub(super) const BASE: usize = 32;
/// Where the sections' offsets and counts begin.
pub(super) const SECTIONS: usize = 40;
/// Bytes in the header.
pub(super) const HEADER: usize = SECTIONS + Section::ALL.len() * 8;

/// The parts of a table, in the order in which they lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Symbols,
    Names,
    Files,
    Blocks,
    Lines,
    Strings,
}

impl Section {
    pub(super) const ALL: [Self; 6] = [
        Self::Symbols,
        Self::Names,
        Self::Files,
        Self::Blocks,
        Self::Lines,
        Self::Strings,
    ];

    /// Bytes in one entry.
    pub(super) const fn stride(self) -> usize {
        match self {
            Self::Symbols => symbol::STRIDE,
            Self::Names | Self::Files => 4,
            Self::Blocks => 8,
            Self::Lines | Self::Strings => 1,
        }
    }

    /// Where in the header its offset and count are.
    pub(super) const fn header(self) -> usize {
        SECTIONS + self as usize * 8
    }
}

/// The fields of a symbol's record.
pub(super) mod symbol {
    /// From the base, 32 bits.
    pub(in super::super) const ADDRESS: usize = 0;
    /// 32 bits.
    pub(in super::super) const SIZE: usize = 4;
    /// A string reference, 32 bits.
    pub(in super::super) const NAME: usize = 8;
    /// A string reference, 32 bits.
    pub(in super::super) const PATH: usize = 12;
    /// 8 bits: those of `st_other` that say it.
    pub(in super::super) const LOCAL_ENTRY: usize = 16;
    /// 8 bits, [`NO_SITE`] for none.
    pub(in super::super) const SITE: usize = 17;
    /// 8 bits: [`OBJECT`] and [`GLOBAL`].
    pub(in super::super) const FLAGS: usize = 18;
    /// Bytes in a record.
    pub(in super::super) const STRIDE: usize = 20;

    /// In place of a site's offset.
    pub(in super::super) const NO_SITE: u8 = 0xff;
    /// Flag: data, not code.
    pub(in super::super) const OBJECT: u8 = 1;
    /// Flag: not local to an object file.
    pub(in super::super) const GLOBAL: u8 = 2;
}

/// In an entry of the name index: it stands there for its path, not for its raw name.
pub(super) const BY_PATH: u32 = 1 << 31;

/// Rows of the line table that share one block.
pub(super) const BLOCK_ROWS: usize = 64;

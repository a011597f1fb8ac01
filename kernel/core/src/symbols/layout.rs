//! Where each thing is in a table: shared by the writer and the reader, so that they cannot disagree.

/// The first eight bytes of a table; the last of them is the format's version.
pub(super) const MAGIC: [u8; 8] = *b"TocSyms\x03";

/// Header: magic, build id, padding, base address, then offset and count of each [`Section`] as 32-bit words.
pub(super) const BUILD_ID: usize = 8;
/// The address that all others are relative to, 64 bits.
pub(super) const BASE: usize = 32;
/// Where the sections' offsets and counts begin.
pub(super) const SECTIONS: usize = 40;
/// Bytes in the header.
pub(super) const HEADER: usize = SECTIONS + Section::ALL.len() * 8;

/// The parts of a table, in the order in which they lie in it.
///
/// Symbols, files and blocks have one entry more than there are things: each text ends where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Symbols,
    Names,
    Files,
    Blocks,
    Rules,
    Codes,
}

impl Section {
    pub(super) const ALL: [Self; 6] = [
        Self::Symbols,
        Self::Names,
        Self::Files,
        Self::Blocks,
        Self::Rules,
        Self::Codes,
    ];

    /// Bytes in one entry.
    pub(super) const fn stride(self) -> usize {
        match self {
            Self::Symbols => symbol::STRIDE,
            Self::Names | Self::Files | Self::Rules => 4,
            Self::Blocks => 8,
            Self::Codes => 2,
        }
    }

    /// Where in the header its offset and count are.
    pub(super) const fn header(self) -> usize {
        SECTIONS + self as usize * 8
    }
}

/// The fields of a symbol's record.
pub(super) mod symbol {
    use crate::local_entry::LocalEntry;

    /// From the base, 32 bits.
    pub(in super::super) const ADDRESS: usize = 0;
    /// 32 bits.
    pub(in super::super) const SIZE: usize = 4;
    /// Where its name begins: the code of this number, 24 bits; above them the attributes, 8 bits.
    pub(in super::super) const NAME: usize = 8;
    /// Bytes in a record.
    pub(in super::super) const STRIDE: usize = 12;

    /// Bits of the number of the name's first code.
    pub(in super::super) const NAME_BITS: u32 = 24;
    /// Attribute: data, not code.
    pub(in super::super) const OBJECT: u8 = 1;
    /// Attribute: not local to an object file.
    pub(in super::super) const GLOBAL: u8 = 2;
    /// Attribute: there is a site.
    pub(in super::super) const SITE: u8 = 4;
    /// Attribute: where the site is, in words behind the global entry.
    pub(in super::super) const SITE_OFFSET: u8 = 0b11 << 3;
    /// Attribute: as in `st_other`.
    pub(in super::super) const LOCAL_ENTRY: u8 = 0b111 << 5;

    /// A site's offset as an attribute; `None` where there is no room for it.
    pub(in super::super) fn site_attribute(site: Option<u8>) -> Option<u8> {
        match site {
            None => Some(0),
            Some(offset) if offset % 4 == 0 && offset < 16 => Some(SITE | offset << 1),
            Some(_) => None,
        }
    }

    /// The site's offset in the attributes.
    pub(in super::super) fn site(attributes: u8) -> Option<u8> {
        (attributes & SITE != 0).then_some((attributes & SITE_OFFSET) >> 1)
    }

    /// The local entry in the attributes.
    pub(in super::super) fn local_entry(attributes: u8) -> Option<LocalEntry> {
        LocalEntry::from_st_other(attributes & LOCAL_ENTRY)
    }
}

/// Codes below this are bytes.
pub(super) const BYTES: u16 = 256;
/// How many rules a reader is in at once, at most.
pub(super) const DEPTH: usize = 32;
/// Bytes of a name, at most: one is decoded on the stack of who looks at it.
pub(super) const NAME_LENGTH: usize = 2048;

/// Rows of the line table that share one block.
pub(super) const BLOCK_ROWS: usize = 128;

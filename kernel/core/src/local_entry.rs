//! What a function says in its symbol about its entries and about r2: bits 5 to 7 of `st_other`.
//!
//! Source: ELFv2 3.4.1, "Symbol Values", and the table of `STO_PPC64_LOCAL` values there.

/// A function's entries, and whether r2 survives a call of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalEntry {
    /// One entry; the function neither needs nor changes r2 (value 0).
    #[default]
    Same,
    /// One entry; it needs no r2, and r2 may be different after the return (value 1, pc-relative code).
    SameClobbersToc,
    /// A local entry so many bytes behind the global one, for callers with the same TOC (values 2 to 6).
    Behind(u8),
}

impl LocalEntry {
    /// Reads bits 5 to 7 of `st_other`; value 7 is reserved.
    #[must_use]
    pub const fn from_st_other(st_other: u8) -> Option<LocalEntry> {
        match st_other >> 5 {
            0 => Some(LocalEntry::Same),
            1 => Some(LocalEntry::SameClobbersToc),
            7 => None,
            power => Some(LocalEntry::Behind(1 << power)),
        }
    }

    /// The bits again, in their place; the others are 0.
    #[must_use]
    pub const fn to_st_other(self) -> u8 {
        let value = match self {
            LocalEntry::Same => 0,
            LocalEntry::SameClobbersToc => 1,
            LocalEntry::Behind(offset) => offset.trailing_zeros() as u8,
        };
        value << 5
    }

    /// Bytes from the global to the local entry.
    #[must_use]
    pub const fn offset(self) -> u8 {
        match self {
            LocalEntry::Behind(offset) => offset,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LocalEntry;

    #[test]
    fn every_value_of_the_abi() {
        let entries: Vec<_> = (0..8u8)
            .map(|value| LocalEntry::from_st_other(value << 5))
            .collect();
        let behind = [4, 8, 16, 32, 64].map(|offset| Some(LocalEntry::Behind(offset)));
        assert_eq!(
            entries[..2],
            [Some(LocalEntry::Same), Some(LocalEntry::SameClobbersToc)]
        );
        assert_eq!(entries[2..7], behind);
        assert_eq!(entries[7], None, "reserved");
        assert_eq!(
            LocalEntry::from_st_other(0x60 | 3),
            Some(LocalEntry::Behind(8)),
            "the visibility is not looked at"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in 0..7u8 {
            let st_other = value << 5;
            let read = LocalEntry::from_st_other(st_other).unwrap();
            assert_eq!(read.to_st_other(), st_other);
        }
    }
}

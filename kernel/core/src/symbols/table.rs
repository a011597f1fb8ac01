//! The reader.

use super::layout::{self, BLOCK_ROWS, BY_PATH, Section, symbol};
use super::{BUILD_ID_LENGTH, Binding, Kind, Symbol, lines};
use crate::local_entry::LocalEntry;
use core::fmt;

/// Why bytes are not a symbol table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolsError {
    /// There are none: the image was linked without a table.
    Empty,
    /// They do not begin as a table of this version does.
    NotATable,
    /// They end before something that the header announces.
    Truncated {
        /// Bytes that there are.
        length: usize,
        /// Bytes that the header asks for.
        wanted: u64,
    },
}

impl fmt::Display for SymbolsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the image has no symbol table"),
            Self::NotATable => out.write_str("the symbol table does not begin as one of this version"),
            Self::Truncated { length, wanted } => {
                write!(
                    out,
                    "the symbol table ends at {length} bytes, its header asks for {wanted}"
                )
            }
        }
    }
}

impl core::error::Error for SymbolsError {}

/// A symbol table, read where it lies.
#[derive(Clone, Copy)]
pub struct SymbolTable<'a> {
    build_id: &'a [u8; BUILD_ID_LENGTH],
    base: u64,
    symbols: &'a [u8],
    names: &'a [u8],
    files: &'a [u8],
    blocks: &'a [u8],
    lines: &'a [u8],
    strings: &'a [u8],
}

impl fmt::Debug for SymbolTable<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SymbolTable")
            .field("base", &self.base)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a> SymbolTable<'a> {
    /// Takes `bytes` as a table. Bytes behind its end are left alone.
    ///
    /// Only the header is looked at: what it locates is checked when it is read.
    ///
    /// # Errors
    /// The bytes are no table of this version, or fewer than its header announces.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SymbolsError> {
        if bytes.is_empty() {
            return Err(SymbolsError::Empty);
        }
        if bytes.get(..layout::MAGIC.len()) != Some(&layout::MAGIC) {
            return Err(SymbolsError::NotATable);
        }
        let truncated = |wanted| SymbolsError::Truncated {
            length: bytes.len(),
            wanted,
        };
        let short = truncated(layout::HEADER as u64);
        let build_id = bytes
            .get(layout::BUILD_ID..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(short)?;
        let base = bytes
            .get(layout::BASE..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(short)?;
        let section = |section: Section| {
            let header = section.header();
            let offset = word(bytes, header).ok_or(short)? as usize;
            let count = word(bytes, header + 4).ok_or(short)?;
            let end = offset as u64 + u64::from(count) * section.stride() as u64;
            usize::try_from(end)
                .ok()
                .and_then(|end| bytes.get(offset..end))
                .ok_or(truncated(end))
        };
        Ok(Self {
            build_id,
            base: u64::from_le_bytes(*base),
            symbols: section(Section::Symbols)?,
            names: section(Section::Names)?,
            files: section(Section::Files)?,
            blocks: section(Section::Blocks)?,
            lines: section(Section::Lines)?,
            strings: section(Section::Strings)?,
        })
    }

    /// The build id of the image that the table describes.
    #[must_use]
    pub fn build_id(&self) -> &'a [u8; BUILD_ID_LENGTH] {
        self.build_id
    }

    /// How many symbols there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.symbols.len() / symbol::STRIDE
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The symbol number `index` in address order; `None` behind the last, or where the table is corrupt.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Symbol<'a>> {
        let record = self.record(index)?;
        let [local_entry, site, flags] =
            [symbol::LOCAL_ENTRY, symbol::SITE, symbol::FLAGS].map(|field| record.get(field).copied());
        Some(Symbol {
            name: self.string(word(record, symbol::NAME)?)?,
            path: self.string(word(record, symbol::PATH)?)?,
            address: self.base.checked_add(word(record, symbol::ADDRESS)?.into())?,
            size: word(record, symbol::SIZE)?.into(),
            local_entry: LocalEntry::from_st_other(local_entry?)?,
            site: site.filter(|offset| *offset != symbol::NO_SITE),
            kind: if flags? & symbol::OBJECT != 0 {
                Kind::Object
            } else {
                Kind::Function
            },
            binding: if flags? & symbol::GLOBAL != 0 {
                Binding::Global
            } else {
                Binding::Local
            },
        })
    }

    /// All symbols in address order.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'a>> + use<'a> {
        let table = *self;
        (0..table.len()).filter_map(move |index| table.get(index))
    }

    /// The symbol that `address` lies in, and how far behind its beginning.
    ///
    /// Where symbols enclose each other it is the innermost one, where they share their beginning the writer's choice.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<(Symbol<'a>, u64)> {
        /// How many symbols may lie between an enclosing one's beginning and an address in it.
        const ENCLOSED: usize = 16;
        let relative = self.relative(address)?;
        let behind = partition(self.len(), |index| {
            self.field(index, symbol::ADDRESS)
                .is_some_and(|start| start <= relative)
        });
        (behind.saturating_sub(ENCLOSED)..behind).rev().find_map(|index| {
            let offset = relative.checked_sub(self.field(index, symbol::ADDRESS)?)?;
            if offset < self.field(index, symbol::SIZE)? {
                Some((self.get(index)?, offset.into()))
            } else {
                None
            }
        })
    }

    /// All symbols with this raw name or this path, in address order.
    pub fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = Symbol<'a>> + use<'a, 'n> {
        let table = *self;
        let entries = table.names.len() / Section::Names.stride();
        let first = partition(entries, |entry| {
            table
                .indexed(entry)
                .is_some_and(|(_, text)| text < name.as_bytes())
        });
        (first..entries)
            .map_while(move |entry| table.indexed(entry).filter(|(_, text)| *text == name.as_bytes()))
            .filter_map(move |(index, _)| table.get(index))
    }

    /// The file and line that the instruction at `address` comes from.
    #[must_use]
    pub fn line(&self, address: u64) -> Option<(&'a str, u32)> {
        let relative = self.relative(address)?;
        let start = |block: usize| word(self.blocks, block.checked_mul(Section::Blocks.stride())?);
        let blocks = self.blocks.len() / Section::Blocks.stride();
        let block = partition(blocks, |block| {
            start(block).is_some_and(|start| start <= relative)
        })
        .checked_sub(1)?;
        let offset = word(self.blocks, block * Section::Blocks.stride() + 4)? as usize;
        let row = lines::decode(self.lines.get(offset..)?, start(block)?, BLOCK_ROWS, relative)?;
        let file = row.file.checked_sub(1)? as usize;
        Some((
            self.string(word(self.files, file.checked_mul(Section::Files.stride())?)?)?,
            row.line,
        ))
    }

    fn relative(&self, address: u64) -> Option<u32> {
        address.checked_sub(self.base)?.try_into().ok()
    }

    fn record(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_mul(symbol::STRIDE)?;
        self.symbols.get(start..start.checked_add(symbol::STRIDE)?)
    }

    fn field(&self, index: usize, field: usize) -> Option<u32> {
        word(self.record(index)?, field)
    }

    /// An entry of the name index: the symbol's number, and the text by which it stands there.
    fn indexed(&self, entry: usize) -> Option<(usize, &'a [u8])> {
        let entry = word(self.names, entry.checked_mul(Section::Names.stride())?)?;
        let index = (entry & !BY_PATH) as usize;
        let field = if entry & BY_PATH != 0 {
            symbol::PATH
        } else {
            symbol::NAME
        };
        Some((index, self.bytes(self.field(index, field)?)?))
    }

    fn bytes(&self, reference: u32) -> Option<&'a [u8]> {
        let (length, rest) = self.strings.get(reference as usize..)?.split_first_chunk()?;
        rest.get(..u16::from_le_bytes(*length).into())
    }

    fn string(&self, reference: u32) -> Option<&'a str> {
        core::str::from_utf8(self.bytes(reference)?).ok()
    }
}

/// The little-endian 32-bit word at `offset`.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..)?
        .first_chunk()
        .map(|word| u32::from_le_bytes(*word))
}

/// How many of `count` entries are before the first one that is not `before`.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

//! The reader.

use super::codes::Codes;
use super::error::SymbolsError;
use super::index::{Hash, number_bits};
use super::layout::{self, BLOCK_ROWS, Section, symbol};
use super::{BUILD_ID_LENGTH, Binding, Kind, Name, NameKey, Symbol, lines};
use core::fmt;
use core::ops::Range;

/// A symbol table, read where it lies.
#[derive(Clone, Copy)]
pub struct SymbolTable<'a> {
    build_id: &'a [u8; BUILD_ID_LENGTH],
    base: u64,
    /// How many symbols there are to be seen: the first ones.
    len: usize,
    symbols: &'a [u8],
    names: &'a [u8],
    files: &'a [u8],
    blocks: &'a [u8],
    rules: &'a [u8],
    codes: &'a [u8],
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
        let symbols = section(Section::Symbols)?;
        Ok(Self {
            build_id,
            base: u64::from_le_bytes(*base),
            len: count(symbols),
            symbols,
            names: section(Section::Names)?,
            files: section(Section::Files)?,
            blocks: section(Section::Blocks)?,
            rules: section(Section::Rules)?,
            codes: section(Section::Codes)?,
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
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same table without the symbols from `address` on: nobody finds them.
    #[must_use]
    pub fn before(self, address: u64) -> Self {
        let end = address.saturating_sub(self.base);
        let len = partition(self.len, |index| {
            self.field(index, symbol::ADDRESS)
                .is_some_and(|start| u64::from(start) < end)
        });
        Self { len, ..self }
    }

    /// The symbol number `index` in address order; `None` behind the last, or where the table is corrupt.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Symbol<'a>> {
        if index >= self.len {
            return None;
        }
        let words = |index, field| self.field(index, field);
        let (address, size) = (words(index, symbol::ADDRESS)?, words(index, symbol::SIZE)?);
        let (name, next) = (words(index, symbol::NAME)?, words(index + 1, symbol::NAME)?);
        let code = |word| word & ((1 << symbol::NAME_BITS) - 1);
        let attributes = (name >> symbol::NAME_BITS) as u8;
        Some(Symbol {
            name: self.text(code(name), code(next)).map(Name::of_codes)?,
            address: self.base.checked_add(address.into())?,
            size: size.into(),
            local_entry: symbol::local_entry(attributes)?,
            site: symbol::site(attributes),
            kind: if attributes & symbol::OBJECT != 0 {
                Kind::Object
            } else {
                Kind::Function
            },
            binding: if attributes & symbol::GLOBAL != 0 {
                Binding::Global
            } else {
                Binding::Local
            },
        })
    }

    /// By what [`Self::name`] finds a name again; `None`: it is not from this table.
    #[must_use]
    pub fn key(&self, name: Name<'_>) -> Option<NameKey> {
        let Range { start, end } = name.codes()?.place_in(self.codes)?;
        Some(NameKey { start, end })
    }

    /// The name that had this key; `None`: it is another table's.
    #[must_use]
    pub fn name(&self, key: NameKey) -> Option<Name<'a>> {
        self.text(key.start, key.end).map(Name::of_codes)
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
        let (index, offset) = self.index_at(address)?;
        Some((self.get(index)?, offset))
    }

    /// The addresses of the symbol that `address` lies in, as [`SymbolTable::at`], without a look at its names.
    #[must_use]
    pub fn range_at(&self, address: u64) -> Option<Range<u64>> {
        let (index, offset) = self.index_at(address)?;
        let start = address - offset;
        Some(start..start + u64::from(self.field(index, symbol::SIZE)?))
    }

    /// The number of the symbol that `address` lies in, and how far behind its beginning.
    fn index_at(&self, address: u64) -> Option<(usize, u64)> {
        /// How many symbols may lie between an enclosing one's beginning and an address in it.
        const ENCLOSED: usize = 16;
        let relative = self.relative(address)?;
        let behind = partition(self.len(), |index| {
            self.field(index, symbol::ADDRESS)
                .is_some_and(|start| start <= relative)
        });
        (behind.saturating_sub(ENCLOSED)..behind).rev().find_map(|index| {
            let offset = relative.checked_sub(self.field(index, symbol::ADDRESS)?)?;
            (offset < self.field(index, symbol::SIZE)?).then_some((index, offset.into()))
        })
    }

    /// All symbols with this raw name or this path, in address order.
    pub fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = Symbol<'a>> + use<'a, 'n> {
        let table = *self;
        let entry = move |entry: usize| word(table.names, entry.checked_mul(Section::Names.stride())?);
        let bits = number_bits(count(table.symbols));
        let hash = Hash::of(name) >> bits;
        let entries = table.names.len() / Section::Names.stride();
        let first = partition(entries, |index| {
            entry(index).is_some_and(|word| word >> bits < hash)
        });
        (first..entries)
            .map_while(move |index| entry(index).filter(|word| word >> bits == hash))
            .filter_map(move |word| table.get((word & ((1 << bits) - 1)) as usize))
            .filter(move |symbol| match Name::is_path(name) {
                true => symbol.name.path() == *name,
                false => symbol.name == *name,
            })
    }

    /// The file and line that the instruction at `address` comes from.
    #[must_use]
    pub fn line(&self, address: u64) -> Option<(Name<'a>, u32)> {
        let relative = self.relative(address)?;
        let block_word = |block: usize, field| {
            let start = block.checked_mul(Section::Blocks.stride())?;
            word(self.blocks, start.checked_add(field)?)
        };
        let blocks = (self.blocks.len() / Section::Blocks.stride()).saturating_sub(1);
        let block = partition(blocks, |block| {
            block_word(block, 0).is_some_and(|start| start <= relative)
        })
        .checked_sub(1)?;
        let text = self.text(block_word(block, 4)?, block_word(block + 1, 4)?)?;
        let row = lines::decode(text.bytes(), block_word(block, 0)?, BLOCK_ROWS, relative)?;
        let file = row.file.checked_sub(1)? as usize;
        let file_word = |file: usize| word(self.files, file.checked_mul(Section::Files.stride())?);
        let file = self.text(file_word(file)?, file_word(file.checked_add(1)?)?)?;
        Some((Name::of_codes(file), row.line))
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

    /// The text whose codes have these numbers.
    fn text(&self, start: u32, end: u32) -> Option<Codes<'a>> {
        let stride = Section::Codes.stride();
        let range = (start as usize).checked_mul(stride)?..(end as usize).checked_mul(stride)?;
        Some(Codes::new(self.rules, self.codes.get(range)?))
    }
}

/// How many symbols these records are of: behind the last one is one that only ends its name.
fn count(symbols: &[u8]) -> usize {
    (symbols.len() / symbol::STRIDE).saturating_sub(1)
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

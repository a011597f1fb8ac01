//! The writer, which the host uses.

use super::layout::{self, BLOCK_ROWS, BY_PATH, Section, symbol};
use super::{BUILD_ID_LENGTH, Binding, Kind, Symbol, lines};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// Why a table cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The addresses are more than 4 GiB apart.
    TooFar {
        /// The symbol or file that is too far from the lowest address.
        name: String,
        /// Its address.
        address: u64,
    },
    /// A name is longer than 64 KiB.
    LongName {
        /// Its first bytes.
        start: String,
    },
    /// The table would be larger than 4 GiB, or have 2³¹ symbols.
    TooLarge,
}

impl fmt::Display for BuildError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFar { name, address } => {
                write!(
                    out,
                    "{name} at {address:#x} is more than 4 GiB behind the lowest address"
                )
            }
            Self::LongName { start } => {
                write!(out, "the name that begins with {start:?} is longer than 64 KiB")
            }
            Self::TooLarge => out.write_str("the symbol table is too large"),
        }
    }
}

impl core::error::Error for BuildError {}

/// A row of the line table: what holds from `address` on, up to the next row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first address.
    pub address: u64,
    /// File and line; `None` where none is known.
    pub place: Option<(String, u32)>,
}

/// Collects symbols and lines, in any order, and writes the table.
#[derive(Clone, Debug, Default)]
pub struct TableBuilder<'s> {
    build_id: [u8; BUILD_ID_LENGTH],
    symbols: Vec<Symbol<'s>>,
    lines: Vec<Line>,
}

impl<'s> TableBuilder<'s> {
    /// An empty table for the image with this build id.
    #[must_use]
    pub fn new(build_id: [u8; BUILD_ID_LENGTH]) -> Self {
        Self {
            build_id,
            ..Self::default()
        }
    }

    /// Adds a symbol.
    pub fn symbol(&mut self, symbol: Symbol<'s>) -> &mut Self {
        self.symbols.push(symbol);
        self
    }

    /// Adds a row of the line table.
    pub fn line(&mut self, line: Line) -> &mut Self {
        self.lines.push(line);
        self
    }

    /// Writes the table. The same content gives the same bytes, whatever the order it came in.
    ///
    /// # Errors
    /// Something is too long or too far away for the format.
    pub fn build(mut self) -> Result<Vec<u8>, BuildError> {
        // Of several symbols at one address a look-up gives the last: a global function where there is one.
        self.symbols.sort_by_key(|symbol| {
            (
                symbol.address,
                symbol.kind == Kind::Function,
                symbol.binding == Binding::Global,
                symbol.size,
                symbol.name,
            )
        });
        self.symbols.dedup();
        // Where one stretch of code ends and the next one begins, the beginning counts.
        self.lines
            .sort_by_key(|line| (line.address, line.place.is_some()));

        let lowest_symbol = self.symbols.first().map(|symbol| symbol.address);
        let lowest_line = self.lines.first().map(|line| line.address);
        let base = lowest_symbol.into_iter().chain(lowest_line).min().unwrap_or(0);
        let relative = |address: u64, name: &str| {
            u32::try_from(address - base).map_err(|_| BuildError::TooFar {
                name: name.into(),
                address,
            })
        };

        let mut strings = Strings::default();
        let mut records = Vec::new();
        let mut names = Vec::new();
        for (entry, index) in self.symbols.iter().zip(0u32..BY_PATH) {
            records.extend(relative(entry.address, entry.name)?.to_le_bytes());
            records.extend(u32::try_from(entry.size).unwrap_or(u32::MAX).to_le_bytes());
            records.extend(strings.reference(entry.name)?.to_le_bytes());
            records.extend(strings.reference(entry.path)?.to_le_bytes());
            let object = if entry.kind == Kind::Object {
                symbol::OBJECT
            } else {
                0
            };
            let global = if entry.binding == Binding::Global {
                symbol::GLOBAL
            } else {
                0
            };
            records.extend([
                entry.local_entry.to_st_other(),
                entry.site.unwrap_or(symbol::NO_SITE),
                object | global,
                0,
            ]);
            names.push((entry.name, index));
            if entry.path != entry.name {
                names.push((entry.path, index | BY_PATH));
            }
        }
        names.sort_by_key(|(name, index)| (*name, index & !BY_PATH));
        let names = names.iter().flat_map(|(_, index)| index.to_le_bytes()).collect();

        let [files, blocks, lines] = line_sections(&self.lines, relative, &mut strings)?;
        assemble(
            &self.build_id,
            base,
            [records, names, files, blocks, lines, strings.bytes],
        )
    }
}

/// The sections of the line table: files, blocks, lines.
fn line_sections(
    lines: &[Line],
    relative: impl Fn(u64, &str) -> Result<u32, BuildError>,
    strings: &mut Strings,
) -> Result<[Vec<u8>; 3], BuildError> {
    let mut files = Vec::new();
    let mut numbers = BTreeMap::new();
    let mut rows: Vec<lines::Row> = Vec::new();
    for Line { address, place } in lines {
        let mut row = lines::Row::default();
        if let Some((file, line)) = place {
            row.line = *line;
            row.file = match numbers.get(file.as_str()) {
                Some(number) => *number,
                None => {
                    files.extend(strings.reference(file)?.to_le_bytes());
                    let number = numbers.len() as u32 + 1;
                    numbers.insert(file.as_str(), number);
                    number
                }
            };
        }
        row.address = relative(*address, place.as_ref().map_or("a line", |(file, _)| file))?;
        // The last word on an address counts, and a row that changes nothing is none.
        if rows.last().is_some_and(|last| last.address == row.address) {
            rows.pop();
        }
        if rows
            .last()
            .is_none_or(|last| (last.file, last.line) != (row.file, row.line))
        {
            rows.push(row);
        }
    }
    let (mut blocks, mut stream) = (Vec::new(), Vec::new());
    for block in rows.chunks(BLOCK_ROWS) {
        blocks.extend(block[0].address.to_le_bytes());
        blocks.extend((stream.len() as u32).to_le_bytes());
        lines::encode(block, &mut stream);
    }
    Ok([files, blocks, stream])
}

fn assemble(
    build_id: &[u8; BUILD_ID_LENGTH],
    base: u64,
    sections: [Vec<u8>; Section::ALL.len()],
) -> Result<Vec<u8>, BuildError> {
    let mut bytes = vec![0; layout::HEADER];
    bytes[..layout::MAGIC.len()].copy_from_slice(&layout::MAGIC);
    bytes[layout::BUILD_ID..][..BUILD_ID_LENGTH].copy_from_slice(build_id);
    bytes[layout::BASE..][..8].copy_from_slice(&base.to_le_bytes());
    for (section, content) in Section::ALL.into_iter().zip(sections) {
        let offset = u32::try_from(bytes.len()).map_err(|_| BuildError::TooLarge)?;
        let count = u32::try_from(content.len() / section.stride()).map_err(|_| BuildError::TooLarge)?;
        bytes[section.header()..][..4].copy_from_slice(&offset.to_le_bytes());
        bytes[section.header() + 4..][..4].copy_from_slice(&count.to_le_bytes());
        bytes.extend(content);
    }
    Ok(bytes)
}

/// The strings, each once.
#[derive(Default)]
struct Strings {
    bytes: Vec<u8>,
    known: BTreeMap<String, u32>,
}

impl Strings {
    fn reference(&mut self, text: &str) -> Result<u32, BuildError> {
        if let Some(reference) = self.known.get(text) {
            return Ok(*reference);
        }
        let reference = u32::try_from(self.bytes.len()).map_err(|_| BuildError::TooLarge)?;
        let length = u16::try_from(text.len()).map_err(|_| BuildError::LongName {
            start: text.chars().take(64).collect(),
        })?;
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(text.as_bytes());
        self.known.insert(text.into(), reference);
        Ok(reference)
    }
}

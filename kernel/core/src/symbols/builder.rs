//! The writer, which the host uses.

use super::index::{Hash, number_bits};
use super::layout::{self, BLOCK_ROWS, NAME_LENGTH, Section, symbol};
use super::{BUILD_ID_LENGTH, Binding, Kind, Symbol, dictionary, lines};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
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
    /// A name is longer than 2 KiB.
    LongName {
        /// Its first bytes.
        start: String,
    },
    /// A site is too far behind its function's entry, or between two instructions.
    FarSite {
        /// The function.
        name: String,
    },
    /// The table would be larger than 4 GiB, or its texts longer than 2²⁴ codes.
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
                write!(out, "the name that begins with {start:?} is longer than 2 KiB")
            }
            Self::FarSite { name } => write!(out, "the site of {name} is not near its entry"),
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
        let mut symbols: Vec<(String, Symbol<'_>)> = self
            .symbols
            .iter()
            .map(|symbol| (symbol.name.to_string(), *symbol))
            .collect();
        // Of several symbols at one address a look-up gives the last: a global function where there is one.
        symbols.sort_by(|(name, symbol), (other_name, other)| {
            let key = |symbol: &Symbol<'_>| {
                let (kind, binding) = (symbol.kind, symbol.binding);
                (
                    symbol.address,
                    kind == Kind::Function,
                    binding == Binding::Global,
                    symbol.size,
                )
            };
            key(symbol).cmp(&key(other)).then_with(|| name.cmp(other_name))
        });
        symbols.dedup();
        // Where one stretch of code ends and the next one begins, the beginning counts.
        self.lines
            .sort_by_key(|line| (line.address, line.place.is_some()));

        let lowest_symbol = symbols.first().map(|(_, symbol)| symbol.address);
        let lowest_line = self.lines.first().map(|line| line.address);
        let base = lowest_symbol.into_iter().chain(lowest_line).min().unwrap_or(0);
        let relative = |address: u64, name: &str| {
            u32::try_from(address - base).map_err(|_| BuildError::TooFar {
                name: name.into(),
                address,
            })
        };

        let (files, blocks) = line_texts(&self.lines, relative)?;
        let names = symbols.iter().map(|(name, _)| name.as_bytes());
        let names = names.chain(files.iter().map(|file| file.as_bytes()));
        let texts = names.chain(blocks.iter().map(|(_, text)| text.as_slice()));
        let compressed = dictionary::compress(texts);
        let mut starts = Starts::new(&compressed.texts);

        let mut records = Vec::new();
        for (name, symbol) in &symbols {
            records.extend(relative(symbol.address, name)?.to_le_bytes());
            records.extend(u32::try_from(symbol.size).unwrap_or(u32::MAX).to_le_bytes());
            let attributes = u32::from(attributes(symbol, name)?) << symbol::NAME_BITS;
            records.extend((starts.next()? | attributes).to_le_bytes());
        }
        let end = starts.peek()?;
        records.extend([0, 0, end].map(u32::to_le_bytes).as_flattened());
        let mut file_starts = Vec::new();
        for _ in &files {
            file_starts.extend(starts.next()?.to_le_bytes());
        }
        file_starts.extend(starts.peek()?.to_le_bytes());
        let mut block_starts = Vec::new();
        for (address, _) in &blocks {
            block_starts.extend(address.to_le_bytes());
            block_starts.extend(starts.next()?.to_le_bytes());
        }
        block_starts.extend([u32::MAX, starts.peek()?].map(u32::to_le_bytes).as_flattened());

        let rules = compressed.rules.as_flattened().iter();
        let codes = compressed.texts.iter().flatten();
        assemble(
            &self.build_id,
            base,
            [
                records,
                name_index(&symbols),
                file_starts,
                block_starts,
                rules.flat_map(|code| code.to_le_bytes()).collect(),
                codes.flat_map(|code| code.to_le_bytes()).collect(),
            ],
        )
    }
}

/// The attributes of a symbol's record.
fn attributes(symbol: &Symbol<'_>, name: &str) -> Result<u8, BuildError> {
    if name.len() > NAME_LENGTH {
        return Err(BuildError::LongName {
            start: name.chars().take(64).collect(),
        });
    }
    let site =
        symbol::site_attribute(symbol.site).ok_or_else(|| BuildError::FarSite { name: name.into() })?;
    let flag = |is: bool, bit| if is { bit } else { 0 };
    Ok(symbol.local_entry.to_st_other()
        | site
        | flag(symbol.kind == Kind::Object, symbol::OBJECT)
        | flag(symbol.binding == Binding::Global, symbol::GLOBAL))
}

/// The index of names, each symbol by its name and by its path.
fn name_index(symbols: &[(String, Symbol<'_>)]) -> Vec<u8> {
    let number_mask = (1 << number_bits(symbols.len())) - 1;
    let mut words = Vec::new();
    for ((name, symbol), number) in symbols.iter().zip(0u32..) {
        let path = symbol.name.path().to_string();
        words.extend([name, &path].map(|text| Hash::of(text) & !number_mask | number));
    }
    words.sort_unstable();
    words.dedup();
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Where each text begins among all codes, one after the other.
struct Starts<'t> {
    texts: core::slice::Iter<'t, Vec<u16>>,
    next: usize,
}

impl<'t> Starts<'t> {
    fn new(texts: &'t [Vec<u16>]) -> Self {
        Starts {
            texts: texts.iter(),
            next: 0,
        }
    }

    fn peek(&self) -> Result<u32, BuildError> {
        let next = u32::try_from(self.next).ok();
        next.filter(|next| *next < 1 << symbol::NAME_BITS)
            .ok_or(BuildError::TooLarge)
    }

    fn next(&mut self) -> Result<u32, BuildError> {
        let start = self.peek();
        self.next += self.texts.next().map_or(0, Vec::len);
        start
    }
}

/// The files of the line table, and its blocks, each with its first address.
type LineTexts<'l> = (Vec<&'l str>, Vec<(u32, Vec<u8>)>);

fn line_texts(
    lines: &[Line],
    relative: impl Fn(u64, &str) -> Result<u32, BuildError>,
) -> Result<LineTexts<'_>, BuildError> {
    let mut files = Vec::new();
    let mut numbers = BTreeMap::new();
    let mut rows: Vec<lines::Row> = Vec::new();
    for Line { address, place } in lines {
        let mut row = lines::Row::default();
        if let Some((file, line)) = place {
            row.line = *line;
            row.file = *numbers.entry(file.as_str()).or_insert_with(|| {
                files.push(file.as_str());
                files.len() as u32
            });
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
    let blocks = rows.chunks(BLOCK_ROWS);
    let blocks = blocks.map(|block| (block[0].address, lines::encode(block)));
    Ok((files, blocks.collect()))
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

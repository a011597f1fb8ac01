//! How much room a module takes and what goes where in it, before anybody knows the address.
//!
//! ```text
//!   text    executable sections, then the stubs
//!   rodata  read-only sections, .eh_frame among them
//!   data    .toc and .got first, then GOT entries of our own, then writable sections
//!   bss     zeros
//! ```
//! Each region begins at a multiple of the alignment that the caller chose, so that one may have its own access rights.
//! The TOC pointer is 0x8000 behind the start of the data region's TOC part, whether or not there is a `.toc`.

use super::file::{Definition, ModuleFile, Section};
use super::stub::{STUB_SIZE, StubKind};
use super::{ModuleError, relocation};
use alloc::vec::Vec;
use core::ops::Range;

/// Largest module, in bytes of memory: with it, a branch reaches everything in its own module.
pub const MODULE_SIZE_LIMIT: u64 = 1 << 24;
/// The TOC pointer's distance from the start of the TOC, so that 16 bits reach 64 KiB of it.
pub(super) const TOC_BIAS: u64 = 0x8000;
/// Alignment of the TOC's start, as GNU ld has it.
const TOC_ALIGNMENT: u64 = 256;
const STUB_ALIGNMENT: u64 = 16;
const GOT_ENTRY: u64 = 8;

/// What a region is for, in the order of their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionKind {
    /// Code: read and execute.
    Text,
    /// Constants: read.
    Rodata,
    /// Variables with values, and the TOC: read and write.
    Data,
    /// Variables that begin as zeros: read and write.
    Bss,
}

/// One region of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// What for.
    pub kind: RegionKind,
    /// Bytes from the start of the module; a multiple of the alignment.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
}

/// A stub or GOT entry that links will fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot<K> {
    pub(super) symbol: usize,
    pub(super) kind: K,
    pub(super) offset: u64,
}

/// Where everything in a module is, relative to its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Bytes in all, from the start to the end of the last region.
    pub size: u64,
    /// What the module's address must be a multiple of.
    pub alignment: u64,
    /// Text, rodata, data, bss, in this order; a region may be empty.
    pub regions: [Region; 4],
    /// The TOC pointer.
    pub(super) toc: u64,
    /// For each section of the file, its offset if it is loaded.
    pub(super) sections: Vec<Option<u64>>,
    /// In the order of symbol and kind.
    pub(super) stubs: Vec<Slot<StubKind>>,
    /// In the order of symbols.
    pub(super) got: Vec<Slot<()>>,
}

impl Layout {
    /// The stub for calls of `kind` to `symbol`.
    pub(super) fn stub(&self, symbol: usize, kind: StubKind) -> Option<&Slot<StubKind>> {
        let key = |slot: &Slot<StubKind>| (slot.symbol, slot.kind);
        self.stubs
            .binary_search_by_key(&(symbol, kind), key)
            .ok()
            .map(|at| &self.stubs[at])
    }

    /// The GOT entry of `symbol`.
    pub(super) fn got(&self, symbol: usize) -> Option<&Slot<()>> {
        self.got
            .binary_search_by_key(&symbol, |slot| slot.symbol)
            .ok()
            .map(|at| &self.got[at])
    }
}

/// Counts up, and past the limit stays where it is: `end` says so once.
struct Cursor {
    at: u64,
}

impl Cursor {
    fn align(&mut self, alignment: u64) -> u64 {
        self.at = self.at.checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        self.at
    }

    fn take(&mut self, alignment: u64, size: u64) -> u64 {
        let start = self.align(alignment);
        self.at = start.saturating_add(size);
        start
    }

    fn end(&self) -> Result<u64, ModuleError> {
        if self.at > MODULE_SIZE_LIMIT {
            return Err(ModuleError::TooLarge {
                size: self.at,
                limit: MODULE_SIZE_LIMIT,
            });
        }
        Ok(self.at)
    }
}

impl ModuleFile<'_> {
    /// Decides the module's layout, with each region at a multiple of `alignment` (a power of two; rounded up to one,
    /// and to what the sections need).
    ///
    /// # Errors
    /// When the module is larger than [`MODULE_SIZE_LIMIT`], or a call in it cannot be planned.
    pub fn lay_out(&self, alignment: u64) -> Result<Layout, ModuleError> {
        let loaded = self.sections.iter().filter(|section| section.loaded);
        let alignment = (loaded.map(|section| section.alignment)).fold(
            alignment
                .clamp(TOC_ALIGNMENT, MODULE_SIZE_LIMIT)
                .next_power_of_two(),
            u64::max,
        );
        let mut offsets = alloc::vec![None; self.sections.len()];
        let mut cursor = Cursor { at: 0 };
        let mut place = |cursor: &mut Cursor, least: u64, wanted: &dyn Fn(&Section<'_>) -> bool| {
            for (section, offset) in self.sections.iter().zip(&mut offsets) {
                if section.loaded && offset.is_none() && wanted(section) {
                    *offset = Some(cursor.take(section.alignment.max(least), section.size));
                }
            }
        };

        place(&mut cursor, 4, &|section| section.is_executable());
        let mut stubs = self.plan_stubs()?;
        cursor.align(STUB_ALIGNMENT);
        for stub in &mut stubs {
            stub.offset = cursor.take(4, STUB_SIZE);
        }
        let text_end = cursor.end()?;

        let rodata = cursor.align(alignment);
        place(&mut cursor, 1, &|section| !section.is_writable());
        let rodata_end = cursor.end()?;

        let data = cursor.align(alignment);
        place(&mut cursor, TOC_ALIGNMENT, &|section| section.name == ".toc");
        place(&mut cursor, GOT_ENTRY, &|section| section.name == ".got");
        let mut got = self.plan_got();
        for entry in &mut got {
            entry.offset = cursor.take(GOT_ENTRY, GOT_ENTRY);
        }
        place(&mut cursor, 1, &|section| !section.is_zero());
        let data_end = cursor.end()?;

        let bss = cursor.align(alignment);
        place(&mut cursor, 1, &|_| true);
        let size = cursor.end()?;

        let region = |kind, offset, end| Region {
            kind,
            offset,
            size: end - offset,
        };
        Ok(Layout {
            size,
            alignment,
            regions: [
                region(RegionKind::Text, 0, text_end),
                region(RegionKind::Rodata, rodata, rodata_end),
                region(RegionKind::Data, data, data_end),
                region(RegionKind::Bss, bss, size),
            ],
            toc: data + TOC_BIAS,
            sections: offsets,
            stubs,
            got,
        })
    }

    fn plan_stubs(&self) -> Result<Vec<Slot<StubKind>>, ModuleError> {
        let mut slots = Vec::new();
        for relocation in self
            .relocations
            .iter()
            .filter(|relocation| self.sections[relocation.section].loaded)
        {
            if let Some(kind) = self.stub_kind(relocation)? {
                slots.push(Slot {
                    symbol: relocation.symbol,
                    kind,
                    offset: 0,
                });
            }
        }
        slots.sort_unstable_by_key(|slot| (slot.symbol, slot.kind));
        slots.dedup();
        Ok(slots)
    }

    fn plan_got(&self) -> Vec<Slot<()>> {
        let uses_got =
            |kind| relocation::Howto::of(kind).is_some_and(|h| h.value == relocation::Value::GotRelative);
        let mut slots: Vec<_> = (self.relocations.iter())
            .filter(|relocation| uses_got(relocation.kind) && self.sections[relocation.section].loaded)
            .map(|relocation| Slot {
                symbol: relocation.symbol,
                kind: (),
                offset: 0,
            })
            .collect();
        slots.sort_unstable_by_key(|slot| slot.symbol);
        slots.dedup();
        slots
    }

    /// The sections that are loaded, in the order of the file, each with its offset from the start of the module.
    pub fn loaded_sections<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = (&'a str, u64)> {
        let places = self.sections.iter().zip(&layout.sections);
        places.filter_map(|(section, offset)| Some((section.name, (*offset)?)))
    }

    /// Where the section of this name is, from the start of the module; `None` when there is none that is loaded.
    pub fn section(&self, layout: &Layout, name: &str) -> Option<Range<u64>> {
        let mut places = self.sections.iter().zip(&layout.sections);
        let (section, offset) = places.find(|(section, _)| section.name == name)?;
        offset.map(|offset| offset..offset + section.size)
    }

    /// Whether a symbol is somebody else's.
    pub(super) fn is_external(&self, symbol: usize) -> bool {
        self.symbols[symbol].definition == Definition::Undefined
    }
}

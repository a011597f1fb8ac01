//! The patchable sites of a module: where the compilers say they are, checked against the code.
//!
//! | shape | made by | code at the local entry | the word that changes |
//! |---|---|---|---|
//! | one nop | rustc `-Zpatchable-function-entry=1` | `nop` | the `nop` |
//! | two slots | gcc `-pg -mprofile-kernel` | `mflr r0; bl _mcount` | the `bl`, a `nop` after loading |
//! | three slots | older gcc, hand-written | `mflr r0; std r0,16(r1); bl _mcount` | the same |
//!
//! rustc lists global entries in `__patchable_function_entries`; for C each relocation against `_mcount` is a site.

use super::ModuleError;
use super::file::{Definition, ModuleFile, Relocation};
use super::relocation::word_text;
use crate::insn::{NOP, R0, R1, is_bl, mflr, std};
use crate::site::{SiteShape, site_offset};
use alloc::{format, string::String, vec::Vec};
use goblin::elf::reloc::{R_PPC64_ADDR64, R_PPC64_REL24, R_PPC64_REL24_NOTOC};

/// Where rustc lists the functions that have a site.
pub(super) const ENTRIES_SECTION: &str = "__patchable_function_entries";
/// Bytes of one entry of that list.
const ENTRY: u64 = 8;

/// A patchable site of a linked module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSite {
    /// The function's raw name.
    pub function: String,
    /// The function's global entry.
    pub entry: u64,
    /// The address of the word that changes. It holds a `nop`.
    pub address: u64,
    /// The code around it.
    pub shape: SiteShape,
}

/// A site in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSite {
    pub(super) section: usize,
    /// Of the word that changes.
    pub(super) offset: u64,
    pub(super) shape: SiteShape,
    /// The function's offset in the section: its global entry.
    pub(super) entry: u64,
}

impl ModuleFile<'_> {
    /// Whether a symbol is the profiling hook that a compiler put into every function.
    fn is_mcount(&self, symbol: usize) -> bool {
        self.symbols[symbol].name == "_mcount" && self.is_external(symbol)
    }

    /// Whether a relocation belongs to a `bl _mcount`, which is a site and no call.
    pub(super) fn is_mcount_call(&self, relocation: &Relocation) -> bool {
        matches!(relocation.kind, R_PPC64_REL24 | R_PPC64_REL24_NOTOC) && self.is_mcount(relocation.symbol)
    }

    /// Finds all sites, in the order of section and offset.
    pub(super) fn find_sites(&self) -> Result<Vec<FileSite>, ModuleError> {
        let mut sites = Vec::new();
        for section in self
            .sections
            .iter()
            .filter(|section| section.name == ENTRIES_SECTION)
        {
            if section.size % ENTRY != 0 {
                let reason = format!(
                    "{ENTRIES_SECTION} has {:#x} bytes, expected a multiple of 8",
                    section.size
                );
                return Err(ModuleError::SiteList { reason });
            }
        }
        let mut listed = 0;
        for relocation in &self.relocations {
            if self.sections[relocation.section].name == ENTRIES_SECTION {
                listed += 1;
                sites.push(self.listed_site(relocation)?);
            } else if self.is_mcount_call(relocation) {
                sites.push(self.mcount_site(relocation)?);
            }
        }
        let lists = self
            .sections
            .iter()
            .filter(|section| section.name == ENTRIES_SECTION);
        let entries: u64 = lists.map(|section| section.size / ENTRY).sum();
        if entries != listed {
            let reason = format!("{ENTRIES_SECTION} has {entries} entries and {listed} relocations");
            return Err(ModuleError::SiteList { reason });
        }
        sites.sort_unstable_by_key(|site: &FileSite| (site.section, site.offset));
        let same = |pair: &&[FileSite]| (pair[0].section, pair[0].entry) == (pair[1].section, pair[1].entry);
        if let Some(pair) = sites.windows(2).find(same) {
            return Err(self.bad_site(pair[1].section, pair[1].offset, "the function has two".into()));
        }
        Ok(sites)
    }

    fn listed_site(&self, relocation: &Relocation) -> Result<FileSite, ModuleError> {
        let symbol = &self.symbols[relocation.symbol];
        let Definition::Section(section) = symbol.definition else {
            let reason = format!("'{}' is not defined in the module", symbol.name);
            return Err(self.bad_site(relocation.section, relocation.offset, reason));
        };
        let entry = symbol.value.wrapping_add(relocation.addend as u64);
        let fail = |reason: &str| Err(self.bad_site(section, entry, reason.into()));
        if relocation.kind != R_PPC64_ADDR64 || relocation.offset % ENTRY != 0 {
            let reason = "the list's entry is not one R_PPC64_ADDR64";
            return Err(self.bad_site(relocation.section, relocation.offset, reason.into()));
        }
        let code = usize::try_from(entry)
            .ok()
            .and_then(|start| self.sections[section].data.get(start..));
        let Some(code) = code.filter(|_| self.sections[section].is_executable()) else {
            return fail("the listed address is not in code");
        };
        let site = FileSite {
            section,
            offset: entry + u64::from(site_offset(code)),
            shape: SiteShape::OneNop,
            entry,
        };
        let word = self.sections[section].word(site.offset);
        if word != Some(NOP) {
            let reason = format!("{} where a nop should be", word_text(word));
            return Err(self.bad_site(section, site.offset, reason));
        }
        match self
            .function_at(section, entry)
            .filter(|function| function.value == entry)
        {
            None => fail("no function begins at the listed address"),
            Some(_) => self.at_local_entry(site),
        }
    }

    fn mcount_site(&self, relocation: &Relocation) -> Result<FileSite, ModuleError> {
        let (section, offset) = (relocation.section, relocation.offset);
        let fail = |reason: String| Err(self.bad_site(section, offset, reason));
        let word = |back: u64| self.sections[section].word(offset.checked_sub(back)?);
        if !self.sections[section].is_executable() || offset % 4 != 0 {
            return fail("it is not in code".into());
        }
        if !word(0).is_some_and(is_bl) {
            return fail(format!("{} is not a bl", word_text(word(0))));
        }
        let shape = if word(4) == Some(mflr(R0)) {
            SiteShape::MflrBl
        } else if word(4) == Some(std(R0, 16, R1)) && word(8) == Some(mflr(R0)) {
            SiteShape::MflrStdBl
        } else {
            return fail("neither 'mflr r0' nor 'mflr r0; std r0,16(r1)' is in front of 'bl _mcount'".into());
        };
        match self.function_at(section, offset) {
            None => fail("'bl _mcount' is in no function".into()),
            Some(function) => self.at_local_entry(FileSite {
                section,
                offset,
                shape,
                entry: function.value,
            }),
        }
    }

    fn at_local_entry(&self, site: FileSite) -> Result<FileSite, ModuleError> {
        let function = self.function_at(site.section, site.entry);
        let local = function.map_or(0, |function| function.local_entry.offset());
        let expected = site.entry.checked_add((local + site.shape.patched_word()).into());
        if expected != Some(site.offset) {
            let reason =
                format!("it is not at the function's local entry, {local} bytes behind the global one");
            return Err(self.bad_site(site.section, site.offset, reason));
        }
        Ok(site)
    }

    fn bad_site(&self, section: usize, offset: u64, reason: String) -> ModuleError {
        ModuleError::SiteShape {
            place: self.place_at(section, offset),
            reason,
        }
    }
}

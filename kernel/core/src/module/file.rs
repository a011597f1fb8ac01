//! The file: its headers, sections, symbols and relocations, read once and checked in full.
//!
//! Whoever holds a [`ModuleFile`] may rely on this: every loaded section lies inside the file, every symbol inside its
//! section, every relocation's field inside the section it changes, and every relocation's type and symbol is known.

use super::relocation::{Field, Howto};
use super::site::FileSite;
use super::tables::{self, CTX, bad_section, beyond};
use super::{ModuleError, ModuleInfo, Place, relocation, symbol_table};
use crate::local_entry::LocalEntry;
use alloc::{borrow::ToOwned, boxed::Box, vec::Vec};
use goblin::elf::{SectionHeader, reloc::RelocSection, section_header as sh, sym};

/// One section.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) name: &'a str,
    pub(super) flags: u64,
    pub(super) size: u64,
    /// A power of two.
    pub(super) alignment: u64,
    /// The bytes; empty when the section has none in the file.
    pub(super) data: &'a [u8],
    /// Whether it becomes part of the module in memory.
    pub(super) loaded: bool,
}

impl Section<'_> {
    pub(super) fn is_executable(&self) -> bool {
        self.flags & u64::from(sh::SHF_EXECINSTR) != 0
    }

    pub(super) fn is_writable(&self) -> bool {
        self.flags & u64::from(sh::SHF_WRITE) != 0
    }

    /// Whether the section is zeros and takes no room in the file.
    pub(super) fn is_zero(&self) -> bool {
        self.size != 0 && self.data.is_empty()
    }

    /// The word at `offset`, if there is one.
    pub(super) fn word(&self, offset: u64) -> Option<u32> {
        let start = usize::try_from(offset).ok()?;
        let bytes = self.data.get(start..start.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// Where a symbol is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Definition {
    Undefined,
    Absolute,
    Section(usize),
}

/// One symbol.
#[derive(Debug)]
pub(super) struct FileSymbol<'a> {
    pub(super) name: &'a str,
    pub(super) definition: Definition,
    pub(super) value: u64,
    pub(super) size: u64,
    pub(super) kind: u8,
    pub(super) binding: u8,
    /// Whether other objects may refer to it: neither local nor hidden.
    pub(super) exported: bool,
    pub(super) local_entry: LocalEntry,
}

impl FileSymbol<'_> {
    pub(super) fn is_function(&self) -> bool {
        self.kind == sym::STT_FUNC
    }

    pub(super) fn is_weak(&self) -> bool {
        self.binding == sym::STB_WEAK
    }
}

/// One relocation of a section that is loaded, or of `__patchable_function_entries`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relocation {
    /// The section that it changes.
    pub(super) section: usize,
    /// Its index in the table, for messages.
    pub(super) index: usize,
    pub(super) offset: u64,
    pub(super) symbol: usize,
    pub(super) kind: u32,
    pub(super) addend: i64,
}

/// A module file that was checked in full.
#[derive(Debug)]
pub struct ModuleFile<'a> {
    /// What it says about itself.
    pub info: ModuleInfo,
    pub(super) sections: Vec<Section<'a>>,
    pub(super) symbols: Vec<FileSymbol<'a>>,
    pub(super) relocations: Vec<Relocation>,
    pub(super) sites: Vec<FileSite>,
}

impl<'a> ModuleFile<'a> {
    /// Whether its code is relative to the program counter, which takes a processor with prefixed instructions.
    #[must_use]
    pub fn is_pc_relative(&self) -> bool {
        let clobbers = |symbol: &FileSymbol<'_>| symbol.local_entry == LocalEntry::SameClobbersToc;
        let prefixed = |relocation: &Relocation| {
            let howto = Howto::of(relocation.kind);
            howto.is_some_and(|howto| howto.field == Field::Prefixed34)
        };
        self.symbols.iter().any(clobbers) || self.relocations.iter().any(prefixed)
    }

    /// Reads and checks `bytes`.
    ///
    /// # Errors
    /// Whatever makes the file no module for this machine, by name and place. Never panics.
    pub fn parse(bytes: &'a [u8]) -> Result<ModuleFile<'a>, ModuleError> {
        let header = tables::read_header(bytes)?;
        let (headers, sections) = tables::read_sections(bytes, &header)?;
        // rustc makes a section of this name for each string.
        let modinfo: Vec<&[u8]> = sections
            .iter()
            .filter(|section| section.name == ".modinfo")
            .map(|section| section.data)
            .collect();
        if modinfo.is_empty() {
            return Err(ModuleError::Info {
                reason: "there is no such section".into(),
            });
        }
        let info = ModuleInfo::parse(&modinfo.concat())?;
        let table = symbol_table::single(&headers)?;
        let symbols = symbol_table::read(bytes, &headers, &sections, table)?;
        let mut file = ModuleFile {
            info,
            sections,
            symbols,
            relocations: Vec::new(),
            sites: Vec::new(),
        };
        file.read_relocations(bytes, &headers, table)?;
        file.check_names()?;
        file.sites = file.find_sites()?;
        Ok(file)
    }

    fn read_relocations(
        &mut self,
        bytes: &[u8],
        headers: &[SectionHeader],
        symbol_table: usize,
    ) -> Result<(), ModuleError> {
        for (index, header) in headers.iter().enumerate() {
            if header.sh_type != sh::SHT_RELA && header.sh_type != sh::SHT_REL {
                continue;
            }
            let name = self.sections[index].name;
            let target = header.sh_info as usize;
            let Some(changed) = self.sections.get(target) else {
                return bad_section(index, name, "sh_info", target as u64, "the index of a section");
            };
            if !changed.loaded && changed.name != super::site::ENTRIES_SECTION {
                continue;
            }
            if header.sh_type == sh::SHT_REL {
                let reason = "relocations without addends are not this machine's";
                return Err(ModuleError::SectionKind {
                    index,
                    section: name.into(),
                    reason,
                });
            }
            if header.sh_link as usize != symbol_table {
                return bad_section(index, name, "sh_link", header.sh_link.into(), "the symbol table");
            }
            let entry = goblin::elf64::reloc::SIZEOF_RELA as u64;
            if header.sh_entsize != entry || header.sh_size % entry != 0 {
                return bad_section(
                    index,
                    name,
                    "sh_entsize",
                    header.sh_entsize,
                    "24, and sh_size a multiple of it",
                );
            }
            let table = RelocSection::parse(
                bytes,
                header.sh_offset as usize,
                header.sh_size as usize,
                true,
                CTX,
            )
            .map_err(|_| beyond(name, header.sh_offset, header.sh_size, bytes))?;
            for (number, entry) in table.iter().enumerate() {
                let relocation = Relocation {
                    section: target,
                    index: number,
                    offset: entry.r_offset,
                    symbol: entry.r_sym,
                    kind: entry.r_type,
                    addend: entry.r_addend.unwrap_or(0),
                };
                self.check_relocation(&relocation)?;
                self.relocations.push(relocation);
            }
        }
        Ok(())
    }

    fn check_relocation(&self, relocation: &Relocation) -> Result<(), ModuleError> {
        let section = &self.sections[relocation.section];
        let fail = |field, found, expected| {
            let section = section.name.to_owned();
            Err(ModuleError::Relocation {
                section,
                index: relocation.index,
                field,
                found,
                expected,
            })
        };
        let Some(symbol) = self.symbols.get(relocation.symbol) else {
            return fail(
                "r_info's symbol",
                relocation.symbol as u64,
                "an index in the symbol table",
            );
        };
        let Some(howto) = Howto::of(relocation.kind) else {
            return Err(ModuleError::UnknownRelocation {
                kind: relocation.kind,
                name: relocation::name(relocation.kind),
                place: self.place(relocation),
                symbol: self.symbol_name(symbol).to_owned(),
            });
        };
        // Sections without bytes in the file have none that could be changed.
        match relocation.offset.checked_add(howto.field.width()) {
            Some(end) if end <= section.data.len() as u64 => Ok(()),
            _ => fail("r_offset", relocation.offset, "a place inside the section"),
        }
    }

    fn check_names(&self) -> Result<(), ModuleError> {
        let defined = |symbol: &&FileSymbol<'_>| symbol.definition != Definition::Undefined;
        let mut names: Vec<&str> = (self.symbols.iter().filter(defined))
            .filter(|symbol| symbol.binding != sym::STB_LOCAL)
            .map(|symbol| symbol.name)
            .collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ModuleError::DuplicateSymbol {
                symbol: pair[0].into(),
            });
        }
        for name in ["init_module", "cleanup_module"] {
            let mut definitions = self
                .symbols
                .iter()
                .filter(defined)
                .filter(|symbol| symbol.name == name);
            let executable = |section: usize| self.sections[section].is_executable();
            if !definitions.all(|symbol| {
                symbol.is_function() && matches!(symbol.definition, Definition::Section(at) if executable(at))
            }) {
                return Err(ModuleError::EntryPoint { symbol: name });
            }
        }
        Ok(())
    }

    /// The name to show for a symbol: its own, or its section's.
    pub(super) fn symbol_name(&self, symbol: &FileSymbol<'a>) -> &'a str {
        match symbol.definition {
            Definition::Section(section) if symbol.name.is_empty() => self.sections[section].name,
            _ => symbol.name,
        }
    }

    /// Where a relocation is, for messages.
    pub(super) fn place(&self, relocation: &Relocation) -> Box<Place> {
        let mut place = self.place_at(relocation.section, relocation.offset);
        place.relocation = Some(relocation.index);
        place
    }

    /// An offset in a section, for messages.
    pub(super) fn place_at(&self, section: usize, offset: u64) -> Box<Place> {
        let function = self.function_at(section, offset);
        let function = function.map(|symbol| (symbol.name.to_owned(), offset - symbol.value));
        let section = self.sections[section].name.to_owned();
        Box::new(Place {
            section,
            offset,
            function,
            relocation: None,
        })
    }

    /// The function that covers `offset`; one without a size extends to the next symbol.
    pub(super) fn function_at(&self, section: usize, offset: u64) -> Option<&FileSymbol<'a>> {
        (self.symbols.iter())
            .filter(|symbol| symbol.is_function() && symbol.definition == Definition::Section(section))
            .filter(|symbol| symbol.value <= offset)
            .max_by_key(|symbol| symbol.value)
            .filter(|symbol| symbol.size == 0 || offset - symbol.value < symbol.size)
    }
}

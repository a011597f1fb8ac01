//! The file: its headers, sections, symbols and relocations, read once and checked in full.
//!
//! Whoever holds a [`ModuleFile`] may rely on this: every loaded section lies inside the file, every symbol inside its
//! section, every relocation's field inside the section it changes, and every relocation's type and symbol is known.

use super::site::FileSite;
use super::symbol::LocalEntry;
use super::{ModuleError, ModuleInfo, Place, relocation};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use goblin::container::{Container, Ctx, Endian};
use goblin::elf::{Elf, SectionHeader, Sym, header, reloc::RelocSection, section_header as sh, sym};

/// Bits 0 and 1 of `e_flags`: the version of the ABI.
const EF_PPC64_ABI: u32 = 3;
/// Largest alignment a section may ask for: one 64 KiB page.
const ALIGNMENT_LIMIT: u64 = 1 << 16;
const CTX: Ctx = Ctx {
    container: Container::Big,
    le: Endian::Little,
};

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
    /// Reads and checks `bytes`.
    ///
    /// # Errors
    /// Whatever makes the file no module for this machine, by name and place. Never panics.
    pub fn parse(bytes: &'a [u8]) -> Result<ModuleFile<'a>, ModuleError> {
        let header = read_header(bytes)?;
        let (headers, sections) = read_sections(bytes, &header)?;
        let info = match sections.iter().find(|section| section.name == ".modinfo") {
            Some(section) => ModuleInfo::parse(section.data)?,
            None => {
                return Err(ModuleError::Info {
                    reason: "there is no such section".into(),
                });
            }
        };
        let symbol_table = single_symbol_table(&headers)?;
        let symbols = read_symbols(bytes, &headers, &sections, symbol_table)?;
        let mut file = ModuleFile {
            info,
            sections,
            symbols,
            relocations: Vec::new(),
            sites: Vec::new(),
        };
        file.read_relocations(bytes, &headers, symbol_table)?;
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
        let Some(howto) = relocation::Howto::of(relocation.kind) else {
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
    pub(super) fn place(&self, relocation: &Relocation) -> Place {
        let mut place = self.place_at(relocation.section, relocation.offset);
        place.relocation = Some(relocation.index);
        place
    }

    /// An offset in a section, for messages.
    pub(super) fn place_at(&self, section: usize, offset: u64) -> Place {
        let function = self.function_at(section, offset);
        let function = function.map(|symbol| (symbol.name.to_owned(), offset - symbol.value));
        Place {
            section: self.sections[section].name.to_owned(),
            offset,
            function,
            relocation: None,
        }
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

fn bad_section<T>(
    index: usize,
    section: &str,
    field: &'static str,
    found: u64,
    expected: &'static str,
) -> Result<T, ModuleError> {
    Err(ModuleError::Section {
        index,
        section: section.to_owned(),
        field,
        found,
        expected,
    })
}

fn beyond(what: &str, offset: u64, size: u64, bytes: &[u8]) -> ModuleError {
    ModuleError::BeyondFile {
        what: what.to_owned(),
        offset,
        size,
        file_size: bytes.len() as u64,
    }
}

/// The bytes `offset..offset + size` of the file.
fn range<'a>(bytes: &'a [u8], what: &str, offset: u64, size: u64) -> Result<&'a [u8], ModuleError> {
    (offset.checked_add(size))
        .and_then(|end| bytes.get(usize::try_from(offset).ok()?..usize::try_from(end).ok()?))
        .ok_or_else(|| beyond(what, offset, size, bytes))
}

/// The name at `offset` of a string table.
fn string<'a>(
    table: &'a [u8],
    table_name: &str,
    offset: u64,
    whose: impl Fn() -> String,
) -> Result<&'a str, ModuleError> {
    let fail = |reason| {
        Err(ModuleError::Name {
            what: whose(),
            table: table_name.to_owned(),
            offset,
            reason,
        })
    };
    let Some(rest) = usize::try_from(offset).ok().and_then(|start| table.get(start..)) else {
        return fail("is behind the table's end");
    };
    let Some(end) = rest.iter().position(|&byte| byte == 0) else {
        return fail("has no end");
    };
    match core::str::from_utf8(&rest[..end]) {
        Ok(name) => Ok(name),
        Err(_) => fail("is not UTF-8"),
    }
}

fn read_header(bytes: &[u8]) -> Result<header::Header, ModuleError> {
    if !bytes.starts_with(header::ELFMAG) {
        let start = bytes.iter().take(4).copied().collect();
        return Err(ModuleError::NotElf {
            length: bytes.len(),
            start,
        });
    }
    let size = header::header64::SIZEOF_EHDR as u64;
    range(bytes, "ELF header", 0, size)?;
    let check = |field, found: u64, right, expected| {
        if found == right {
            Ok(())
        } else {
            Err(ModuleError::Header {
                field,
                found,
                expected,
            })
        }
    };
    // Class and byte order first: they decide how the rest is read.
    check(
        "EI_CLASS",
        bytes[header::EI_CLASS].into(),
        header::ELFCLASS64.into(),
        "2 (64-bit)",
    )?;
    check(
        "EI_DATA",
        bytes[header::EI_DATA].into(),
        header::ELFDATA2LSB.into(),
        "1 (little endian)",
    )?;
    check(
        "EI_VERSION",
        bytes[header::EI_VERSION].into(),
        header::EV_CURRENT.into(),
        "1",
    )?;
    let elf = Elf::parse_header(bytes).map_err(|_| beyond("ELF header", 0, size, bytes))?;
    check(
        "e_machine",
        elf.e_machine.into(),
        header::EM_PPC64.into(),
        "21 (PowerPC64)",
    )?;
    check(
        "e_type",
        elf.e_type.into(),
        header::ET_REL.into(),
        "1 (relocatable)",
    )?;
    check("e_version", elf.e_version.into(), header::EV_CURRENT.into(), "1")?;
    check(
        "e_flags' ABI version",
        (elf.e_flags & EF_PPC64_ABI).into(),
        2,
        "2 (ELFv2)",
    )?;
    check(
        "e_flags",
        elf.e_flags.into(),
        2,
        "no flag besides the ABI version",
    )?;
    check("e_ehsize", elf.e_ehsize.into(), size, "64")?;
    check(
        "e_shentsize",
        elf.e_shentsize.into(),
        sh::section_header64::SIZEOF_SHDR as u64,
        "64",
    )?;
    if elf.e_shnum < 2 {
        return Err(ModuleError::Header {
            field: "e_shnum",
            found: elf.e_shnum.into(),
            expected: "two or more sections",
        });
    }
    if elf.e_shstrndx == 0 || elf.e_shstrndx >= elf.e_shnum {
        let expected = "the index of a section";
        return Err(ModuleError::Header {
            field: "e_shstrndx",
            found: elf.e_shstrndx.into(),
            expected,
        });
    }
    Ok(elf)
}

fn read_sections<'a>(
    bytes: &'a [u8],
    header: &header::Header,
) -> Result<(Vec<SectionHeader>, Vec<Section<'a>>), ModuleError> {
    let table_size = u64::from(header.e_shnum) * u64::from(header.e_shentsize);
    range(bytes, "section header table", header.e_shoff, table_size)?;
    let headers = SectionHeader::parse_from(bytes, header.e_shoff as usize, header.e_shnum.into(), CTX)
        .map_err(|_| beyond("section header table", header.e_shoff, table_size, bytes))?;
    let names = &headers[usize::from(header.e_shstrndx)];
    if names.sh_type != sh::SHT_STRTAB {
        return bad_section(
            header.e_shstrndx.into(),
            "?",
            "sh_type",
            names.sh_type.into(),
            "3 (string table)",
        );
    }
    let names = range(bytes, "section name table", names.sh_offset, names.sh_size)?;
    let mut sections = Vec::with_capacity(headers.len());
    for (index, header) in headers.iter().enumerate() {
        let name = string(names, ".shstrtab", header.sh_name as u64, || {
            format!("section {index}")
        })?;
        sections.push(read_section(bytes, index, header, name)?);
    }
    Ok((headers, sections))
}

fn read_section<'a>(
    bytes: &'a [u8],
    index: usize,
    header: &SectionHeader,
    name: &'a str,
) -> Result<Section<'a>, ModuleError> {
    let in_memory = header.sh_flags & u64::from(sh::SHF_ALLOC) != 0;
    let data = match header.sh_type {
        sh::SHT_NULL | sh::SHT_NOBITS => &[],
        _ => range(
            bytes,
            &format!("section {index} '{name}'"),
            header.sh_offset,
            header.sh_size,
        )?,
    };
    let alignment = header.sh_addralign.max(1);
    if in_memory && !(alignment.is_power_of_two() && alignment <= ALIGNMENT_LIMIT) {
        return bad_section(
            index,
            name,
            "sh_addralign",
            alignment,
            "a power of two up to 65536",
        );
    }
    let unsupported = |reason| {
        Err(ModuleError::SectionKind {
            index,
            section: name.to_owned(),
            reason,
        })
    };
    if in_memory {
        match header.sh_type {
            sh::SHT_PROGBITS | sh::SHT_NOBITS | sh::SHT_NOTE => {}
            sh::SHT_INIT_ARRAY | sh::SHT_FINI_ARRAY | sh::SHT_PREINIT_ARRAY => {
                return unsupported("constructors and destructors are not run");
            }
            found => {
                return bad_section(
                    index,
                    name,
                    "sh_type",
                    found.into(),
                    "a type that can be in memory",
                );
            }
        }
        if header.sh_flags & u64::from(sh::SHF_TLS) != 0 {
            return unsupported("there is no thread-local storage");
        }
        if header.sh_flags & u64::from(sh::SHF_COMPRESSED) != 0 {
            return unsupported("it is compressed");
        }
        let executable = header.sh_flags & u64::from(sh::SHF_EXECINSTR) != 0;
        if executable && header.sh_flags & u64::from(sh::SHF_WRITE) != 0 {
            return unsupported("it is writable and executable");
        }
        if executable && header.sh_type == sh::SHT_NOBITS && header.sh_size != 0 {
            return unsupported("it is executable and has no bytes");
        }
    }
    // What is read once while loading takes no room afterwards.
    let loaded = in_memory && name != ".modinfo" && name != super::site::ENTRIES_SECTION;
    Ok(Section {
        name,
        flags: header.sh_flags,
        size: header.sh_size,
        alignment,
        data,
        loaded,
    })
}

fn single_symbol_table(headers: &[SectionHeader]) -> Result<usize, ModuleError> {
    let is_table = |header: &SectionHeader| header.sh_type == sh::SHT_SYMTAB;
    match headers.iter().filter(|header| is_table(header)).count() {
        1 => Ok(headers.iter().position(is_table).unwrap_or(0)),
        found => Err(ModuleError::SymbolTables { found }),
    }
}

fn read_symbols<'a>(
    bytes: &'a [u8],
    headers: &[SectionHeader],
    sections: &[Section<'a>],
    index: usize,
) -> Result<Vec<FileSymbol<'a>>, ModuleError> {
    let (header, name) = (&headers[index], sections[index].name);
    let entry = sym::sym64::SIZEOF_SYM as u64;
    if header.sh_entsize != entry || header.sh_size % entry != 0 {
        return bad_section(
            index,
            name,
            "sh_entsize",
            header.sh_entsize,
            "24, and sh_size a multiple of it",
        );
    }
    let strings = header.sh_link as usize;
    if headers
        .get(strings)
        .is_none_or(|table| table.sh_type != sh::SHT_STRTAB)
    {
        return bad_section(index, name, "sh_link", header.sh_link.into(), "a string table");
    }
    let count = header.sh_size / entry;
    let table = Sym::parse(bytes, header.sh_offset as usize, count as usize, CTX)
        .map_err(|_| beyond(name, header.sh_offset, header.sh_size, bytes))?;
    let strings = &sections[strings];
    (table.iter().enumerate())
        .map(|(index, symbol)| {
            let name = string(strings.data, strings.name, symbol.st_name as u64, || {
                format!("symbol {index}")
            })?;
            read_symbol(sections, index, symbol, name)
        })
        .collect()
}

fn read_symbol<'a>(
    sections: &[Section<'a>],
    index: usize,
    symbol: &Sym,
    name: &'a str,
) -> Result<FileSymbol<'a>, ModuleError> {
    let fail = |field, found, expected| {
        Err(ModuleError::Symbol {
            index,
            symbol: name.to_owned(),
            field,
            found,
            expected,
        })
    };
    let definition = match symbol.st_shndx as u32 {
        sh::SHN_UNDEF => Definition::Undefined,
        sh::SHN_ABS => Definition::Absolute,
        sh::SHN_COMMON => {
            return fail(
                "st_shndx",
                sh::SHN_COMMON.into(),
                "no common symbol: build with -fno-common",
            );
        }
        section if section < sh::SHN_LORESERVE && (section as usize) < sections.len() => {
            Definition::Section(section as usize)
        }
        section => return fail("st_shndx", section.into(), "the index of a section"),
    };
    let kind = symbol.st_type();
    if matches!(kind, sym::STT_TLS | sym::STT_GNU_IFUNC) {
        return fail(
            "st_info's type",
            kind.into(),
            "neither thread-local nor an indirect function",
        );
    }
    let binding = symbol.st_bind();
    if !matches!(binding, sym::STB_LOCAL | sym::STB_GLOBAL | sym::STB_WEAK) {
        return fail("st_info's binding", binding.into(), "local, global or weak");
    }
    let Some(local_entry) = LocalEntry::from_st_other(symbol.st_other) else {
        return fail(
            "st_other",
            symbol.st_other.into(),
            "a local entry offset that is defined",
        );
    };
    if let Definition::Section(section) = definition {
        let section = &sections[section];
        if section.loaded {
            match symbol.st_value.checked_add(symbol.st_size) {
                Some(end) if end <= section.size => {}
                _ => {
                    return fail(
                        "st_value",
                        symbol.st_value,
                        "a place inside its section, all of its size",
                    );
                }
            }
        }
        if kind == sym::STT_FUNC && (symbol.st_value % 4 != 0 || !section.is_executable()) {
            return fail(
                "st_value",
                symbol.st_value,
                "a multiple of 4 in an executable section, for a function",
            );
        }
    }
    let visible = matches!(symbol.st_visibility(), sym::STV_DEFAULT | sym::STV_PROTECTED);
    Ok(FileSymbol {
        name,
        exported: visible && binding != sym::STB_LOCAL,
        definition,
        value: symbol.st_value,
        size: symbol.st_size,
        kind,
        binding,
        local_entry,
    })
}

//! The symbol table of the file: every symbol, checked against the section that it is in.

use super::file::{Definition, FileSymbol, Section};
use super::tables::{CTX, bad_section, beyond, string};
use super::{LateName, ModuleError};
use crate::local_entry::LocalEntry;
use alloc::{borrow::ToOwned, format, vec::Vec};
use goblin::elf::{SectionHeader, Sym, section_header as sh, sym};

/// The index of the one section that is a symbol table.
pub(super) fn single(headers: &[SectionHeader]) -> Result<usize, ModuleError> {
    let is_table = |header: &SectionHeader| header.sh_type == sh::SHT_SYMTAB;
    match headers.iter().filter(|header| is_table(header)).count() {
        1 => Ok(headers.iter().position(is_table).unwrap_or(0)),
        found => Err(ModuleError::SymbolTables { found }),
    }
}

/// All symbols of the table in section `index`.
pub(super) fn read<'a>(
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

/// Linux's mark for a symbol of `.klp.sym.…`.
const SHN_LIVEPATCH: u32 = 0xff20;

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
        SHN_LIVEPATCH if LateName::parse(name).is_some() => Definition::Undefined,
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

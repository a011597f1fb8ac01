//! ELF header and section headers, each read and checked by itself.

use super::ModuleError;
use super::file::Section;
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use goblin::container::{Container, Ctx, Endian};
use goblin::elf::{Elf, SectionHeader, header, section_header as sh};

/// How this machine's ELF files are written.
pub(super) const CTX: Ctx = Ctx {
    container: Container::Big,
    le: Endian::Little,
};

/// Largest alignment a section may ask for: one 64 KiB page.
const ALIGNMENT_LIMIT: u64 = 1 << 16;
/// Bits 0 and 1 of `e_flags`: the version of the ABI.
const EF_PPC64_ABI: u32 = 3;
/// An error about one field of a section header.
pub(super) fn bad_section<T>(
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

/// The error for what lies behind the end of the file.
pub(super) fn beyond(what: &str, offset: u64, size: u64, bytes: &[u8]) -> ModuleError {
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
pub(super) fn string<'a>(
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

/// The ELF header, if it is that of a module for this machine.
pub(super) fn read_header(bytes: &[u8]) -> Result<header::Header, ModuleError> {
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

/// All sections, with their headers.
pub(super) fn read_sections<'a>(
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

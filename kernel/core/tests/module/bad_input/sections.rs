//! Sections that cannot be.

use super::refused;
use crate::tools::calls;
use goblin::elf::Elf;

/// Changes one field of the header of a section.
fn with_section(object: &[u8], name: &str, field: usize, value: u64, size: usize) -> Vec<u8> {
    let elf = Elf::parse(object).unwrap();
    let named = |section: &goblin::elf::SectionHeader| elf.shdr_strtab.get_at(section.sh_name) == Some(name);
    let index = elf
        .section_headers
        .iter()
        .position(named)
        .unwrap_or_else(|| panic!("no {name}"));
    let at = elf.header.e_shoff as usize + 64 * index + field;
    let mut bytes = object.to_vec();
    bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    bytes
}

/// Offsets in a section header.
const SH_NAME: usize = 0;
const SH_TYPE: usize = 4;
const SH_FLAGS: usize = 8;
const SH_OFFSET: usize = 24;
const SH_SIZE: usize = 32;
const SH_LINK: usize = 40;
const SH_INFO: usize = 44;
const SH_ALIGN: usize = 48;
const SH_ENTSIZE: usize = 56;

#[test]
fn section_headers() {
    let object = calls("medium");
    let size = object.len();
    for (section, field, value, width, message) in [
        (".data", SH_OFFSET, 0xffff_0000, 8, "'.data' at 0xffff0000"),
        (".data", SH_SIZE, u64::MAX, 8, "'.data' at "),
        (".text", SH_OFFSET, u64::MAX, 8, "'.text' at 0xffffffffffffffff"),
        (".symtab", SH_OFFSET, size as u64, 8, "'.symtab' at "),
        (
            ".symtab",
            SH_SIZE,
            25,
            8,
            "'.symtab': sh_entsize is 0x18, expected 24, and sh_size a multiple of it",
        ),
        (".symtab", SH_ENTSIZE, 0, 8, "'.symtab': sh_entsize is 0x0"),
        (
            ".symtab",
            SH_LINK,
            1,
            4,
            "'.symtab': sh_link is 0x1, expected a string table",
        ),
        (
            ".symtab",
            SH_LINK,
            0xffff,
            4,
            "'.symtab': sh_link is 0xffff, expected a string table",
        ),
        (".symtab", SH_TYPE, 1, 4, "0 symbol tables, expected one"),
        (
            ".rela.text",
            SH_INFO,
            0xffff,
            4,
            "'.rela.text': sh_info is 0xffff, expected the index of a section",
        ),
        (
            ".rela.text",
            SH_LINK,
            1,
            4,
            "'.rela.text': sh_link is 0x1, expected the symbol table",
        ),
        (
            ".rela.text",
            SH_TYPE,
            9,
            4,
            "'.rela.text' is not supported: relocations without addends",
        ),
        (
            ".rela.text",
            SH_ENTSIZE,
            16,
            8,
            "'.rela.text': sh_entsize is 0x10, expected 24",
        ),
        (
            ".data",
            SH_ALIGN,
            3,
            8,
            "'.data': sh_addralign is 0x3, expected a power of two up to 65536",
        ),
        (".data", SH_ALIGN, 1 << 17, 8, "'.data': sh_addralign is 0x20000"),
        (
            ".data",
            SH_ALIGN,
            u64::MAX,
            8,
            "'.data': sh_addralign is 0xffffffffffffffff",
        ),
        (
            ".data",
            SH_TYPE,
            14,
            4,
            "'.data' is not supported: constructors and destructors are not run",
        ),
        (
            ".data",
            SH_TYPE,
            0x7000_0001,
            4,
            "'.data': sh_type is 0x70000001, expected a type that can be in memory",
        ),
        (
            ".data",
            SH_FLAGS,
            0x403,
            8,
            "'.data' is not supported: there is no thread-local storage",
        ),
        (
            ".data",
            SH_FLAGS,
            0x803,
            8,
            "'.data' is not supported: it is compressed",
        ),
        (
            ".data",
            SH_FLAGS,
            7,
            8,
            "'.data' is not supported: it is writable and executable",
        ),
        (".data", SH_NAME, 0xffff_ffff, 4, "is behind the table's end"),
        (".bss", SH_SIZE, 1 << 40, 8, "the module takes 0x10000000"),
        (
            ".bss",
            SH_SIZE,
            u64::MAX,
            8,
            "the module takes 0xffffffffffffffff bytes, the limit is 0x1000000",
        ),
        (".modinfo", SH_NAME, 0, 4, ".modinfo: there is no such section"),
    ] {
        let text = refused(&with_section(&object, section, field, value, width)).to_string();
        assert!(text.contains(message), "{section}: {text:?} has not {message:?}");
        assert!(!text.contains('\n'), "{text:?} is one line");
    }
}

//! Symbols that cannot be, and names of two.

use super::refused;
use crate::tools::{assembly, calls};
use goblin::elf::Elf;

/// Changes a field of a symbol (24 bytes each).
fn with_symbol(object: &[u8], name: &str, field: usize, value: u64, size: usize) -> Vec<u8> {
    let elf = Elf::parse(object).unwrap();
    let index = elf
        .syms
        .iter()
        .position(|symbol| elf.strtab.get_at(symbol.st_name) == Some(name))
        .unwrap();
    let table = elf
        .section_headers
        .iter()
        .find(|section| section.sh_type == 2)
        .unwrap();
    let at = table.sh_offset as usize + 24 * index + field;
    let mut bytes = object.to_vec();
    bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    bytes
}

#[test]
fn symbols() {
    let object = calls("medium");
    for (field, value, size, message) in [
        (
            0,
            0xffff_ffff,
            4,
            "the name at 0xffffffff of string table '.strtab' is behind the table's end",
        ),
        (4, 0x16, 1, "'calls': st_info's type is 0x6"),
        (4, 0x1a, 1, "'calls': st_info's type is 0xa"),
        (
            4,
            0xd2,
            1,
            "'calls': st_info's binding is 0xd, expected local, global or weak",
        ),
        (
            5,
            0xe0,
            1,
            "'calls': st_other is 0xe0, expected a local entry offset that is defined",
        ),
        (
            6,
            0xfff2,
            2,
            "'calls': st_shndx is 0xfff2, expected no common symbol: build with -fno-common",
        ),
        (
            6,
            0xfffe,
            2,
            "'calls': st_shndx is 0xfffe, expected the index of a section",
        ),
        (
            6,
            200,
            2,
            "'calls': st_shndx is 0xc8, expected the index of a section",
        ),
        (
            8,
            0x1_0000,
            8,
            "'calls': st_value is 0x10000, expected a place inside its section, all of its size",
        ),
        (8, u64::MAX, 8, "'calls': st_value is 0xffffffffffffffff"),
        (
            8,
            2,
            8,
            "'calls': st_value is 0x2, expected a multiple of 4 in an executable section, for a function",
        ),
        (16, u64::MAX, 8, "'calls': st_value is "),
    ] {
        let text = refused(&with_symbol(&object, "calls", field, value, size)).to_string();
        assert!(text.contains(message), "{text:?} has not {message:?}");
    }
    let init = with_symbol(&object, "init_module", 4, 0x11, 1);
    assert_eq!(
        refused(&init).to_string(),
        "'init_module' is not a function in an executable section"
    );
}

#[test]
fn two_definitions_of_a_name() {
    let object = assembly(".globl aa\n .globl bb\n aa: bb: blr");
    let elf = Elf::parse(&object).unwrap();
    let name = |wanted: &str| {
        let symbol = elf
            .syms
            .iter()
            .find(|symbol| elf.strtab.get_at(symbol.st_name) == Some(wanted))
            .unwrap();
        symbol.st_name as u64
    };
    let twice = with_symbol(&object, "bb", 0, name("aa"), 4);
    assert_eq!(refused(&twice).to_string(), "symbol 'aa' is defined twice");
}

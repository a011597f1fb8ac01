//! Files that are no modules: each is refused, and the message says why.

use crate::kernel::{Symbols, link};
use crate::tools::{assembly, c, calls, directory, run, rust};
use goblin::elf::Elf;
use kernel_core::errno::Errno;
use kernel_core::module::{MODULE_SIZE_LIMIT, ModuleError, ModuleFile};

/// An address beyond what 32 bits hold.
const HIGH: u64 = 0x7777_0000_0000;

fn refused(bytes: &[u8]) -> ModuleError {
    link(bytes).map(|_| ()).expect_err("an error")
}

/// The message of a refused assembly module.
fn message(source: &str) -> String {
    refused(&assembly(source)).to_string()
}

#[test]
fn not_elf() {
    assert_eq!(
        refused(b"").to_string(),
        "not an ELF file: 0 bytes, beginning with []"
    );
    assert_eq!(
        refused(b"#!/bin/sh").to_string(),
        "not an ELF file: 9 bytes, beginning with [23, 21, 2f, 62]"
    );
    assert_eq!(
        refused(b"\x7fELF").to_string(),
        "ELF header at 0x0, 0x40 bytes, reaches beyond the end of the file at 0x4"
    );
    assert_eq!(refused(b"").errno(), Errno::NoExec);
}

#[test]
fn truncated_anywhere() {
    for object in [calls("medium"), rust()] {
        for length in (0..object.len()).filter(|length| length % 64 == 0 || *length + 64 > object.len()) {
            let error = refused(&object[..length]);
            let expected = matches!(error, ModuleError::BeyondFile { .. } | ModuleError::NotElf { .. });
            assert!(expected, "{length}: {error}");
        }
    }
}

/// Offset, size, name of the header's fields that a module may not change.
const HEADER: &[(usize, usize, &str)] = &[
    (4, 1, "EI_CLASS"),
    (5, 1, "EI_DATA"),
    (6, 1, "EI_VERSION"),
    (16, 2, "e_type"),
    (18, 2, "e_machine"),
    (20, 4, "e_version"),
    (48, 4, "e_flags"),
    (52, 2, "e_ehsize"),
    (58, 2, "e_shentsize"),
    (60, 2, "e_shnum"),
    (62, 2, "e_shstrndx"),
];

#[test]
fn every_header_field() {
    let object = calls("medium");
    for &(offset, size, name) in HEADER {
        for value in [0u32, 0x7f, 0xffff_ffff] {
            let mut bad = object.clone();
            bad[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
            let error = refused(&bad);
            match &error {
                ModuleError::Header { field, .. } => assert!(field.starts_with(name), "{name}: {error}"),
                // More sections than there are, or a section that holds no names.
                ModuleError::BeyondFile { .. } | ModuleError::Section { .. } => {
                    assert!(name.starts_with("e_sh"), "{name}: {error}");
                }
                _ => panic!("{name} {value:#x}: {error}"),
            }
        }
    }
    for offset in [1u64, 0x1000_0000, u64::MAX, u64::MAX - 64] {
        let mut bad = object.clone();
        bad[40..48].copy_from_slice(&offset.to_le_bytes());
        let error = refused(&bad);
        assert!(
            matches!(
                error,
                ModuleError::BeyondFile { .. } | ModuleError::Section { .. }
            ),
            "e_shoff: {error}"
        );
    }
}

#[test]
fn other_machines() {
    let directory = directory();
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    std::fs::write(path("m.c"), "int init_module(void) { return 0; }").unwrap();
    run(
        "gcc",
        &[
            "-c",
            "-mbig-endian",
            "-mabi=elfv2",
            "-ffreestanding",
            "-o",
            &path("big.o"),
            &path("m.c"),
        ],
    );
    let big = std::fs::read(path("big.o")).unwrap();
    run(
        "gcc",
        &[
            "-c",
            "-mabi=elfv1",
            "-ffreestanding",
            "-o",
            &path("v1.o"),
            &path("m.c"),
        ],
    );
    let v1 = std::fs::read(path("v1.o")).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(
        refused(&big).to_string(),
        "ELF header: EI_DATA is 0x2, expected 1 (little endian)"
    );
    assert_eq!(
        refused(&v1).to_string(),
        "ELF header: e_flags' ABI version is 0x0, expected 2 (ELFv2)"
    );
    // This test program is itself an ELF file for another machine.
    let host = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(
        refused(&host).to_string(),
        "ELF header: e_machine is 0x3e, expected 21 (PowerPC64)"
    );
    let mut linked = calls("medium");
    linked[16] = 2;
    assert_eq!(
        refused(&linked).to_string(),
        "ELF header: e_type is 0x2, expected 1 (relocatable)"
    );
}

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

#[test]
fn the_size_limit_is_where_it_says() {
    let with_bss = |size: u64| assembly(&format!("f: blr\n .bss\n .space {size}"));
    let room = MODULE_SIZE_LIMIT - 256;
    assert!(link(&with_bss(room)).is_ok());
    let error = refused(&with_bss(room + 1));
    assert!(
        matches!(
            error,
            ModuleError::TooLarge {
                limit: MODULE_SIZE_LIMIT,
                ..
            }
        ),
        "{error}"
    );
}

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

/// Changes a field of the first relocation (24 bytes each) of a table that is of one type.
fn with_relocation(object: &[u8], table: &str, kind: u32, field: usize, value: u64, size: usize) -> Vec<u8> {
    let elf = Elf::parse(object).unwrap();
    let named = |index: &usize| elf.shdr_strtab.get_at(elf.section_headers[*index].sh_name) == Some(table);
    let (section, relocations) = elf.shdr_relocs.iter().find(|(index, _)| named(index)).unwrap();
    let number = relocations
        .iter()
        .position(|relocation| relocation.r_type == kind)
        .unwrap();
    let at = elf.section_headers[*section].sh_offset as usize + 24 * number + field;
    let mut bytes = object.to_vec();
    bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    bytes
}

#[test]
fn relocations() {
    let object = assembly(".type f,@function\n f: bl other\n nop\n bl f\n .data\n .quad f");
    for (table, kind, field, value, size, message) in [
        (
            ".rela.text",
            10,
            0,
            0x1000,
            8,
            "relocation 0 of section '.text': r_offset is 0x1000, expected a place inside the section",
        ),
        (".rela.text", 10, 0, u64::MAX, 8, "r_offset is 0xffffffffffffffff"),
        (
            ".rela.text",
            10,
            0,
            9,
            8,
            "r_offset is 0x9, expected a place inside the section",
        ),
        (
            ".rela.text",
            10,
            0,
            2,
            8,
            "r_offset is 0x2, expected a multiple of 4 for a branch",
        ),
        (
            ".rela.text",
            10,
            0,
            4,
            8,
            "R_PPC64_REL24 at f+0x4 (.text+0x4, relocation 0): 0x60000000 is not a branch",
        ),
        (
            ".rela.text",
            10,
            12,
            0xffff_ffff,
            4,
            "r_info's symbol is 0xffffffff, expected an index in the symbol table",
        ),
        (
            ".rela.text",
            10,
            16,
            8,
            8,
            "r_addend is 0x8, expected 0 for a call through a stub",
        ),
        (
            ".rela.text",
            10,
            8,
            67,
            4,
            "unknown relocation type 67 (R_PPC64_TLS) at ",
        ),
        (
            ".rela.text",
            10,
            8,
            200,
            4,
            "unknown relocation type 200 (R_UNKNOWN_PPC64) at ",
        ),
        (
            ".rela.data",
            38,
            0,
            1,
            8,
            "r_offset is 0x1, expected a place inside the section",
        ),
        (
            ".rela.data",
            38,
            8,
            10,
            4,
            "R_PPC64_REL24 at .data+0x0, relocation 0: 0x00000000 is not a branch",
        ),
    ] {
        let text = refused(&with_relocation(&object, table, kind, field, value, size)).to_string();
        assert!(text.contains(message), "{text:?} has not {message:?}");
    }
    let text = refused(&with_relocation(&rust(), ".rela.text.name", 50, 8, 67, 4)).to_string();
    assert!(
        text.contains("(R_PPC64_TLS) at name+0x"),
        "{text:?} names the function"
    );
}

#[test]
fn names_that_have_no_answer() {
    let error = refused(&assembly(".type f,@function\n f: nop\n bl nobody\n nop"));
    assert_eq!(
        error.to_string(),
        "unresolved symbol 'nobody', needed at f+0x4 (.text+0x4, relocation 0)"
    );
    assert_eq!(error.errno(), Errno::NoEntry);
    assert_eq!(
        message("f: nop\n .data\n .quad twice"),
        "symbol 'twice', needed at .data+0x0, relocation 0, is ambiguous: 2 of that name"
    );
    let error = refused(&assembly(".weak maybe\n f: bl maybe\n nop"));
    assert_eq!(
        error.to_string(),
        "call at .text+0x0, relocation 0 to weak symbol 'maybe', which nobody defines"
    );
    assert_eq!(error.errno(), Errno::NoEntry);
}

#[test]
fn calls_without_a_nop() {
    let source = ".type f,@function\n f: mflr 0\n bl other\n mr 3,4\n bl other\n nop";
    assert_eq!(
        message(source),
        "call at f+0x4 (.text+0x4, relocation 0) to 'other' in another object has no nop after it (found 0x7c832378): \
         the caller's TOC pointer could not be restored"
    );
    let at_end = message("f: bl other");
    assert!(at_end.contains("(found the end of the section)"), "{at_end}");
    let clobbers = message("f: bl g\n blr\n .type g,@function\n g: .localentry g,1\n blr");
    assert!(
        clobbers.contains("to 'g' in another object has no nop"),
        "{clobbers}"
    );
    let conditional = message("f: beq other");
    assert!(
        conditional.starts_with("conditional branch at .text+0x0, relocation 0 to 'other'"),
        "{conditional}"
    );
}

#[test]
fn values_out_of_reach() {
    let text = message("f: ld 3,v@toc(2)\n .data\n .space 0x10000\n v: .quad 1");
    assert!(
        text.starts_with("R_PPC64_TOC16_DS at .text+0x0, relocation 0: '.data' is out of reach, 0x8"),
        "{text}"
    );
    assert!(
        text.ends_with("does not fit in 16 bits as a multiple of 4"),
        "{text}"
    );
    let text = message("f: ld 3,v@toc@l(2)\n .data\n .byte 1\n v: .byte 2");
    assert!(
        text.ends_with("does not fit in a displacement that is a multiple of 4"),
        "{text}"
    );
    let object = assembly("f: bl other\n nop");
    let file = ModuleFile::parse(&object).unwrap();
    let layout = file.lay_out(256).unwrap();
    for base in [1, 0x80, u64::MAX - 0xff, u64::MAX - 0xfff] {
        let error = file.link(&layout, base, &Symbols).unwrap_err();
        assert!(matches!(error, ModuleError::Misplaced { .. }), "{error}");
    }
    // Its own address may be anywhere: the stub is with it, and the kernel is where two instructions reach …
    file.link(&layout, HIGH, &Symbols).unwrap();
    // … unless the code says otherwise.
    let object = assembly("f: lis 3,v@ha\n .data\n v: .long 0");
    let file = ModuleFile::parse(&object).unwrap();
    let error = file
        .link(&file.lay_out(256).unwrap(), HIGH, &Symbols)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "R_PPC64_ADDR16_HA at .text+0x0, relocation 0: '.data' is out of reach, 0x777700000100 does not fit in 32 bits"
    );
}

#[test]
fn what_is_not_loaded_cannot_be_referred_to() {
    let text = message("f: nop\n .data\n .quad x\n .section .modinfo\n x: .asciz \"k=v\"");
    assert_eq!(
        text,
        ".data+0x0, relocation 0 refers to '.modinfo' in section '.modinfo', which is not loaded"
    );
}

#[test]
fn entry_hooks() {
    for (source, reason) in [
        (
            ".type f,@function\n f: nop\n bl _mcount",
            "neither 'mflr r0' nor 'mflr r0; std r0,16(r1)' is in front",
        ),
        (".type f,@function\n f: bl _mcount", "neither 'mflr r0' nor"),
        (
            ".type f,@function\n f: nop\n mflr 0\n bl _mcount",
            "it is not at the function's local entry, 0 bytes behind",
        ),
        (
            ".type f,@function\n f: mflr 0\n bl _mcount\n mflr 0\n bl _mcount",
            "f+0xc (.text+0xc): it is not at the function's local entry",
        ),
        ("f: mflr 0\n bl _mcount", "'bl _mcount' is in no function"),
        (
            ".type f,@function\n f: mflr 0\n b _mcount",
            "0x48000000 is not a bl",
        ),
        (".data\n mflr 0\n bl _mcount", "it is not in code"),
    ] {
        let text = message(source);
        assert!(
            text.contains("entry hook at ") && text.contains(reason),
            "{text:?} has not {reason:?}"
        );
    }
    let list = "\n .section __patchable_function_entries,\"aw\"\n";
    for (code, entries, reason) in [
        (".type f,@function\n f: nop", ".quad f, f", "the function has two"),
        (
            ".type f,@function\n f: blr",
            ".quad f",
            "0x4e800020 where a nop should be",
        ),
        ("f: nop", ".quad f", "no function begins at the listed address"),
        (
            ".type f,@function\n f: nop",
            ".quad f+0x100",
            "the listed address is not in code",
        ),
        (
            ".type f,@function\n f: nop",
            ".quad f-4",
            "the listed address is not in code",
        ),
        (
            ".type f,@function\n f: nop",
            ".quad nobody",
            "'nobody' is not defined in the module",
        ),
        (
            ".type f,@function\n f: nop",
            ".long f, 0",
            "the list's entry is not one R_PPC64_ADDR64",
        ),
        (
            ".type f,@function\n f: nop",
            ".quad f, 0",
            "has 2 entries and 1 relocations",
        ),
        (
            ".type f,@function\n f: nop",
            ".quad f\n .byte 0",
            "has 0x9 bytes, expected a multiple of 8",
        ),
        (
            ".type f,@function\n f: nop\n nop\n .localentry f,8\n blr",
            ".quad f",
            "it is not at the function's local entry, 8 bytes behind",
        ),
    ] {
        let text = message(&format!("{code}{list}{entries}"));
        assert!(text.contains(reason), "{text:?} has not {reason:?}");
    }
}

#[test]
fn gcc_with_patchable_entries_before_the_toc_setup() {
    let source = "static long v; long init_module(long x) { return v += x; }\n\
        static const char a[] __attribute__((section(\".modinfo\"), used)) = \"name=x\\0license=y\";";
    let object = c(source, &["-mno-profile-kernel", "-fpatchable-function-entry=2"]);
    // With this compiler the nops are at the global entry, where local callers never come by.
    let text = refused(&object).to_string();
    assert!(text.contains("entry hook at "), "{text}");
}

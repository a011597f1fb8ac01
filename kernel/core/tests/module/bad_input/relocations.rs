//! Relocations that cannot be, names without an answer, values out of reach, entry hooks.

use super::{HIGH, message, refused};
use crate::kernel::Symbols;
use crate::tools::{assembly, c, rust};
use goblin::elf::Elf;
use kernel_core::errno::Errno;
use kernel_core::module::{ModuleError, ModuleFile};

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

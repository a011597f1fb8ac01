//! References to objects that may come later: what is linked, what is left for later, and what cannot be.

use crate::kernel::{Read, link, linked};
use crate::tools::assembly;
use goblin::elf::Elf;
use kernel_core::module::{Late, ModuleError, StubKind};

/// A call, and an address in data, of symbols of `klp_target`.
const SOURCE: &str = r#"
        .globl f
        .type f,@function
f:      mflr 0
        std 0,16(1)
        stdu 1,-32(1)
        bl ".klp.sym.klp_target.target_plain,0"
        nop
        addi 1,1,32
        ld 0,16(1)
        mtlr 0
        blr
        .size f,.-f
        .data
        .globl place
        .type place,@object
place:  .quad ".klp.sym.klp_target.b_value.12,3"+8
        .size place,8
"#;

/// The same object as kpatch and Linux's documentation (Documentation/livepatch/module-elf-format) have it: the relocations in
/// sections with a name and a flag of their own, and the symbols in the section SHN_LIVEPATCH.
fn as_linux_has_it(mut bytes: Vec<u8>) -> Vec<u8> {
    const SHF_RELA_LIVEPATCH: u64 = 0x0010_0000;
    const SHN_LIVEPATCH: u16 = 0xff20;
    let mut edits: Vec<(u64, Vec<u8>)> = Vec::new();
    let elf = Elf::parse(&bytes).expect("an ELF file");
    let header_at = |index: usize| elf.header.e_shoff + 64 * index as u64;
    let names_index = usize::from(elf.header.e_shstrndx);
    let mut names = bytes[elf.section_headers[names_index].file_range().expect("names")].to_vec();
    for (index, header) in elf.section_headers.iter().enumerate() {
        let name = elf.shdr_strtab.get_at(header.sh_name).expect("a name");
        if let Some(section @ (".text" | ".data")) = name.strip_prefix(".rela") {
            edits.push((header_at(index), (names.len() as u32).to_le_bytes().into()));
            edits.push((
                header_at(index) + 8,
                (header.sh_flags | SHF_RELA_LIVEPATCH).to_le_bytes().into(),
            ));
            names.extend(format!(".klp.rela.klp_target.{section}\0").bytes());
        }
    }
    assert_eq!(edits.len(), 4, "relocations of .text and .data");
    let is_table =
        |header: &&goblin::elf::SectionHeader| header.sh_type == goblin::elf::section_header::SHT_SYMTAB;
    let symbols = elf
        .section_headers
        .iter()
        .find(is_table)
        .expect("symbols")
        .sh_offset;
    for (index, symbol) in elf.syms.iter().enumerate() {
        if elf
            .strtab
            .get_at(symbol.st_name)
            .is_some_and(|name| name.starts_with(".klp.sym."))
        {
            edits.push((
                symbols + 24 * index as u64 + 6,
                SHN_LIVEPATCH.to_le_bytes().into(),
            ));
        }
    }
    assert_eq!(edits.len(), 6, "symbols");
    edits.push((
        header_at(names_index) + 24,
        (bytes.len() as u64).to_le_bytes().into(),
    ));
    edits.push((
        header_at(names_index) + 32,
        (names.len() as u64).to_le_bytes().into(),
    ));
    for (offset, new) in edits {
        let offset = usize::try_from(offset).expect("an offset in the file");
        bytes[offset..offset + new.len()].copy_from_slice(&new);
    }
    bytes.extend(names);
    bytes
}

#[test]
fn what_may_come_later_is_left_empty_and_written_down() {
    let object = assembly(SOURCE);
    let sections = |bytes: &[u8]| {
        let elf = Elf::parse(bytes).expect("an ELF file");
        let names = elf
            .section_headers
            .iter()
            .map(|header| elf.shdr_strtab.get_at(header.sh_name));
        names
            .flatten()
            .filter(|name| name.starts_with(".klp.rela.klp_target."))
            .count()
    };
    let linux = as_linux_has_it(object.clone());
    assert_eq!((sections(&object), sections(&linux)), (0, 2));
    for bytes in [object, linux] {
        let linked = linked(&bytes);
        let [ref stub] = linked.stubs[..] else {
            panic!("{:?}", linked.stubs)
        };
        let late = |name: &str, position| Late {
            object: "klp_target".into(),
            name: name.into(),
            position,
            data: Vec::new(),
            stubs: Vec::new(),
        };
        let mut value = late("b_value.12", 3);
        value.data.push((linked.address("place"), 8));
        let mut function = late("target_plain", 0);
        function.stubs.push((stub.address, StubKind::SaveToc));
        let mut found = linked.late.clone();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(found, [value, function]);
        assert_eq!(linked.doubleword(linked.address("place")), 0);
        assert_eq!(linked.target(linked.address("f") + 12), stub.address);
        for (index, word) in StubKind::EMPTY.into_iter().enumerate() {
            assert_eq!(
                linked.word(stub.address + 4 * index as u64),
                word,
                "word {index} of the stub"
            );
        }
        assert!(linked.imports.is_empty());
    }
}

#[test]
fn what_cannot_be_filled_in_later_is_refused() {
    for reference in [
        ".section .rodata,\"a\"\n.quad \".klp.sym.klp_target.b_value,0\"",
        ".data\n.long \".klp.sym.klp_target.b_value,0\"",
        "addis 3,2,\".klp.sym.klp_target.b_value,0\"@toc@ha",
    ] {
        let error = link(&assembly(reference)).map(|_| ()).expect_err(reference);
        assert!(
            matches!(error, ModuleError::LateReference { .. }),
            "{reference}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(".klp.sym.klp_target.b_value,0") && text.contains("only calls"),
            "{text}"
        );
    }
}

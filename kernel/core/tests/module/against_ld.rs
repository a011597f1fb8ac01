//! Our relocated bytes against GNU ld's: the same object, at the same addresses.
//!
//! Three things differ on purpose and are left out of the comparison: calls to other objects (ld is not asked to make
//! stubs), the calls of `_mcount`, which the loader turns into nops, and the distance to an entry of the GOT, which each
//! has in an order of its own.

use crate::kernel::{BASE, Symbols, address_of};
use crate::tools::{assembly, c, calls, directory, run, rust};
use goblin::elf::Elf;
use goblin::elf::reloc::{R_PPC64_GOT_PCREL34, R_PPC64_REL24, R_PPC64_REL24_NOTOC};
use kernel_core::module::ModuleFile;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// An address that puts the TOC pointer above 2 GiB, where ld's short cut, `lis r2` for `addis r2,r12`, does not reach.
const HIGH: u64 = 0x7fff_f000;

/// Links `object` with ld so that every section is where `places` says; gives the contents of each section.
fn with_ld(object: &[u8], places: &[(String, u64)]) -> BTreeMap<String, Vec<u8>> {
    let directory = directory();
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let mut script = String::from("SECTIONS {\n");
    for (section, address) in places {
        writeln!(script, "  {section} {address:#x} : {{ *({section}) }}").unwrap();
    }
    script += "  /DISCARD/ : { *(.modinfo) *(__patchable_function_entries) *(.comment) }\n}\n";
    std::fs::write(path("object.o"), object).unwrap();
    std::fs::write(path("script.ld"), script).unwrap();
    let elf = Elf::parse(object).unwrap();
    let undefined = elf
        .syms
        .iter()
        .filter(|symbol| symbol.st_shndx == 0 && symbol.st_name != 0 && symbol.st_bind() == 1);
    let mut definitions: Vec<String> = (undefined)
        .map(|symbol| elf.strtab.get_at(symbol.st_name).unwrap())
        .filter(|name| *name != ".TOC.")
        .map(|name| format!("--defsym={name}={:#x}", address_of(name).unwrap_or(0x7f00_0000)))
        .collect();
    // Without these, ld shortens TOC accesses.
    definitions.extend([
        "--no-toc-optimize".into(),
        "--no-toc-sort".into(),
        "--no-tls-optimize".into(),
        "--no-pcrel-optimize".into(),
    ]);
    let (input, output, script) = (path("object.o"), path("linked"), path("script.ld"));
    let mut arguments = vec![
        "-T",
        &script,
        "-o",
        &output,
        "--no-relax",
        "--noinhibit-exec",
        "-z",
        "max-page-size=4096",
    ];
    arguments.extend(definitions.iter().map(String::as_str));
    arguments.push(&input);
    run("ld", &arguments);
    let bytes = std::fs::read(&output).unwrap();
    let elf = Elf::parse(&bytes).unwrap();
    let contents = |section: &goblin::elf::SectionHeader| bytes[section.file_range().unwrap()].to_vec();
    let sections = (elf.section_headers.iter())
        .filter(|section| section.is_alloc() && section.file_range().is_some())
        .map(|section| {
            (
                elf.shdr_strtab.get_at(section.sh_name).unwrap().to_owned(),
                contents(section),
            )
        })
        .collect();
    std::fs::remove_dir_all(&directory).unwrap();
    sections
}

/// Places (section, offset) of words that differ on purpose.
fn left_out(elf: &Elf<'_>) -> BTreeSet<(String, u64)> {
    let mut places = BTreeSet::new();
    for (table, relocations) in &elf.shdr_relocs {
        let target = &elf.section_headers[elf.section_headers[*table].sh_info as usize];
        let section = elf.shdr_strtab.get_at(target.sh_name).unwrap();
        for relocation in relocations.iter() {
            let call = [R_PPC64_REL24, R_PPC64_REL24_NOTOC].contains(&relocation.r_type);
            // Two words with the distance to the GOT's entry.
            let got = relocation.r_type == R_PPC64_GOT_PCREL34;
            if got || call && elf.syms.get(relocation.r_sym).unwrap().st_shndx == 0 {
                places.extend([0, 4].map(|more| (section.to_owned(), relocation.r_offset + more)));
            }
        }
    }
    places
}

/// Compares all sections with bytes; gives how many words were equal after a relocation changed them.
fn compare(object: &[u8], base: u64) -> usize {
    let elf = Elf::parse(object).unwrap();
    let file = ModuleFile::parse(object).unwrap();
    let layout = file.lay_out(256).unwrap();
    let linked = file.link(&layout, base, &Symbols).unwrap();
    let places: Vec<_> = (file
        .loaded_sections(&layout)
        .map(|(name, offset)| (name.to_owned(), base + offset)))
    .collect();
    let theirs = with_ld(object, &places);
    let left_out = left_out(&elf);
    let mut changed = 0;
    for section in elf
        .section_headers
        .iter()
        .filter(|section| section.is_alloc() && section.sh_size > 0)
    {
        let name = elf.shdr_strtab.get_at(section.sh_name).unwrap();
        let Some((_, start)) = places.iter().find(|(place, _)| place == name) else {
            continue;
        };
        let Some(range) = section.file_range() else {
            continue;
        };
        // ld rewrites the unwind tables as a whole.
        if name == ".eh_frame" {
            continue;
        }
        let original = &object[range];
        let ours = &linked.image[(start - base) as usize..][..original.len()];
        let theirs = theirs.get(name).unwrap_or_else(|| panic!("ld made no {name}"));
        for offset in (0..original.len()).step_by(4) {
            let word = |bytes: &[u8]| bytes.get(offset..offset + 4).unwrap_or(&bytes[offset..]).to_vec();
            if left_out.contains(&(name.to_owned(), offset as u64)) {
                continue;
            }
            assert_eq!(word(ours), word(theirs), "{name}+{offset:#x}: ours, ld's");
            changed += usize::from(word(ours) != word(original));
        }
    }
    changed
}

#[test]
fn c_in_the_medium_model() {
    let changed = compare(&calls("medium"), HIGH);
    assert!(changed > 40, "{changed} words");
}

#[test]
fn c_in_the_small_model() {
    let changed = compare(&calls("small"), HIGH);
    assert!(changed > 40, "{changed} words");
}

#[test]
fn c_without_a_toc() {
    let object = c(include_str!("objects/calls.c"), &["-mcpu=power10", "-mpcrel"]);
    let changed = compare(&object, HIGH);
    assert!(changed > 20, "{changed} words");
}

#[test]
fn rust_of_the_kernels_flags() {
    let changed = compare(&rust(), HIGH);
    assert!(changed > 20, "{changed} words");
}

#[test]
fn every_kind_of_field() {
    let changed = compare(&assembly(include_str!("objects/fields.s")), BASE);
    assert!(changed >= 20, "{changed} words");
}

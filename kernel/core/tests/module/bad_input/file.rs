//! What is no object file of this kind at all, or reaches beyond its end.

use super::refused;
use crate::kernel::link;
use crate::tools::{assembly, calls, directory, run, rust};
use kernel_core::errno::Errno;
use kernel_core::module::{MODULE_SIZE_LIMIT, ModuleError};

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

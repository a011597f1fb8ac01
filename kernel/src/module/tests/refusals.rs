//! Files that must not become modules: each has its own error, and nothing changes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::errno::Errno;
use kernel_core::module::ModuleError;

use super::super::{Error, Reason, Snapshot, load, unload};
use super::{Loaded, file, refused};
use crate::{ensure, ensure_eq, ktest};

/// Offsets in the ELF header, and the size of a section header.
const EI_DATA: usize = 5;
const E_MACHINE: usize = 18;
const E_SHOFF: usize = 40;
const E_SHNUM: usize = 60;
const SECTION_HEADER: usize = 64;
const SH_TYPE: usize = 4;
const SH_SIZE: usize = 32;
/// `sh_type` of a section of zeros.
const SHT_NOBITS: u8 = 8;

/// The error of a file of the suite that is refused as it is.
fn refused_file(name: &str) -> Result<Error, String> {
    let bytes = file(name)?;
    refused(|| load(name, bytes))
}

/// The error of klp_target with some bytes changed.
fn refused_change(change: impl Fn(&mut Vec<u8>)) -> Result<Error, String> {
    let mut bytes = file("klp_target")?.to_vec();
    change(&mut bytes);
    refused(|| load("changed", &bytes))
}

/// Where the section headers of a file begin.
fn section_headers(bytes: &[u8]) -> usize {
    let field: [u8; 8] = bytes[E_SHOFF..E_SHOFF + 8].try_into().unwrap_or_default();
    u64::from_le_bytes(field) as usize
}

/// Gives the first section of zeros a size.
fn set_bss_size(bytes: &mut [u8], size: u64) {
    let table = section_headers(bytes);
    let mut headers = (0..usize::from(bytes[E_SHNUM])).map(|index| table + index * SECTION_HEADER);
    if let Some(header) = headers.find(|header| bytes[header + SH_TYPE] == SHT_NOBITS) {
        bytes[header + SH_SIZE..header + SH_SIZE + 8].copy_from_slice(&size.to_le_bytes());
    }
}

/// The first place of `text` in a file.
fn find(bytes: &[u8], text: &[u8]) -> usize {
    bytes
        .windows(text.len())
        .position(|window| window == text)
        .unwrap_or(bytes.len())
}

ktest! {
    fn not_an_elf_file() {
        let error = refused(|| load("text", b"#!/bin/sh\n"))?;
        let wanted = "module 'text': not an ELF file: 10 bytes, beginning with [23, 21, 2f, 62]";
        ensure_eq!(error.to_string(), wanted, "the message");
        ensure_eq!(error.errno(), Errno::NoExec, "the number");
        Ok(())
    }

    fn truncated_at_every_64_bytes() {
        let bytes = file("klp_target")?;
        let before = Snapshot::take();
        for length in (0..bytes.len()).step_by(64) {
            let error = load("truncated", &bytes[..length]).err();
            let Some(Error { reason: Reason::File(reason), .. }) = error else {
                return Err(format!("{length} of {} bytes: {error:?}", bytes.len()));
            };
            let expected = matches!(*reason, ModuleError::BeyondFile { .. } | ModuleError::NotElf { .. });
            ensure!(expected, "{length} of {} bytes: {reason}", bytes.len());
        }
        before.check()
    }

    fn other_machines() {
        let big = refused_change(|bytes| bytes[EI_DATA] = 2)?;
        let wanted = "module 'changed': ELF header: EI_DATA is 0x2, expected 1 (little endian)";
        ensure_eq!(big.to_string(), wanted, "big endian");
        let x86 = refused_change(|bytes| bytes[E_MACHINE] = 62)?;
        let wanted = "module 'changed': ELF header: e_machine is 0x3e, expected 21 (PowerPC64)";
        ensure_eq!(x86.to_string(), wanted, "x86-64");
        Ok(())
    }

    fn a_section_beyond_the_file() {
        let error = refused_change(|bytes| {
            let table = section_headers(bytes);
            bytes[table + SECTION_HEADER + SH_SIZE + 3] = 0x7f;
        })?;
        let text = error.to_string();
        ensure!(text.contains("section 1 '.text' at ") && text.contains("reaches beyond the end of the file"), "{text}");
        Ok(())
    }

    fn more_than_there_is_room_for() {
        let error = refused_change(|bytes| set_bss_size(bytes, 9 << 20))?;
        ensure!(matches!(error.reason, Reason::NoRoom(_)), "{error}");
        ensure_eq!(error.errno(), Errno::NoMemory, "the number");
        let text = error.to_string();
        ensure!(text.starts_with("module 'klp_target': no room for 0x90") && text.ends_with("in the module area"), "{text}");
        let text = refused_change(|bytes| set_bss_size(bytes, u64::MAX))?.to_string();
        ensure!(text.contains("the module takes 0xffffffffffffffff bytes, the limit is 0x1000000"), "{text}");
        Ok(())
    }

    fn an_unknown_relocation() {
        let text = refused_file("bad_relocation")?.to_string();
        let wanted = "unknown relocation type 73 (R_PPC64_TPREL64) at ";
        ensure!(text.contains(wanted) && text.contains("against 'somewhere'"), "{text}");
        Ok(())
    }

    fn an_unresolved_symbol() {
        let error = refused_file("bad_symbol")?;
        let text = error.to_string();
        ensure!(text.contains("unresolved symbol 'nobody_defines_this', needed at calls_nobody+0x"), "{text}");
        ensure_eq!(error.errno(), Errno::NoEntry, "the number");
        Ok(())
    }

    fn a_call_without_a_nop() {
        let text = refused_file("bad_call")?.to_string();
        ensure!(text.contains("call at calls_without_nop+0x"), "{text}");
        ensure!(text.contains("to '_printk' in another object has no nop after it (found 0x38600000)"), "{text}");
        Ok(())
    }

    fn another_kernels_build_id() {
        let error = refused_change(|bytes| {
            let digit = find(bytes, b"build_id=") + b"build_id=".len();
            bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
        })?;
        let Reason::OtherBuild { module, kernel } = error.reason.clone() else {
            return Err(error.to_string());
        };
        ensure!(module != kernel, "both are {kernel}");
        let text = error.to_string();
        ensure!(text.contains(&module.to_string()) && text.contains(&kernel.to_string()), "{text}");
        ensure!(text.starts_with("module 'klp_target': it was built for the kernel with build id "), "{text}");
        Ok(())
    }

    fn no_build_id() {
        let error = refused_change(|bytes| {
            let key = find(bytes, b"build_id=");
            bytes[key] = b'x';
        })?;
        ensure!(matches!(error.reason, Reason::NoBuildId { .. }), "{error}");
        Ok(())
    }

    fn a_name_that_is_taken() {
        let target = Loaded::new("klp_target")?;
        let error = refused_file("klp_target")?;
        ensure_eq!(error.to_string(), "module 'klp_target': a module of this name is loaded already", "the message");
        ensure_eq!(error.errno(), Errno::Exists, "the number");
        target.unload()
    }

    fn a_module_that_it_needs_is_missing() {
        let text = refused_file("klp_caller")?.to_string();
        ensure!(text.contains("unresolved symbol 'target_"), "{text}");
        Ok(())
    }

    fn init_module_says_no() {
        let error = refused_file("bad_init")?;
        ensure_eq!(error.to_string(), "module 'bad_init': init_module failed with ENODEV", "the message");
        ensure_eq!(error.errno(), Errno::NoDevice, "the number");
        Ok(())
    }

    fn unloading_what_is_not_loaded() {
        let error = refused(|| unload("nothing"))?;
        ensure_eq!(error.to_string(), "module 'nothing': it is not loaded", "the message");
        ensure_eq!(error.errno(), Errno::NoEntry, "the number");
        Ok(())
    }
}

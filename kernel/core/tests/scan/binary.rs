//! Functions of an ELF file, linked or not, as the scan wants them.

use goblin::elf::Elf;
use goblin::elf::section_header::SHT_NOBITS;
use goblin::elf::sym::STT_FUNC;
use kernel_core::local_entry::LocalEntry;
use kernel_core::scan::{Facts, Function, Target, scan};
use std::collections::BTreeMap;

/// A function's symbol.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) local_entry: u8,
    /// Where its code begins in the file.
    offset: usize,
}

/// A file with its functions by address. The sections of an object file are taken one behind the other, and its branches
/// to other functions are put right.
pub(crate) struct Binary {
    pub(crate) bytes: Vec<u8>,
    pub(crate) functions: BTreeMap<u64, Symbol>,
}

impl Binary {
    /// Reads a linked image.
    pub(crate) fn image(bytes: Vec<u8>) -> Binary {
        let elf = Elf::parse(&bytes).expect("an ELF file");
        let mut functions = BTreeMap::new();
        for symbol in elf.syms.iter().filter(|symbol| symbol.st_type() == STT_FUNC) {
            let section = elf.section_headers.get(symbol.st_shndx);
            let Some(section) = section.filter(|section| section.sh_type != SHT_NOBITS) else {
                continue;
            };
            let offset = symbol.st_value - section.sh_addr + section.sh_offset;
            let found = Symbol {
                name: elf.strtab.get_at(symbol.st_name).expect("a name").to_owned(),
                address: symbol.st_value,
                size: symbol.st_size,
                local_entry: LocalEntry::from_st_other(symbol.st_other)
                    .expect("a value that the ABI has")
                    .offset(),
                offset: offset as usize,
            };
            functions.insert(symbol.st_value, found);
        }
        Binary { bytes, functions }
    }

    /// The function that `address` enters.
    pub(crate) fn at(&self, address: u64) -> Option<&Symbol> {
        let (_, symbol) = self.functions.range(..=address).next_back()?;
        (address < symbol.address + symbol.size).then_some(symbol)
    }

    pub(crate) fn code(&self, symbol: &Symbol) -> Function<'_> {
        Function {
            address: symbol.address,
            code: &self.bytes[symbol.offset..symbol.offset + symbol.size as usize],
            local_entry: symbol.local_entry,
            site: None,
        }
    }

    pub(crate) fn scan(&self, symbol: &Symbol) -> Facts {
        scan(&self.code(symbol), &|address| match self.at(address) {
            Some(symbol) => Target::Function(self.code(symbol)),
            None => Target::Unknown,
        })
    }
}

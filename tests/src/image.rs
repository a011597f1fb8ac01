//! The kernel image as a file: its sections and symbols.

use goblin::elf::Elf;
use std::ops::Range;
use std::path::Path;
use std::{fs, io};

/// A function, or another symbol that has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name, as the linker knows it.
    pub name: String,
    /// Its address.
    pub address: u64,
    /// Its bytes; 0 for a label.
    pub size: u64,
    /// Whether it is a function.
    pub is_function: bool,
}

/// A section's address and bytes.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Where its first byte is.
    pub address: u64,
    /// All of them.
    pub bytes: Vec<u8>,
}

/// What of an image is asked for.
#[derive(Clone, Debug)]
pub struct Image {
    /// All symbols, by address.
    pub symbols: Vec<Symbol>,
    /// Code.
    pub text: Section,
    /// The unwind tables.
    pub eh_frame: Section,
    /// The compiler's list of sites, an address each.
    pub sites: Section,
    /// The symbol table in the kernel's own format.
    pub kallsyms: Section,
}

impl Image {
    /// Reads the image in this file.
    ///
    /// # Errors
    /// There is none, or it is no image.
    pub fn read(path: &Path) -> io::Result<Image> {
        let bytes = fs::read(path)?;
        let elf = Elf::parse(&bytes).map_err(io::Error::other)?;
        let section = |wanted: &str| {
            let named =
                |header: &&goblin::elf::SectionHeader| elf.shdr_strtab.get_at(header.sh_name) == Some(wanted);
            let header = elf.section_headers.iter().find(named);
            let header = header.ok_or_else(|| io::Error::other(format!("no section {wanted}")))?;
            let range = header.file_range().and_then(|range| bytes.get(range));
            Ok::<Section, io::Error>(Section {
                address: header.sh_addr,
                bytes: range.unwrap_or_default().to_vec(),
            })
        };
        let mut symbols: Vec<Symbol> = elf
            .syms
            .iter()
            .filter(|symbol| symbol.st_shndx != 0 && symbol.st_value != 0)
            .map(|symbol| Symbol {
                name: elf.strtab.get_at(symbol.st_name).unwrap_or_default().to_owned(),
                address: symbol.st_value,
                size: symbol.st_size,
                is_function: symbol.is_function(),
            })
            .collect();
        symbols.sort_by_key(|symbol| symbol.address);
        Ok(Image {
            symbols,
            text: section(".text")?,
            eh_frame: section(".eh_frame")?,
            sites: section("__patchable_function_entries")?,
            kallsyms: section(".kallsyms")?,
        })
    }

    /// The address of a symbol.
    ///
    /// # Panics
    /// There is none of this name.
    #[must_use]
    pub fn address(&self, name: &str) -> u64 {
        let symbol = self.symbols.iter().find(|symbol| symbol.name == name);
        symbol
            .unwrap_or_else(|| panic!("the image has no '{name}'"))
            .address
    }

    /// What is between two symbols.
    #[must_use]
    pub fn between(&self, start: &str, end: &str) -> Range<u64> {
        self.address(start)..self.address(end)
    }

    /// The instruction at an address in the code.
    #[must_use]
    pub fn word(&self, address: u64) -> Option<u32> {
        let offset = usize::try_from(address.checked_sub(self.text.address)?).ok()?;
        let bytes = self.text.bytes.get(offset..offset + 4)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    }

    /// The function or label that an address is in or behind.
    #[must_use]
    pub fn name_of(&self, address: u64) -> String {
        let behind = self.symbols.partition_point(|symbol| symbol.address <= address);
        match behind.checked_sub(1).map(|index| &self.symbols[index]) {
            Some(symbol) => format!("{}+{:#x}", symbol.name, address - symbol.address),
            None => format!("{address:#x}"),
        }
    }
}

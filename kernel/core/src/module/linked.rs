//! What a link gives: the image, and what its symbols, sites and stubs have become.

use super::file::{Definition, FileSymbol, ModuleFile};
use super::link::{Linker, Target};
use super::{Late, ModuleId, ModuleSite, ModuleSymbol, Stub};
use crate::symbols::{Binding, Kind};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// A module that is ready to be copied to its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The address it is linked for.
    pub base: u64,
    /// All of its memory, zeros included; as long as the layout's size.
    pub image: Vec<u8>,
    /// The TOC pointer of its code.
    pub toc: u64,
    /// `init_module`, its global entry.
    pub init: Option<u64>,
    /// `cleanup_module`, its global entry.
    pub exit: Option<u64>,
    /// Its functions and objects, by address.
    pub symbols: Vec<ModuleSymbol>,
    /// Its patchable sites, by address.
    pub sites: Vec<ModuleSite>,
    /// Its stubs, by address.
    pub stubs: Vec<Stub>,
    /// What it refers to in objects that may come later. It is linked as if they were not there.
    pub late: Vec<Late>,
    /// The modules that it refers to, each once.
    pub imports: Vec<ModuleId>,
}

impl Linker<'_, '_> {
    /// The linked module, after all of its bytes.
    pub(super) fn finish(self, stubs: Vec<Stub>) -> Linked {
        let (file, base) = (self.file, self.base);
        let at = |section: usize, offset: u64| Some(base + self.layout.sections[section]? + offset);
        let address = |symbol: &FileSymbol<'_>| match symbol.definition {
            Definition::Section(section) => at(section, symbol.value),
            _ => None,
        };
        let entry_point = |name: &str| {
            file.symbols
                .iter()
                .filter(|symbol| symbol.name == name)
                .find_map(address)
        };
        let mut sites = Vec::with_capacity(file.sites.len());
        for site in &file.sites {
            let function = file.function_at(site.section, site.entry);
            if let (Some(function), Some(entry)) = (function, at(site.section, site.entry)) {
                let address = entry + (site.offset - site.entry);
                sites.push(ModuleSite {
                    function: function.name.to_owned(),
                    entry,
                    address,
                    shape: site.shape,
                });
            }
        }
        sites.sort_unstable_by_key(|site| site.address);

        let mut symbols = Vec::new();
        for symbol in file.symbols.iter().filter(|symbol| !symbol.name.is_empty()) {
            let (Some(address), Some(kind)) = (address(symbol), file.kind(symbol)) else {
                continue;
            };
            let site = sites
                .binary_search_by_key(&address, |site| site.entry)
                .ok()
                .map(|found| &sites[found]);
            symbols.push(ModuleSymbol {
                name: symbol.name.to_owned(),
                path: path(symbol.name),
                address,
                size: symbol.size,
                local_entry: symbol.local_entry,
                site: site
                    .filter(|_| kind == Kind::Function)
                    .map(|_| symbol.local_entry.offset()),
                kind,
                binding: if symbol.exported {
                    Binding::Global
                } else {
                    Binding::Local
                },
            });
        }
        symbols.sort_by_key(|symbol| symbol.address);

        let mut imports: Vec<ModuleId> = (self.answers.iter())
            .filter_map(|answer| match answer {
                Some(Target::Known {
                    external: Some(found),
                    ..
                }) => found.owner,
                _ => None,
            })
            .collect();
        imports.sort_unstable();
        imports.dedup();
        Linked {
            base,
            toc: base + self.layout.toc,
            init: entry_point("init_module"),
            exit: entry_point("cleanup_module"),
            symbols,
            sites,
            stubs,
            imports,
            late: self.late,
            image: self.image,
        }
    }
}

impl ModuleFile<'_> {
    /// What a symbol stands for; `None` for what has no place in a symbol table: labels, sections, files.
    fn kind(&self, symbol: &FileSymbol<'_>) -> Option<Kind> {
        let Definition::Section(section) = symbol.definition else {
            return None;
        };
        match symbol.kind {
            goblin::elf::sym::STT_FUNC => Some(Kind::Function),
            goblin::elf::sym::STT_OBJECT => Some(Kind::Object),
            goblin::elf::sym::STT_NOTYPE if symbol.exported => {
                Some(if self.sections[section].is_executable() {
                    Kind::Function
                } else {
                    Kind::Object
                })
            }
            _ => None,
        }
    }
}

/// The demangled path of a symbol, without the hashes that tell crate versions apart.
fn path(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(demangled) => format!("{demangled:#}"),
        Err(_) => name.to_owned(),
    }
}

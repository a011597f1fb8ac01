//! Names: what a module defines, what it needs, and who answers for it.

use crate::local_entry::LocalEntry;
use crate::symbols::{Binding, Kind, Name, Symbol};
use alloc::string::String;

/// A number for one loaded module, given by whoever keeps the modules and never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub u64);

/// The answer to [`Resolve::resolve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The symbol's address; a function's global entry.
    pub address: u64,
    /// Its local entry.
    pub local_entry: LocalEntry,
    /// The module that defines it; `None` for the kernel.
    pub owner: Option<ModuleId>,
}

/// Why a name has no one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveError {
    /// Nobody defines it.
    NotFound,
    /// So many define it.
    Ambiguous(usize),
    /// It belongs to an object that may come later: see [`LateName`].
    Late,
}

/// Whoever knows the symbols that a module may refer to.
pub trait Resolve {
    /// Looks up an undefined symbol of a module by its raw name.
    fn resolve(&self, name: &str) -> Result<Resolved, ResolveError>;
}

/// A function or an object of a linked module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSymbol {
    /// The raw name.
    pub name: String,
    /// The demangled path, the same as `name` when that is not mangled.
    pub path: String,
    /// Where it is; a function's global entry.
    pub address: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its local entry, always [`LocalEntry::Same`] for an object.
    pub local_entry: LocalEntry,
    /// Bytes from the global entry to the first slot of its site, if it has one.
    pub site: Option<u8>,
    /// Function or object.
    pub kind: Kind,
    /// Who may refer to it.
    pub binding: Binding,
}

impl ModuleSymbol {
    /// The same in the shape of the kernel's table.
    pub fn as_symbol(&self) -> Symbol<'_> {
        Symbol {
            name: Name::new(&self.name),
            address: self.address,
            size: self.size,
            local_entry: self.local_entry,
            site: self.site,
            kind: self.kind,
            binding: self.binding,
        }
    }
}

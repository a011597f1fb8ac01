//! The kernel's symbol table: what each address is called, and where each name is.
//!
//! The host makes it from the linked image ([`TableBuilder`]) and the kernel reads it in place ([`SymbolTable`]), without an
//! allocation, so that a panic can use it too. Names are found by their hash, in an index that is made at link time. A name is
//! decoded when somebody looks at it, and its path is demangled then.
//! The reader trusts nothing: a corrupt table gives wrong or no answers, never a panic.
//!
//! # Format
//! Little endian. A header ([`layout`]), then sections that it locates:
//! - **symbols**: records of 12 bytes in address order;
//! - **names**: hashes of names and paths, with the symbols' numbers, see [`index`];
//! - **files**, and **blocks** of the line table, see [`lines`]: where their texts begin;
//! - **rules** and **codes**: all texts, compressed by one dictionary, see [`codes`] and [`dictionary`].

use crate::local_entry::LocalEntry;

mod builder;
mod codes;
mod dictionary;
mod error;
mod index;
mod layout;
mod lines;
mod name;
mod plain;
mod table;
#[cfg(test)]
mod tests;

pub use builder::{BuildError, Line, TableBuilder};
pub use error::SymbolsError;
pub use name::{Name, NameKey, Path};
pub use table::SymbolTable;

/// Bytes in a build id: a SHA-1.
pub const BUILD_ID_LENGTH: usize = 20;

/// What a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Code.
    Function,
    /// Data.
    Object,
}

/// Who may refer to a symbol by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Only the object file that it comes from: the name need not be unique.
    Local,
    /// Everybody.
    Global,
}

/// One entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// The linker's name, `_RNvNtCs…` for Rust, which knows its path.
    pub name: Name<'a>,
    /// Where it begins; for a function its global entry.
    pub address: u64,
    /// Its size in bytes.
    pub size: u64,
    /// A function's entries; [`LocalEntry::Same`] for an object.
    pub local_entry: LocalEntry,
    /// Bytes from the global entry to the patchable site; `None` when there is no site.
    pub site: Option<u8>,
    /// What it stands for.
    pub kind: Kind,
    /// Who may refer to it.
    pub binding: Binding,
}

impl<'a> Symbol<'a> {
    /// The demangled path of its name.
    #[must_use]
    pub const fn path(&self) -> Path<'a> {
        self.name.path()
    }

    /// The address of the patchable site, if there is one.
    #[must_use]
    pub fn site_address(&self) -> Option<u64> {
        self.address.checked_add(self.site?.into())
    }
}

//! The kernel's symbol table: what each address is called, and where each name is.
//!
//! The host makes it from the linked image ([`TableBuilder`]) and the kernel reads it in place ([`SymbolTable`]), without an
//! allocation, so that a panic can use it too. Names are found by binary search in an index that is made at link time.
//! The reader trusts nothing: a corrupt table gives wrong or no answers, never a panic.
//!
//! # Format
//! Little endian. A header ([`layout`]), then sections that it locates:
//! - **symbols**: records of 20 bytes in address order;
//! - **names**: indices of symbols, ordered by name, each symbol once for its raw name and once for its path;
//! - **files**: string references;
//! - **blocks** and **lines**: the line table, see [`lines`];
//! - **strings**: length-prefixed UTF-8.

use crate::local_entry::LocalEntry;

mod builder;
mod layout;
mod lines;
mod table;
#[cfg(test)]
mod tests;

pub use builder::{BuildError, Line, TableBuilder};
pub use table::{SymbolTable, SymbolsError};

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
    /// The linker's name, `_RNvNtCs…` for Rust.
    pub name: &'a str,
    /// The demangled path, `kernel::situations::b`; the same as `name` when that is not mangled.
    pub path: &'a str,
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

impl Symbol<'_> {
    /// The address of the patchable site, if there is one.
    #[must_use]
    pub fn site_address(&self) -> Option<u64> {
        self.address.checked_add(self.site?.into())
    }
}

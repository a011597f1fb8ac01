//! What can be wrong with a table's bytes.

use core::fmt;

/// Why bytes are not a symbol table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolsError {
    /// There are none: the image was linked without a table.
    Empty,
    /// They do not begin as a table of this version does.
    NotATable,
    /// They end before something that the header announces.
    Truncated {
        /// Bytes that there are.
        length: usize,
        /// Bytes that the header asks for.
        wanted: u64,
    },
}

impl fmt::Display for SymbolsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the image has no symbol table"),
            Self::NotATable => out.write_str("the symbol table does not begin as one of this version"),
            Self::Truncated { length, wanted } => {
                write!(
                    out,
                    "the symbol table ends at {length} bytes, its header asks for {wanted}"
                )
            }
        }
    }
}

impl core::error::Error for SymbolsError {}

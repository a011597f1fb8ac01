//! What can be wrong with a device tree, and where.

use core::fmt;

/// A tree that cannot be used: the place and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeError<'a> {
    /// The node's name or path; empty for the root and for what is wrong before any node.
    pub node: &'a str,
    /// The property, if it is about one.
    pub property: Option<&'a str>,
    /// The reason.
    pub problem: Problem,
}

/// Why a tree, a node or a property cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The bytes do not begin as a flattened tree does.
    NotATree {
        /// The first word.
        magic: u32,
    },
    /// A version that this reader does not understand.
    Version {
        /// The tree's.
        version: u32,
        /// What it says it can be read as.
        last_compatible: u32,
    },
    /// A part that the header locates is not inside the tree.
    Outside {
        /// The part.
        part: &'static str,
        /// Where it is said to begin.
        offset: u64,
        /// Where it is said to end.
        end: u64,
        /// Bytes that there are.
        length: u64,
    },
    /// A part that the header locates does not begin at a multiple of what it must.
    Misaligned {
        /// The part.
        part: &'static str,
        /// Where it is said to begin.
        offset: u64,
    },
    /// A part that should end with a mark does not.
    Endless {
        /// The part.
        part: &'static str,
        /// Where it is said to begin.
        offset: u64,
    },
    /// The structure has a word at `offset` that has no place there.
    Token {
        /// The word.
        token: u32,
        /// Where, from the tree's beginning.
        offset: usize,
    },
    /// The structure ends in the middle of something.
    Truncated {
        /// Where that begins, from the tree's beginning.
        offset: usize,
    },
    /// A name that is not ended or not UTF-8.
    Name {
        /// Where, from the tree's beginning.
        offset: usize,
    },
    /// There is none.
    Missing,
    /// A property has another length than its kind must have.
    Length {
        /// Bytes that it has.
        found: usize,
        /// What it should be.
        wanted: &'static str,
    },
    /// A property should be text.
    NotText,
    /// A range ends before it begins, or behind the last address.
    Range {
        /// The first address.
        start: u64,
        /// The second address or the size, as the property has it.
        second: u64,
    },
    /// A number of cells that no address has.
    Cells {
        /// The number.
        cells: u32,
    },
}

impl fmt::Display for TreeError<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = if self.node.is_empty() { "/" } else { self.node };
        match self.property {
            Some(property) => write!(out, "node '{node}', property '{property}': {}", self.problem),
            None => write!(out, "node '{node}': {}", self.problem),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NotATree { magic } => {
                write!(
                    out,
                    "the tree begins with {magic:#010x}, not with {:#010x}",
                    super::MAGIC
                )
            }
            Problem::Version {
                version,
                last_compatible,
            } => {
                write!(
                    out,
                    "version {version}, compatible with {last_compatible}, is not readable as 17"
                )
            }
            Problem::Outside {
                part,
                offset,
                end,
                length,
            } => {
                write!(
                    out,
                    "the {part} reaches from {offset:#x} to {end:#x}, but the tree has {length:#x} bytes"
                )
            }
            Problem::Misaligned { part, offset } => {
                write!(out, "the {part} begins at {offset:#x}, unaligned")
            }
            Problem::Endless { part, offset } => write!(out, "the {part} at {offset:#x} has no end"),
            Problem::Token { token, offset } => write!(out, "unexpected token {token:#x} at {offset:#x}"),
            Problem::Truncated { offset } => {
                write!(out, "the structure ends inside what begins at {offset:#x}")
            }
            Problem::Name { offset } => write!(out, "the name at {offset:#x} has no end or is no UTF-8"),
            Problem::Missing => out.write_str("missing"),
            Problem::Length { found, wanted } => write!(out, "{found} bytes are not {wanted}"),
            Problem::NotText => out.write_str("not a text"),
            Problem::Range { start, second } => write!(out, "{start:#x} and {second:#x} are no range"),
            Problem::Cells { cells } => write!(out, "{cells} cells are no address or size"),
        }
    }
}

impl core::error::Error for TreeError<'_> {}

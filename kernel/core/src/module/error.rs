//! What can be wrong with a module file, each with the thing, the place and the reason.

use crate::errno::Errno;
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

/// Where in a module something is: function and offset when they are known, section and offset always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The section.
    pub section: String,
    /// Byte offset in the section.
    pub offset: u64,
    /// The function that covers the offset, and the offset from its global entry.
    pub function: Option<(String, u64)>,
    /// The index of the relocation in its table.
    pub relocation: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((function, offset)) = &self.function {
            write!(f, "{function}+{offset:#x} (")?;
        }
        write!(f, "{}+{:#x}", self.section, self.offset)?;
        if let Some(index) = self.relocation {
            write!(f, ", relocation {index}")?;
        }
        if self.function.is_some() {
            f.write_str(")")
        } else {
            Ok(())
        }
    }
}

/// Why a file is not a module that can be linked. The text is one line and needs only the file's name in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The first bytes are not ELF's.
    #[error("not an ELF file: {length} bytes, beginning with {start:02x?}")]
    NotElf {
        /// The file's length.
        length: usize,
        /// Its first bytes, at most four.
        start: Vec<u8>,
    },
    /// Something that the headers describe lies, at least in part, behind the end of the file.
    #[error("{what} at {offset:#x}, {size:#x} bytes, reaches beyond the end of the file at {file_size:#x}")]
    BeyondFile {
        /// What was to be read: a table, or a section by its name.
        what: String,
        /// Where it begins in the file.
        offset: u64,
        /// How long it says it is.
        size: u64,
        /// Where the file ends.
        file_size: u64,
    },
    /// A field of the ELF header is not what a module for this kernel has.
    #[error("ELF header: {field} is {found:#x}, expected {expected}")]
    Header {
        /// The field, as the ELF specification names it.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// A field of a section header makes no sense.
    #[error("section {index} '{section}': {field} is {found:#x}, expected {expected}")]
    Section {
        /// The section's index.
        index: usize,
        /// Its name, or `?` while that is not known.
        section: String,
        /// The field, as the ELF specification names it.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// A section of a kind that this kernel does not load.
    #[error("section {index} '{section}' is not supported: {reason}")]
    SectionKind {
        /// The section's index.
        index: usize,
        /// Its name.
        section: String,
        /// Why not.
        reason: &'static str,
    },
    /// A name is not in its string table, has no end, or is not UTF-8.
    #[error("{what}: the name at {offset:#x} of string table '{table}' {reason}")]
    Name {
        /// Whose name it is.
        what: String,
        /// The string table's name.
        table: String,
        /// Offset in that table.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file has no symbol table, or more than one.
    #[error("{found} symbol tables, expected one")]
    SymbolTables {
        /// How many it has.
        found: usize,
    },
    /// A symbol's place is impossible.
    #[error("symbol {index} '{symbol}': {field} is {found:#x}, expected {expected}")]
    Symbol {
        /// The symbol's index.
        index: usize,
        /// Its name.
        symbol: String,
        /// The field, as the ELF specification names it.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// `.modinfo` lacks something or holds nonsense.
    #[error(".modinfo: {reason}")]
    Info {
        /// What is wrong, with the key.
        reason: String,
    },
    /// The same global symbol is defined twice in the file.
    #[error("symbol '{symbol}' is defined twice")]
    DuplicateSymbol {
        /// Its name.
        symbol: String,
    },
    /// `init_module` or `cleanup_module` is not a function.
    #[error("'{symbol}' is not a function in an executable section")]
    EntryPoint {
        /// Which of the two.
        symbol: &'static str,
    },
    /// A relocation of a type that the loader does not know.
    #[error("unknown relocation type {kind} ({name}) at {place} against '{symbol}'")]
    UnknownRelocation {
        /// The type's number.
        kind: u32,
        /// The type's name, where it has one.
        name: &'static str,
        /// Where.
        place: Box<Place>,
        /// The symbol it refers to.
        symbol: String,
    },
    /// A relocation's offset or symbol index is out of bounds.
    #[error("relocation {index} of section '{section}': {field} is {found:#x}, expected {expected}")]
    Relocation {
        /// The section that would be changed.
        section: String,
        /// The index in the relocation table.
        index: usize,
        /// The field, as the ELF specification names it.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// A value does not fit where the relocation has to write it.
    #[error("{name} at {place}: '{symbol}' is out of reach, {value:#x} does not fit in {field}")]
    OutOfReach {
        /// The relocation type's name.
        name: &'static str,
        /// Where.
        place: Box<Place>,
        /// What it refers to.
        symbol: String,
        /// The value, for most types a distance in bytes.
        value: i64,
        /// What the value has to fit in.
        field: &'static str,
    },
    /// A relocation refers to a section that is not loaded.
    #[error("{place} refers to '{symbol}' in section '{section}', which is not loaded")]
    NotLoaded {
        /// Where.
        place: Box<Place>,
        /// What it refers to.
        symbol: String,
        /// Its section.
        section: String,
    },
    /// Nobody defines a symbol.
    #[error("unresolved symbol '{symbol}', needed at {place}")]
    Unresolved {
        /// Its name.
        symbol: String,
        /// Its first use.
        place: Box<Place>,
    },
    /// Several define a symbol.
    #[error("symbol '{symbol}', needed at {place}, is ambiguous: {candidates} of that name")]
    Ambiguous {
        /// Its name.
        symbol: String,
        /// Its first use.
        place: Box<Place>,
        /// How many define it.
        candidates: usize,
    },
    /// A branch relocation on something that is no branch.
    #[error("{name} at {place}: {word:#010x} is not a branch")]
    NotABranch {
        /// The relocation type's name.
        name: &'static str,
        /// Where.
        place: Box<Place>,
        /// The word there.
        word: u32,
    },
    /// A reference to an object that may come later is none that can be filled in then.
    #[error(
        "reference at {place} to '{symbol}' cannot be filled in later: only calls, and doublewords of writable data"
    )]
    LateReference {
        /// Where it is.
        place: Box<Place>,
        /// To what.
        symbol: String,
    },
    /// A call into another TOC with nothing behind it that could become the TOC restore.
    #[error(
        "call at {place} to '{symbol}' in another object has no nop after it (found {after}): \
         the caller's TOC pointer could not be restored"
    )]
    MissingNop {
        /// The call.
        place: Box<Place>,
        /// The callee.
        symbol: String,
        /// The word that is there, or that there is none.
        after: String,
    },
    /// A conditional branch to another object.
    #[error(
        "conditional branch at {place} to '{symbol}' in another object: only b and bl can go through a stub"
    )]
    ConditionalCall {
        /// The branch.
        place: Box<Place>,
        /// Where it wants to go.
        symbol: String,
    },
    /// A call to a weak symbol that nobody defines.
    #[error("call at {place} to weak symbol '{symbol}', which nobody defines")]
    WeakCall {
        /// The call.
        place: Box<Place>,
        /// The callee.
        symbol: String,
    },
    /// A stub's target is not in the 2 GiB that two instructions can address.
    #[error("call to '{symbol}' at {address:#x}: a stub reaches addresses below 2 GiB only")]
    StubTarget {
        /// The callee.
        symbol: String,
        /// Its address.
        address: u64,
    },
    /// A function's entry hook has none of the known shapes.
    #[error("entry hook at {place}: {reason}")]
    SiteShape {
        /// Where the hook, or what should be one, is.
        place: Box<Place>,
        /// What is unexpected about it.
        reason: String,
    },
    /// The compiler's list of entry hooks is not what it should be.
    #[error("list of entry hooks: {reason}")]
    SiteList {
        /// What is unexpected about it.
        reason: String,
    },
    /// The module is larger than any module may be.
    #[error("the module takes {size:#x} bytes, the limit is {limit:#x}")]
    TooLarge {
        /// Its size in memory; saturates.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The place that was chosen does not suit the layout.
    #[error("{base:#x} is no place for a module: it must be a multiple of {alignment:#x} and end below 2^64")]
    Misplaced {
        /// The address that was given.
        base: u64,
        /// What it must be a multiple of.
        alignment: u64,
    },
}

impl ModuleError {
    /// The number that Linux returns in the same situation.
    pub fn errno(&self) -> Errno {
        match self {
            ModuleError::Unresolved { .. } | ModuleError::WeakCall { .. } => Errno::NoEntry,
            ModuleError::Misplaced { .. } => Errno::Invalid,
            _ => Errno::NoExec,
        }
    }
}

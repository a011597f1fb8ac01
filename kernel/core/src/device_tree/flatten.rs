//! Writes a flattened tree, node by node, into a buffer that somebody else owns.

use super::{LAST_COMPATIBLE_VERSION, MAGIC, VERSION, header, token};
use core::fmt;

/// Behind the header: one reservation, the terminator, which is 16 zero bytes.
const RESERVATIONS: usize = header::WORDS * 4;
const STRUCTURE: usize = RESERVATIONS + 16;

/// Names of properties that are looked up: QEMU's machines have about 150.
const KNOWN: usize = 512;
/// Places that are looked at for a name. One that finds none of them free is written once more each time, which is no error.
const PROBES: usize = 16;

/// FNV-1a.
fn hash(name: &str) -> usize {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    name.bytes().fold(0x811c_9dc5, step) as usize
}

/// Why a tree could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlattenError {
    /// The buffer is too small for the structure.
    StructureFull {
        /// Bytes that there are for it.
        capacity: usize,
    },
    /// The buffer is too small for the names of properties.
    StringsFull {
        /// Bytes that there are for them.
        capacity: usize,
    },
    /// A node was ended that was not begun, or the other way round.
    Unbalanced,
}

impl fmt::Display for FlattenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StructureFull { capacity } => write!(out, "the tree needs more than {capacity} bytes"),
            Self::StringsFull { capacity } => {
                write!(out, "the names of properties need more than {capacity} bytes")
            }
            Self::Unbalanced => out.write_str("a node was begun and not ended, or ended and not begun"),
        }
    }
}

impl core::error::Error for FlattenError {}

/// A tree that is being written. Properties of a node come before its children.
#[derive(Debug)]
pub struct Flattener<'a> {
    /// Header, reservations, structure.
    structure: &'a mut [u8],
    /// Where the structure goes on.
    end: usize,
    /// The names of properties, each once as long as `known` has room.
    strings: &'a mut [u8],
    strings_end: usize,
    /// Where in `strings` names are, by their hash or behind that; 0: nowhere, otherwise 1 more than the offset.
    known: [u32; KNOWN],
    depth: usize,
}

impl<'a> Flattener<'a> {
    /// A tree in `buffer`, an eighth of which is for the names of properties.
    ///
    /// # Errors
    /// The buffer has no room for an empty tree.
    pub fn new(buffer: &'a mut [u8]) -> Result<Self, FlattenError> {
        let (structure, strings) = buffer.split_at_mut(buffer.len() - buffer.len() / 8);
        let capacity = structure.len();
        let start = structure
            .get_mut(..STRUCTURE)
            .ok_or(FlattenError::StructureFull { capacity })?;
        start.fill(0);
        Ok(Flattener {
            structure,
            end: STRUCTURE,
            strings,
            strings_end: 0,
            known: [0; KNOWN],
            depth: 0,
        })
    }

    /// Begins a node; the root's name is empty.
    ///
    /// # Errors
    /// The buffer is full.
    pub fn begin_node(&mut self, name: &str) -> Result<(), FlattenError> {
        self.word(token::BEGIN_NODE)?;
        let room = self.take(name.len() + 1)?;
        room[..name.len()].copy_from_slice(name.as_bytes());
        self.depth += 1;
        Ok(())
    }

    /// Ends the node that was begun last.
    ///
    /// # Errors
    /// There is none, or the buffer is full.
    pub fn end_node(&mut self) -> Result<(), FlattenError> {
        self.depth = self.depth.checked_sub(1).ok_or(FlattenError::Unbalanced)?;
        self.word(token::END_NODE)
    }

    /// Adds a property; answers the place for its value of `length` bytes, zeroed.
    ///
    /// # Errors
    /// The buffer is full.
    pub fn property(&mut self, name: &str, length: usize) -> Result<&mut [u8], FlattenError> {
        let capacity = self.structure.len();
        let name = self.name(name)?;
        self.word(token::PROPERTY)?;
        self.word(u32::try_from(length).map_err(|_| FlattenError::StructureFull { capacity })?)?;
        self.word(name)?;
        Ok(&mut self.take(length)?[..length])
    }

    /// Completes the tree; answers its size in bytes, from the buffer's beginning.
    ///
    /// # Errors
    /// A node has no end, or the buffer is full.
    pub fn finish(mut self) -> Result<usize, FlattenError> {
        if self.depth != 0 {
            return Err(FlattenError::Unbalanced);
        }
        self.word(token::END)?;
        let (end, strings_end) = (self.end, self.strings_end);
        let capacity = self.structure.len();
        // The strings come to stand directly behind the structure.
        self.take(strings_end)?;
        let total = end + strings_end;
        self.structure[end..total].copy_from_slice(&self.strings[..strings_end]);
        let mut words = [0; header::WORDS];
        words[header::MAGIC] = MAGIC;
        words[header::TOTAL_SIZE] =
            u32::try_from(total).map_err(|_| FlattenError::StructureFull { capacity })?;
        words[header::STRUCTURE] = STRUCTURE as u32;
        words[header::STRINGS] = end as u32;
        words[header::RESERVATIONS] = RESERVATIONS as u32;
        words[header::VERSION] = VERSION;
        words[header::LAST_COMPATIBLE_VERSION] = LAST_COMPATIBLE_VERSION;
        words[header::STRINGS_SIZE] = strings_end as u32;
        words[header::STRUCTURE_SIZE] = (end - STRUCTURE) as u32;
        let header = words.map(u32::to_be_bytes);
        self.structure[..header.as_flattened().len()].copy_from_slice(header.as_flattened());
        Ok(total)
    }

    fn word(&mut self, word: u32) -> Result<(), FlattenError> {
        self.take(4)?.copy_from_slice(&word.to_be_bytes());
        Ok(())
    }

    /// The next `length` bytes of the structure and what aligns them, zeroed.
    fn take(&mut self, length: usize) -> Result<&mut [u8], FlattenError> {
        let capacity = self.structure.len();
        let full = FlattenError::StructureFull { capacity };
        let end = length
            .checked_next_multiple_of(4)
            .and_then(|length| self.end.checked_add(length));
        let end = end.filter(|end| *end <= capacity).ok_or(full)?;
        let room = &mut self.structure[self.end..end];
        room.fill(0);
        self.end = end;
        Ok(room)
    }

    /// The offset of a property's name in the strings; the first time it is added.
    fn name(&mut self, name: &str) -> Result<u32, FlattenError> {
        let place = match self.find(name) {
            Ok(offset) => return Ok(offset),
            Err(place) => place,
        };
        let capacity = self.strings.len();
        let start = self.strings_end;
        let room = self
            .strings
            .get_mut(start..start + name.len() + 1)
            .ok_or(FlattenError::StringsFull { capacity })?;
        room[..name.len()].copy_from_slice(name.as_bytes());
        room[name.len()] = 0;
        self.strings_end += name.len() + 1;
        let offset = start as u32;
        if let Some(place) = place {
            self.known[place] = offset + 1;
        }
        Ok(offset)
    }

    /// The offset of a name that is there; or where to note it, if there is room for that.
    fn find(&self, name: &str) -> Result<u32, Option<usize>> {
        let first = hash(name) % KNOWN;
        for place in (0..PROBES).map(|probe| (first + probe) % KNOWN) {
            let Some(offset) = self.known[place].checked_sub(1) else {
                return Err(Some(place));
            };
            let known = self.strings.get(offset as usize..).unwrap_or_default();
            if known
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.first() == Some(&0))
            {
                return Ok(offset);
            }
        }
        Err(None)
    }
}

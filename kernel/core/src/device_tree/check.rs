//! The proof that a flattened tree is sound: everything inside its bounds, every token where it may stand.

use super::{LAST_COMPATIBLE_VERSION, MAGIC, Problem, TreeError, VERSION, header, text, token, word};

/// Bytes of the header.
pub const HEADER_LENGTH: usize = header::WORDS * 4;

/// Bytes that a tree says it has, from its header.
///
/// # Errors
/// That is no header of a tree.
pub fn total_size(header: &[u8; HEADER_LENGTH]) -> Result<u32, TreeError<'static>> {
    let field = |index: usize| word(header, index * 4).unwrap_or(0);
    let error = |problem| TreeError {
        node: "",
        property: None,
        problem,
    };
    match field(header::MAGIC) {
        MAGIC => Ok(field(header::TOTAL_SIZE)),
        magic => Err(error(Problem::NotATree { magic })),
    }
}

/// Checks the tree at the beginning of `bytes` and answers exactly its bytes: with them, no reader leaves their bounds.
///
/// # Errors
/// The first place where the tree is not sound.
pub fn check(bytes: &[u8]) -> Result<&[u8], TreeError<'_>> {
    let outside = |part, offset: u64, size: u64, length: usize| TreeError {
        node: "",
        property: None,
        problem: Problem::Outside {
            part,
            offset,
            end: offset + size,
            length: length as u64,
        },
    };
    let short = outside("header", 0, HEADER_LENGTH as u64, bytes.len());
    let total = total_size(bytes.first_chunk().ok_or(short)?)?;
    let tree = bytes
        .get(..total as usize)
        .filter(|tree| tree.len() >= HEADER_LENGTH)
        .ok_or(outside("tree", 0, total.into(), bytes.len()))?;
    let field = |index: usize| word(tree, index * 4).unwrap_or(0);
    let error = |problem| TreeError {
        node: "",
        property: None,
        problem,
    };

    let (version, last_compatible) = (field(header::VERSION), field(header::LAST_COMPATIBLE_VERSION));
    if !(last_compatible..=version).contains(&VERSION) || version < LAST_COMPATIBLE_VERSION {
        return Err(error(Problem::Version {
            version,
            last_compatible,
        }));
    }
    for (part, offset, size, align) in [
        (
            "structure block",
            field(header::STRUCTURE),
            field(header::STRUCTURE_SIZE),
            4,
        ),
        (
            "strings block",
            field(header::STRINGS),
            field(header::STRINGS_SIZE),
            1,
        ),
        ("reservation map", field(header::RESERVATIONS), 16, 8),
    ] {
        if u64::from(offset) + u64::from(size) > tree.len() as u64 || (offset as usize) < HEADER_LENGTH {
            return Err(outside(part, offset.into(), size.into(), tree.len()));
        }
        if offset % align != 0 {
            return Err(error(Problem::Misaligned {
                part,
                offset: offset.into(),
            }));
        }
    }
    check_reservations(tree, field(header::RESERVATIONS) as usize)?;
    let start = field(header::STRUCTURE) as usize;
    let strings = field(header::STRINGS) as usize;
    Structure {
        tree: &tree[..start + field(header::STRUCTURE_SIZE) as usize],
        strings: &tree[strings..strings + field(header::STRINGS_SIZE) as usize],
        strings_offset: strings,
        node: "",
        offset: start,
    }
    .walk()?;
    Ok(tree)
}

/// Pairs of address and size, of which the one that is all zero is the last (DTSpec 0.4, 5.3).
fn check_reservations(tree: &[u8], start: usize) -> Result<(), TreeError<'_>> {
    let mut pairs = tree[start..].chunks_exact(16);
    if pairs.any(|pair| pair == [0; 16]) {
        return Ok(());
    }
    let problem = Problem::Endless {
        part: "reservation map",
        offset: start as u64,
    };
    Err(TreeError {
        node: "",
        property: None,
        problem,
    })
}

/// A walk over the tokens.
struct Structure<'a> {
    /// The tree up to the end of the structure block.
    tree: &'a [u8],
    strings: &'a [u8],
    strings_offset: usize,
    /// The node that was begun last.
    node: &'a str,
    /// The next token.
    offset: usize,
}

impl<'a> Structure<'a> {
    fn walk(mut self) -> Result<(), TreeError<'a>> {
        let mut depth = 0;
        // A node's properties stand before its children.
        let mut properties_may_follow = false;
        loop {
            let offset = self.offset;
            let token = self.word()?;
            match token {
                token::BEGIN_NODE => {
                    self.begin_node()?;
                    depth += 1;
                    properties_may_follow = true;
                }
                token::PROPERTY if properties_may_follow => self.property()?,
                token::END_NODE if depth > 0 => {
                    depth -= 1;
                    properties_may_follow = false;
                    if depth == 0 {
                        break;
                    }
                }
                token::NOP => {}
                token => return Err(self.error(None, Problem::Token { token, offset })),
            }
        }
        let offset = self.offset;
        match self.word()? {
            token::END => Ok(()),
            token => Err(self.error(None, Problem::Token { token, offset })),
        }
    }

    fn begin_node(&mut self) -> Result<(), TreeError<'a>> {
        let offset = self.offset;
        let name = text(&self.tree[offset..]).ok_or(self.error(None, Problem::Name { offset }))?;
        self.node = name;
        self.skip(name.len() + 1)
    }

    fn property(&mut self) -> Result<(), TreeError<'a>> {
        let length = self.word()? as usize;
        let name = self.word()? as usize;
        let offset = self.strings_offset.saturating_add(name);
        let name = self
            .strings
            .get(name..)
            .and_then(text)
            .ok_or(self.error(None, Problem::Name { offset }))?;
        let offset = self.offset;
        self.skip(length)
            .map_err(|_| self.error(Some(name), Problem::Truncated { offset }))
    }

    /// The next word, behind which the walk goes on.
    fn word(&mut self) -> Result<u32, TreeError<'a>> {
        let offset = self.offset;
        let word = word(self.tree, offset).ok_or(self.error(None, Problem::Truncated { offset }))?;
        self.offset = offset + 4;
        Ok(word)
    }

    /// Goes on behind `length` bytes and what aligns them.
    fn skip(&mut self, length: usize) -> Result<(), TreeError<'a>> {
        let offset = self.offset;
        self.offset = offset
            .checked_add(length)
            .and_then(|end| end.checked_next_multiple_of(4))
            .filter(|end| *end <= self.tree.len())
            .ok_or(self.error(None, Problem::Truncated { offset }))?;
        Ok(())
    }

    fn error(&self, property: Option<&'a str>, problem: Problem) -> TreeError<'a> {
        TreeError {
            node: self.node,
            property,
            problem,
        }
    }
}

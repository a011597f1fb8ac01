//! The line table: which line of which file an address comes from.
//!
//! Rows in address order, each good until the next one, are cut into blocks of [`BLOCK_ROWS`](super::layout::BLOCK_ROWS). A
//! block has its first address in an array for binary search; its rows are a text. Inlined code makes most rows go to and fro
//! between a few files, so a block's reader and writer remember, for each of the last files, the line where it was left.
//! A row is one byte, and what that announces, as LEB128 numbers:
//!
//! | bits | what | otherwise |
//! |---|---|---|
//! | 0, 1 | words to the next row's address | 0: bytes follow |
//! | 2 to 4 | which of the last files, the latest is 0 | 7: the file's number follows |
//! | 5 to 7 | which of [`STEPS`] to the line from where that file was left | 7: the step follows, zigzag coded |
//!
//! File 0 means that no line is known; file *n* is entry *n* − 1 of the files.

use alloc::vec::Vec;

/// One row, with its file as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// From the table's base.
    pub(super) address: u32,
    /// 0: none.
    pub(super) file: u32,
    pub(super) line: u32,
}

/// The steps from line to line that need no number.
const STEPS: [i64; 7] = [0, 1, 2, 3, 4, -1, -2];
/// In place of a file or a step: a number follows.
const NUMBER: u8 = 7;

/// The last files of a block, the latest first, and the line where each was left.
#[derive(Default)]
struct Last(heapless::Vec<(u32, u32), 16>);

impl Last {
    fn position(&self, file: u32) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == file)
    }

    /// Where the file was left; line 0 in a file that is not among the last.
    fn line(&self, file: u32) -> u32 {
        self.position(file).map_or(0, |position| self.0[position].1)
    }

    fn leave(&mut self, file: u32, line: u32) {
        match self.position(file) {
            Some(position) => _ = self.0.remove(position),
            None if self.0.is_full() => _ = self.0.pop(),
            None => {}
        }
        // There is room now.
        let _ = self.0.insert(0, (file, line));
    }
}

/// Writes the rows of one block. The first row's address is the block's own.
pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut last = Last::default();
    let mut address = rows.first().map_or(0, |row| row.address);
    for row in rows {
        let advance = row.address.wrapping_sub(address);
        let words = match advance {
            4 | 8 | 12 => (advance / 4) as u8,
            _ => 0,
        };
        let near = last.position(row.file).map(|position| position as u8);
        let slot = near.filter(|position| *position < NUMBER).unwrap_or(NUMBER);
        let step = i64::from(row.line) - i64::from(last.line(row.file));
        let known = STEPS.iter().position(|known| *known == step);
        let known = known.map_or(NUMBER, |position| position as u8);
        text.push(words | slot << 2 | known << 5);
        if words == 0 {
            put(&mut text, advance.into());
        }
        if slot == NUMBER {
            put(&mut text, row.file.into());
        }
        if known == NUMBER {
            put(&mut text, ((step << 1) ^ (step >> 63)) as u64);
        }
        last.leave(row.file, row.line);
        address = row.address;
    }
    text
}

/// The row in force at `address`, in the block of at most `rows` rows that begins at `start` and whose text is `text`.
pub(super) fn decode(
    mut text: impl Iterator<Item = u8>,
    start: u32,
    rows: usize,
    address: u32,
) -> Option<Row> {
    let mut last = Last::default();
    let mut row = Row {
        address: start,
        ..Row::default()
    };
    let mut found = None;
    for _ in 0..rows {
        match step(row, &mut last, &mut text) {
            Some(next) if next.address <= address => row = next,
            _ => break,
        }
        found = Some(row);
    }
    found
}

/// The row behind `row`; `None` at the end of the text, or where it makes no sense.
fn step(row: Row, last: &mut Last, text: &mut impl Iterator<Item = u8>) -> Option<Row> {
    let head = text.next()?;
    let advance = match head & 3 {
        0 => take(text)?.try_into().ok()?,
        words => u32::from(words) * 4,
    };
    let file = match head >> 2 & 7 {
        NUMBER => take(text)?.try_into().ok()?,
        slot => last.0.get(usize::from(slot))?.0,
    };
    let step = match head >> 5 {
        NUMBER => {
            let zigzag = take(text)?;
            (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)
        }
        known => STEPS[usize::from(known)],
    };
    let line = i64::from(last.line(file)).checked_add(step)?.try_into().ok()?;
    last.leave(file, line);
    Some(Row {
        address: row.address.checked_add(advance)?,
        file,
        line,
    })
}

fn put(text: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        text.push(number as u8 | 0x80);
        number >>= 7;
    }
    text.push(number as u8);
}

fn take(text: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = text.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

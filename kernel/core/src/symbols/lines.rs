//! The line table: which line of which file an address comes from.
//!
//! Rows in address order, each good until the next one, are cut into blocks of [`BLOCK_ROWS`](super::layout::BLOCK_ROWS). A
//! block has its first address in an array for binary search; its rows are a stream of LEB128 numbers, each relative to
//! the row before: address, then `line << 1 | file changed` with the line's difference zigzag coded, then the file
//! where it changed. File 0 means that no line is known; file *n* is entry *n* − 1 of the files.

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

/// Writes the rows of one block. The first row's address is the block's own.
pub(super) fn encode(rows: &[Row], stream: &mut Vec<u8>) {
    let mut last = Row {
        address: rows.first().map_or(0, |row| row.address),
        ..Row::default()
    };
    for row in rows {
        put(stream, row.address.wrapping_sub(last.address).into());
        let difference = i64::from(row.line) - i64::from(last.line);
        let zigzag = ((difference << 1) ^ (difference >> 63)) as u64;
        put(stream, zigzag << 1 | u64::from(row.file != last.file));
        if row.file != last.file {
            put(stream, row.file.into());
        }
        last = *row;
    }
}

/// The row in force at `address`, in the block of at most `rows` rows that begins at `start` and whose stream is at the
/// front of `stream`.
pub(super) fn decode(mut stream: &[u8], start: u32, rows: usize, address: u32) -> Option<Row> {
    let mut row = Row {
        address: start,
        ..Row::default()
    };
    let mut found = None;
    for _ in 0..rows {
        match step(row, &mut stream) {
            Some(next) if next.address <= address => row = next,
            _ => break,
        }
        found = Some(row);
    }
    found
}

/// The row behind `row`; `None` at the end of the stream, or where it makes no sense.
fn step(mut row: Row, stream: &mut &[u8]) -> Option<Row> {
    row.address = row.address.checked_add(take(stream)?.try_into().ok()?)?;
    let word = take(stream)?;
    let zigzag = word >> 1;
    let difference = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
    row.line = i64::from(row.line).checked_add(difference)?.try_into().ok()?;
    if word & 1 != 0 {
        row.file = take(stream)?.try_into().ok()?;
    }
    Some(row)
}

fn put(stream: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        stream.push(number as u8 | 0x80);
        number >>= 7;
    }
    stream.push(number as u8);
}

fn take(stream: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = stream.split_first()?;
        *stream = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

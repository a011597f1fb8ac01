//! Texts as codes: a code below 256 is a byte, each other one a rule, which stands for two codes that are smaller than itself.
//!
//! Names of symbols and rows of the line table are texts in this sense. Since rules lead to smaller codes only, there is no
//! circle even in a corrupt table.

use super::layout::{BYTES, DEPTH, Section};
use core::ops::Range;

/// A text, to be read byte by byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codes<'a> {
    rules: &'a [u8],
    codes: &'a [u8],
}

impl<'a> Codes<'a> {
    /// The text whose codes, of 16 bits each, are in `codes`.
    pub(super) fn new(rules: &'a [u8], codes: &'a [u8]) -> Self {
        Self { rules, codes }
    }

    /// The numbers of its codes among `all`, of which they are a part; `None`: they are not.
    pub(super) fn place_in(self, all: &[u8]) -> Option<Range<u32>> {
        let [from, to] = [all, self.codes].map(<[u8]>::as_ptr_range);
        let number = |code: *const u8| {
            let bytes = (code as usize).checked_sub(from.start as usize)?;
            u32::try_from(bytes / Section::Codes.stride()).ok()
        };
        (to.end <= from.end).then_some(number(to.start)?..number(to.end)?)
    }

    /// Its bytes; they end early where the table is corrupt.
    pub(super) fn bytes(self) -> Bytes<'a> {
        Bytes {
            text: self,
            pending: heapless::Vec::new(),
        }
    }

    /// The two codes that a code stands for.
    fn rule(&self, code: u16) -> Option<[u16; 2]> {
        let start = usize::from(code - BYTES) * Section::Rules.stride();
        let [a, b, c, d] = *self.rules.get(start..)?.first_chunk()?;
        let pair = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
        pair.iter().all(|part| *part < code).then_some(pair)
    }
}

/// The bytes of a text.
pub(super) struct Bytes<'a> {
    text: Codes<'a>,
    /// The right sides of the rules that are being read.
    pending: heapless::Vec<u16, DEPTH>,
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let mut code = match self.pending.pop() {
            Some(code) => code,
            None => {
                let (code, rest) = self.text.codes.split_first_chunk()?;
                self.text.codes = rest;
                u16::from_le_bytes(*code)
            }
        };
        while code >= BYTES {
            let [left, right] = self.text.rule(code)?;
            self.pending.push(right).ok()?;
            code = left;
        }
        Some(code as u8)
    }
}

//! The index of names: one word for each name and each path, ordered, of which the high bits are from the text's hash, and the
//! low ones, as many as it takes, are the symbol's number.

use core::fmt;

/// How many bits of a word the number of a symbol takes if there are `count`.
pub(super) fn number_bits(count: usize) -> u32 {
    (usize::BITS - count.leading_zeros()).min(u32::BITS - 1)
}

/// The hash of a text that is written to it, in parts: FNV-1a of 32 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(pub(super) u32);

impl Hash {
    /// Of no text.
    pub(super) const EMPTY: Hash = Hash(0x811c_9dc5);

    pub(super) fn of(text: &str) -> u32 {
        let mut hash = Hash::EMPTY;
        hash.add(text);
        hash.0
    }

    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
}

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text);
        Ok(())
    }
}

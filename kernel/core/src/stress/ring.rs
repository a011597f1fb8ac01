//! The memory of what happened last.

/// The last `N` entries of a log.
#[derive(Debug)]
pub struct Ring<T, const N: usize> {
    entries: [Option<T>; N],
    /// Where the next one goes.
    next: usize,
}

impl<T: Copy, const N: usize> Default for Ring<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy, const N: usize> Ring<T, N> {
    /// One without entries.
    #[must_use]
    pub const fn new() -> Self {
        Ring {
            entries: [None; N],
            next: 0,
        }
    }

    /// Adds an entry; the oldest one goes where there is no room.
    pub fn push(&mut self, entry: T) {
        self.entries[self.next] = Some(entry);
        self.next = (self.next + 1) % N;
    }

    /// The entries, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (newer, older) = self.entries.split_at(self.next);
        older.iter().chain(newer).flatten()
    }
}

/// A number that stands for a whole sequence of numbers (FNV-1a, over words).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds a number.
    pub fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x100_0000_01b3);
        // Multiplication carries upwards only.
        self.0 ^= self.0 >> 32;
    }

    /// What stands for all of them.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Ring};
    use std::vec::Vec;

    #[test]
    fn a_ring_keeps_the_last_entries_in_their_order() {
        let mut ring = Ring::<u32, 4>::new();
        assert_eq!(ring.iter().count(), 0);
        for (pushed, kept) in [(1, &[1][..]), (2, &[1, 2])] {
            ring.push(pushed);
            assert_eq!(ring.iter().copied().collect::<Vec<_>>(), kept);
        }
        (3..=9).for_each(|entry| ring.push(entry));
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [6, 7, 8, 9]);
    }

    #[test]
    fn a_digest_knows_values_and_their_order() {
        let of = |words: &[u64]| {
            let mut digest = Digest::default();
            words.iter().for_each(|word| digest.add(*word));
            digest.value()
        };
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2, 3]));
        let digests = [
            of(&[1, 2]),
            of(&[2, 1]),
            of(&[1]),
            of(&[1 << 63]),
            of(&[0]),
            of(&[]),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest));
        }
    }
}

//! Where a call may go while patches come and go.

use core::fmt;

/// How many return designs there are room for.
const DESIGNS: usize = 8;
/// How many choices of replacements, each under every design, there are room for.
const VARIANTS: usize = 7;
/// The bit of the function itself.
const ORIGINAL: u64 = 1 << 63;

/// Where a call may go: to the function itself, or to one of its replacements, each under one return design. A set, in one
/// word, so that who changes it and who reads it need no lock.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Goals(u64);

/// What a call has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// What the function answers.
    Original,
    /// What a replacement answers.
    Replaced,
    /// Either: threads are moving from one to the other.
    Either,
}

impl Goals {
    /// Nowhere.
    pub const NONE: Goals = Goals(0);
    /// To the function itself.
    pub const ORIGINAL: Goals = Goals(ORIGINAL);

    /// To the replacements of this number, under the design of this number.
    ///
    /// # Panics
    /// There is no room for so many.
    #[must_use]
    pub const fn replacement(variant: usize, design: usize) -> Goals {
        assert!(variant < VARIANTS && design < DESIGNS);
        Goals(1 << (variant * DESIGNS + design))
    }

    /// The same as it was put into a word.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Goals {
        Goals(bits)
    }

    /// All of it in one word.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// To these or to those.
    #[must_use]
    pub const fn or(self, other: Goals) -> Goals {
        Goals(self.0 | other.0)
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub const fn contains(self, other: Goals) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a call may be made that comes out right for `right` only: whatever replacement it meets must be one of them.
    #[must_use]
    pub const fn allow(self, right: Goals) -> bool {
        self.0 & !ORIGINAL & !right.0 == 0
    }

    /// What a call has to answer.
    #[must_use]
    pub const fn expectation(self) -> Expectation {
        match (self.0 & ORIGINAL != 0, self.0 & !ORIGINAL != 0) {
            (_, false) => Expectation::Original,
            (false, true) => Expectation::Replaced,
            (true, true) => Expectation::Either,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The replacements: the number of each, and of the design that it is under.
    pub fn replacements(self) -> impl Iterator<Item = (usize, usize)> {
        let bits = (0..VARIANTS * DESIGNS).filter(move |bit| self.0 & 1 << bit != 0);
        bits.map(|bit| (bit / DESIGNS, bit % DESIGNS))
    }
}

impl fmt::Debug for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let original = (self.0 & ORIGINAL != 0).then_some("original");
        f.debug_set()
            .entries(original)
            .entries(self.replacements())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Expectation, Goals};
    use std::vec::Vec;

    #[test]
    fn what_a_call_must_answer_follows_from_where_it_may_go() {
        let replaced = Goals::replacement(1, 2);
        assert_eq!(Goals::ORIGINAL.expectation(), Expectation::Original);
        assert_eq!(replaced.expectation(), Expectation::Replaced);
        let other = Goals::replacement(0, 4);
        assert_eq!(replaced.or(other).expectation(), Expectation::Replaced);
        assert_eq!(Goals::ORIGINAL.or(replaced).expectation(), Expectation::Either);
    }

    #[test]
    fn a_call_is_allowed_only_if_it_is_right_wherever_it_may_go() {
        let (one, other) = (Goals::replacement(0, 1), Goals::replacement(0, 2));
        assert!(Goals::ORIGINAL.allow(Goals::NONE));
        assert!(one.allow(one) && !one.allow(other) && !one.or(other).allow(one));
        assert!(Goals::ORIGINAL.or(one).or(other).allow(one.or(other)));
        assert!(!Goals::ORIGINAL.or(one).allow(Goals::NONE));
    }

    #[test]
    fn goals_are_taken_out_as_they_were_put_in() {
        let goals = Goals::replacement(0, 0)
            .or(Goals::replacement(6, 7))
            .or(Goals::ORIGINAL);
        assert_eq!(goals.replacements().collect::<Vec<_>>(), [(0, 0), (6, 7)]);
        assert_eq!(Goals::from_bits(goals.bits()), goals);
        assert_eq!((goals.count(), Goals::NONE.count()), (3, 0));
        assert!(goals.contains(Goals::ORIGINAL) && !Goals::ORIGINAL.contains(goals));
        assert_eq!(std::format!("{goals:?}"), "{\"original\", (0, 0), (6, 7)}");
    }
}

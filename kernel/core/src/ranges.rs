//! Address ranges.

use alloc::vec::Vec;
use core::ops::Range;

/// Ranges that somebody collects, as few as may be: where one goes on that has just been added, or is within it, there is no new
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// Adds one.
    pub fn add(&mut self, range: Range<u64>) {
        /// How many kinds of things may be added in turn.
        const KINDS: usize = 4;
        let goes_on = |last: &&mut Range<u64>| (last.start..=last.end).contains(&range.start);
        match self.0.iter_mut().rev().take(KINDS).find(goes_on) {
            Some(last) => last.end = last.end.max(range.end),
            None => self.0.push(range),
        }
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }
}

/// The largest part of `whole` that none of `taken` reaches into; the first of several of the same size. Empty when
/// nothing is left.
#[must_use]
pub fn largest_gap(whole: Range<u64>, taken: &[Range<u64>]) -> Range<u64> {
    // A gap begins where the whole does, or where something taken ends.
    let starts = core::iter::once(whole.start).chain(taken.iter().map(|range| range.end));
    let mut largest = whole.start..whole.start;
    for start in starts.filter(|start| (whole.start..whole.end).contains(start)) {
        let next = taken
            .iter()
            .filter(|range| range.end > start && !range.is_empty())
            .map(|range| range.start.max(start))
            .min();
        let end = next.unwrap_or(whole.end).min(whole.end);
        if end - start > largest.end - largest.start {
            largest = start..end;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_no_new_range() {
        let mut ranges = Ranges::default();
        for index in 0..100 {
            ranges.add(1000 + 10 * index..1010 + 10 * index);
            ranges.add(5000 + 8 * index..5008 + 8 * index);
            ranges.add(9000..9032);
        }
        ranges.add(7..9);
        assert_eq!(ranges.as_slice(), [1000..2000, 5000..5800, 9000..9032, 7..9]);
    }

    #[test]
    fn the_largest_gap_is_found_wherever_it_is() {
        let gap = |taken: &[(u64, u64)]| {
            let taken: Vec<_> = taken.iter().map(|(start, end)| *start..*end).collect();
            largest_gap(10..100, &taken)
        };
        assert_eq!(gap(&[]), 10..100);
        assert_eq!(gap(&[(0, 20)]), 20..100);
        assert_eq!(gap(&[(40, 60), (10, 30)]), 60..100);
        assert_eq!(gap(&[(70, 200)]), 10..70);
        assert_eq!(gap(&[(20, 30), (25, 40), (95, 96)]), 40..95);
        assert_eq!(gap(&[(40, 30), (50, 50)]), 10..100);
        assert_eq!(gap(&[(500, 600)]), 10..100);
        assert!(gap(&[(0, 1000)]).is_empty());
        assert!(gap(&[(10, 60), (50, 100)]).is_empty());
    }

    #[test]
    fn no_gap_overlaps_what_is_taken() {
        let mut state = 88_172_645_463_325_252u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 40
        };
        for _ in 0..20_000 {
            let taken: [_; 4] = core::array::from_fn(|_| random()..random());
            let gap = largest_gap(5..35, &taken);
            for address in gap.clone() {
                assert!((5..35).contains(&address), "{gap:?} {taken:?}");
                assert!(
                    taken.iter().all(|range| !range.contains(&address)),
                    "{gap:?} {taken:?}"
                );
            }
            // No free stretch is longer.
            let free = |address: &u64| taken.iter().all(|range| !range.contains(address));
            let longest = (5..35).collect::<Vec<_>>();
            let longest = longest.split(|address| !free(address)).map(<[_]>::len).max();
            assert_eq!(longest, Some((gap.end - gap.start) as usize), "{gap:?} {taken:?}");
        }
    }
}

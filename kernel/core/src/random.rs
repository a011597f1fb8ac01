//! Numbers that look random, the same for the same seed.

/// What stands in for a state of 0, from which the generator would never come away.
const NOT_ZERO: u64 = 0x70c5_1111_70c5_1111;

/// A generator of numbers (xorshift64; Marsaglia, "Xorshift RNGs", 2003).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Each stream of a seed has its own numbers.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if random.0 == 0 {
            random.0 = NOT_ZERO;
        }
        random.next();
        random
    }

    /// The next number: any but 0.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number less than `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Whether something happens that happens once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these, of which there is at least one.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// An index into so many, of which there is at least one.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Random;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    fn first(seed: u64, stream: u64) -> Vec<u64> {
        let mut random = Random::new(seed, stream);
        (0..100).map(|_| random.next()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_numbers_and_a_stream_others() {
        assert_eq!(first(1, 2), first(1, 2));
        let different: BTreeSet<_> = (0..50).map(|stream| first(7, stream)).collect();
        assert_eq!(different.len(), 50);
        assert!(different.iter().flatten().all(|number| *number != 0));
    }

    #[test]
    fn a_state_of_zero_is_left() {
        assert_eq!(first(0, 0).iter().collect::<BTreeSet<_>>().len(), 100);
    }

    #[test]
    fn choices_reach_everything_and_nothing_else() {
        let mut random = Random::new(3, 3);
        let chosen: BTreeSet<char> = (0..200).map(|_| random.choose(&['a', 'b', 'c'])).collect();
        assert_eq!(chosen.len(), 3);
        assert!((0..1000).all(|_| random.below(10) < 10));
        let often = (0..1000).filter(|_| random.one_in(4)).count();
        assert!((150..350).contains(&often), "{often}");
    }
}

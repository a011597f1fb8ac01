//! The kernel's log: the last messages in a fixed piece of memory, the oldest of which make room for new ones.

/// Bytes in front of a message's text: time, level, length.
const HEAD: usize = 8 + 1 + 2;

/// The last messages, in `N` bytes.
#[derive(Debug)]
pub struct LogRing<const N: usize> {
    bytes: [u8; N],
    /// Where the oldest message begins, counted without end: its place is this modulo `N`.
    start: u64,
    /// Where the next one will.
    end: u64,
    /// The number of the oldest one.
    first: u64,
    /// The number of the next one.
    next: u64,
}

/// A place between two messages. It stays right while messages come and go: those that are gone are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    number: u64,
    at: u64,
}

/// What is known of a message beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number: the first message since the start is 0.
    pub number: u64,
    /// Microseconds since the start.
    pub microseconds: u64,
    /// How urgent it is, as Linux counts: 0 is worst, 7 for debugging.
    pub level: u8,
}

impl<const N: usize> Default for LogRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> LogRing<N> {
    /// A log without messages.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > HEAD && N <= 1 << 32) }
        LogRing {
            bytes: [0; N],
            start: 0,
            end: 0,
            first: 0,
            next: 0,
        }
    }

    /// Adds a message. Of one that is too long for its length or for the log, the end is lost.
    pub fn push(&mut self, microseconds: u64, level: u8, text: &str) {
        let longest = (N - HEAD).min(usize::from(u16::MAX));
        let text = &text[..text.floor_char_boundary_within(longest)];
        let size = (HEAD + text.len()) as u64;
        while self.end + size - self.start > N as u64 {
            self.start += HEAD as u64 + u64::from(self.length_at(self.start));
            self.first += 1;
        }
        let length = (text.len() as u16).to_le_bytes();
        let head = microseconds
            .to_le_bytes()
            .into_iter()
            .chain([level])
            .chain(length);
        for byte in head.chain(text.bytes()) {
            self.bytes[(self.end % N as u64) as usize] = byte;
            self.end += 1;
        }
        self.next += 1;
    }

    /// Forgets all messages. Numbers go on.
    pub fn clear(&mut self) {
        self.start = self.end;
        self.first = self.next;
    }

    /// Before the oldest message.
    #[must_use]
    pub fn oldest(&self) -> Place {
        Place {
            number: self.first,
            at: self.start,
        }
    }

    /// The message behind `place`, whose text goes into `text` in up to two pieces, and `place` goes behind it. `None` when
    /// there is none yet. Pieces are UTF-8 only together.
    pub fn read(&self, place: &mut Place, text: &mut dyn FnMut(&[u8])) -> Option<Head> {
        if place.number < self.first {
            *place = self.oldest();
        }
        if place.number >= self.next {
            return None;
        }
        let head = Head {
            number: place.number,
            microseconds: u64::from_le_bytes(self.array_at(place.at)),
            level: self.byte_at(place.at + 8),
        };
        let length = self.length_at(place.at);
        let start = ((place.at + HEAD as u64) % N as u64) as usize;
        let first = usize::from(length).min(N - start);
        text(&self.bytes[start..start + first]);
        if first < usize::from(length) {
            text(&self.bytes[..usize::from(length) - first]);
        }
        place.number += 1;
        place.at += HEAD as u64 + u64::from(length);
        Some(head)
    }

    fn byte_at(&self, at: u64) -> u8 {
        self.bytes[(at % N as u64) as usize]
    }

    fn array_at<const M: usize>(&self, at: u64) -> [u8; M] {
        core::array::from_fn(|index| self.byte_at(at + index as u64))
    }

    fn length_at(&self, at: u64) -> u16 {
        u16::from_le_bytes(self.array_at(at + 9))
    }
}

trait Boundary {
    /// The last place between two characters that is not behind `limit`.
    fn floor_char_boundary_within(&self, limit: usize) -> usize;
}

impl Boundary for str {
    fn floor_char_boundary_within(&self, limit: usize) -> usize {
        let mut end = self.len().min(limit);
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<const N: usize>(ring: &LogRing<N>, place: &mut Place) -> Vec<(u64, u64, u8, String)> {
        let mut found = Vec::new();
        loop {
            let mut text = Vec::new();
            let Some(head) = ring.read(place, &mut |piece| text.extend_from_slice(piece)) else {
                return found;
            };
            let text = String::from_utf8(text).expect("what was pushed was text");
            found.push((head.number, head.microseconds, head.level, text));
        }
    }

    #[test]
    fn messages_come_back_in_order() {
        let mut ring = LogRing::<256>::new();
        assert_eq!(all(&ring, &mut ring.oldest()), []);
        ring.push(5, 6, "one");
        ring.push(7, 4, "");
        let mut place = ring.oldest();
        let expected = [(0, 5, 6, "one".into()), (1, 7, 4, String::new())];
        assert_eq!(all(&ring, &mut place), expected);
        ring.push(u64::MAX, 255, "größe");
        assert_eq!(all(&ring, &mut place), [(2, u64::MAX, 255, "größe".into())]);
        ring.clear();
        assert_eq!(all(&ring, &mut Place::default()), []);
        ring.push(9, 1, "x");
        assert_eq!(all(&ring, &mut Place::default()), [(3, 9, 1, "x".into())]);
    }

    #[test]
    fn the_oldest_make_room() {
        // Compared with a list, for messages of all lengths at all places.
        let mut ring = LogRing::<97>::new();
        let mut list: Vec<(u64, u64, u8, String)> = Vec::new();
        let mut behind = Place::default();
        for number in 0..2000_u64 {
            let text = "ä".repeat((number * 7 % 41) as usize);
            ring.push(number, (number % 8) as u8, &text);
            list.push((number, number, (number % 8) as u8, text));
            while list.iter().map(|entry| HEAD + entry.3.len()).sum::<usize>() > 97 {
                list.remove(0);
            }
            assert_eq!(all(&ring, &mut ring.oldest()), list);
            if number % 3 == 0 {
                let seen = all(&ring, &mut behind);
                assert!(list.ends_with(&seen) && !seen.is_empty());
            }
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let mut ring = LogRing::<32>::new();
        ring.push(1, 1, "first");
        ring.push(2, 2, &"ä".repeat(50));
        assert_eq!(
            all(&ring, &mut Place::default()),
            [(1, 2, 2, "ä".repeat((32 - HEAD) / 2))]
        );
    }
}

//! One call, or one return.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A function was called; nobody watches for its return.
    Call = 1,
    /// A function was called whose return is watched for.
    Entry = 2,
    /// Such a function returns.
    Return = 3,
}

/// One call, or one return: in a ring, four words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in ticks of the clock.
    pub time: u64,
    /// Of the function: the address of its site.
    pub site: u64,
    /// Where the function returns to; of a return: when it was called.
    pub other: u64,
    /// The number of the thread.
    pub thread: u32,
    /// How many functions the thread is inside of that are watched, without this one. 24 bits are kept.
    pub depth: u32,
    /// What happened.
    pub kind: Kind,
}

/// Where thread and depth are in the last word; below them is the kind.
const THREAD: u32 = 32;
const DEPTH: u32 = 8;

impl Event {
    /// As a ring keeps it.
    #[inline(always)]
    pub(super) fn words(&self) -> [u64; 4] {
        let who = u64::from(self.thread) << THREAD | (u64::from(self.depth) << DEPTH) as u32 as u64;
        [self.time, self.site, self.other, who | self.kind as u64]
    }

    /// Out of a ring; `None` where no event is.
    pub(super) fn from_words([time, site, other, who]: [u64; 4]) -> Option<Event> {
        let kind = [Kind::Call, Kind::Entry, Kind::Return];
        Some(Event {
            time,
            site,
            other,
            thread: (who >> THREAD) as u32,
            depth: who as u32 >> DEPTH,
            kind: kind.into_iter().find(|kind| *kind as u8 == who as u8)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_back() {
        for kind in [Kind::Call, Kind::Entry, Kind::Return] {
            let event = Event {
                time: u64::MAX,
                site: 0x40_0000,
                other: 1,
                thread: u32::MAX,
                depth: 0xff_ffff,
                kind,
            };
            assert_eq!(Event::from_words(event.words()), Some(event));
        }
        assert_eq!(Event::from_words([0; 4]), None);
    }
}

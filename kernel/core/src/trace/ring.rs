//! The last events of a CPU, the oldest of which make room for new ones.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use super::Event;

type Slot = [AtomicU64; 4];

/// The last `N` events, a power of two. One at a time writes, and who reads has seen to it that nobody writes meanwhile and that
/// what was written is visible: both are for the owner to see to; what comes of it otherwise is a wrong event.
#[derive(Debug)]
pub struct Ring<const N: usize> {
    slots: Box<[Slot; N]>,
    /// How many there have been.
    written: AtomicU64,
    /// How many of these are forgotten, or were when it was cleared.
    cleared: AtomicU64,
}

impl<const N: usize> Ring<N> {
    /// A ring without events; `None` if there is no memory for one.
    #[must_use]
    pub fn new() -> Option<Self> {
        const { assert!(N.is_power_of_two()) }
        let mut slots = Vec::new();
        slots.try_reserve_exact(N).ok()?;
        slots.resize_with(N, Slot::default);
        Some(Ring {
            slots: slots.into_boxed_slice().try_into().ok()?,
            written: AtomicU64::new(0),
            cleared: AtomicU64::new(0),
        })
    }

    /// Adds an event. For trampolines: it waits for nobody and cannot fail.
    #[inline(always)]
    pub fn push(&self, event: &Event) {
        let number = self.written.load(Ordering::Relaxed);
        let slot = &self.slots[number as usize % N];
        for (place, word) in slot.iter().zip(event.words()) {
            place.store(word, Ordering::Relaxed);
        }
        self.written.store(number + 1, Ordering::Relaxed);
    }

    /// Forgets all events.
    pub fn clear(&self) {
        self.cleared
            .store(self.written.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// How many events have been written since it was cleared.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed) - self.cleared.load(Ordering::Relaxed)
    }

    /// The events that there are, the oldest first.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        let end = self.written.load(Ordering::Relaxed);
        let first = self
            .cleared
            .load(Ordering::Relaxed)
            .max(end.saturating_sub(N as u64));
        (first..end).filter_map(|number| {
            let slot = &self.slots[number as usize % N];
            Event::from_words(slot.each_ref().map(|word| word.load(Ordering::Relaxed)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn event(time: u64) -> Event {
        Event {
            time,
            site: 4,
            other: 8,
            thread: 1,
            depth: 2,
            kind: Kind::Call,
        }
    }

    fn times<const N: usize>(ring: &Ring<N>) -> Vec<u64> {
        ring.events().map(|event| event.time).collect()
    }

    #[test]
    fn the_oldest_make_room() {
        let ring = Ring::<4>::new().expect("there is memory");
        assert_eq!(times(&ring), []);
        for time in 0..11 {
            ring.push(&event(time));
            let first = (time + 1).saturating_sub(4);
            assert_eq!(times(&ring), (first..=time).collect::<Vec<_>>());
            assert_eq!(ring.written(), time + 1);
        }
        ring.clear();
        assert_eq!((times(&ring), ring.written()), (vec![], 0));
        ring.push(&event(99));
        assert_eq!((times(&ring), ring.written()), (vec![99], 1));
        assert_eq!(ring.events().next(), Some(event(99)));
    }
}

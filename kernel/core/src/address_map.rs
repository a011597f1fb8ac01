//! Values by address, for many at once: to put one in, to find it and to take it out takes as long in a map of ten thousand as
//! in one of ten. They lie one behind the other, in no order; an open-addressed table of their places, never more than half full,
//! finds them.

use alloc::vec;
use alloc::vec::Vec;

/// A map from addresses, of which the lowest two bits say nothing.
#[derive(Clone, Debug)]
pub struct AddressMap<V> {
    items: Vec<(u64, V)>,
    /// Place of an item + 1, or 0, from where its address wants to be, upwards. A power of two, or nothing.
    table: Vec<u32>,
}

/// What is at an address.
#[derive(Debug)]
pub enum Entry<'a, V> {
    /// This value.
    Occupied(&'a mut V),
    /// None yet.
    Vacant(Vacancy<'a, V>),
}

/// Where a value goes, with room for it.
#[derive(Debug)]
pub struct Vacancy<'a, V> {
    map: &'a mut AddressMap<V>,
    address: u64,
    slot: usize,
}

/// The least that a table is made for.
const FEWEST: usize = 8;

impl<V> AddressMap<V> {
    /// An empty one, which has no memory.
    #[must_use]
    pub const fn new() -> Self {
        AddressMap {
            items: Vec::new(),
            table: Vec::new(),
        }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The values, in the order in which they came as long as none was taken out.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.items.iter().map(|(_, value)| value)
    }

    /// The value at `address`.
    #[must_use]
    pub fn get(&self, address: u64) -> Option<&V> {
        let (_, place) = self.find(address)?;
        self.items.get(place).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, address: u64) -> Option<&mut V> {
        let (_, place) = self.find(address)?;
        self.items.get_mut(place).map(|(_, value)| value)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.items.reserve(more);
        let wanted = (2 * (self.items.len() + more))
            .next_power_of_two()
            .max(2 * FEWEST);
        if wanted > self.table.len() {
            self.table = vec![0; wanted];
            for place in 0..self.items.len() {
                self.enter(place);
            }
        }
    }

    /// The value at `address`, or where it goes.
    #[inline(always)]
    pub fn entry(&mut self, address: u64) -> Entry<'_, V> {
        if 2 * self.items.len() >= self.table.len() {
            self.reserve(1.max(self.items.len()));
        }
        let mut slot = self.home(address);
        while let Some(place) = self.table[slot].checked_sub(1) {
            match self.items.get(place as usize) {
                Some((other, _)) if *other == address => {
                    return Entry::Occupied(&mut self.items[place as usize].1);
                }
                _ => slot = self.behind(slot),
            }
        }
        let map = self;
        Entry::Vacant(Vacancy { map, address, slot })
    }

    /// Takes a value out. The last one gives all memory back.
    pub fn remove(&mut self, address: u64) -> Option<V> {
        let (slot, place) = self.find(address)?;
        self.clear(slot);
        let last = self.items.len() - 1;
        if place != last
            && let Some((slot, _)) = self.find(self.items[last].0)
        {
            self.table[slot] = place as u32 + 1;
        }
        let (_, value) = self.items.swap_remove(place);
        if self.items.is_empty() {
            *self = AddressMap::new();
        }
        Some(value)
    }

    /// Takes out what came after the first `count`. Without any there is no memory.
    pub fn truncate(&mut self, count: usize) {
        while self.items.len() > count {
            let (address, _) = self.items[self.items.len() - 1];
            self.remove(address);
        }
        if self.items.is_empty() {
            *self = AddressMap::new();
        }
    }

    /// The slot of the table that leads to `address`, and the item's place.
    #[inline(always)]
    fn find(&self, address: u64) -> Option<(usize, usize)> {
        let mut slot = self.home(address);
        loop {
            let place = self.table.get(slot)?.checked_sub(1)? as usize;
            if self.items.get(place)?.0 == address {
                return Some((slot, place));
            }
            slot = self.behind(slot);
        }
    }

    /// Leads the table to the item at `place`.
    fn enter(&mut self, place: usize) {
        let mut slot = self.home(self.items[place].0);
        while self.table[slot] != 0 {
            slot = self.behind(slot);
        }
        self.table[slot] = place as u32 + 1;
    }

    /// Empties a slot, and moves up what would not be found behind it.
    fn clear(&mut self, slot: usize) {
        let (mut hole, mut slot) = (slot, slot);
        loop {
            slot = self.behind(slot);
            let Some(place) = self.table[slot].checked_sub(1) else {
                break;
            };
            let distance = |from: usize| slot.wrapping_sub(from) & (self.table.len() - 1);
            if distance(self.home(self.items[place as usize].0)) >= distance(hole) {
                self.table[hole] = self.table[slot];
                hole = slot;
            }
        }
        self.table[hole] = 0;
    }

    /// Where an address wants to be, in a table of so many slots as there are: its product with 2⁶⁴ divided by the golden ratio, as a
    /// part of 2⁶⁴, which spreads neighbours as evenly as can be.
    fn home(&self, address: u64) -> usize {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = (address >> 2).wrapping_mul(SPREAD);
        ((u128::from(product) * self.table.len() as u128) >> 64) as usize
    }

    fn behind(&self, slot: usize) -> usize {
        (slot + 1) & (self.table.len() - 1)
    }
}

impl<V> Vacancy<'_, V> {
    /// Puts a value in.
    #[inline(always)]
    pub fn fill(self, value: V) {
        self.map.items.push((self.address, value));
        self.map.table[self.slot] = self.map.items.len() as u32;
    }
}

impl<V> Default for AddressMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::collections::BTreeMap;

    #[test]
    fn it_does_what_an_ordered_map_does() {
        let mut random = Random::new(7, 0);
        let (mut map, mut model) = (AddressMap::new(), BTreeMap::new());
        for step in 0..200_000u64 {
            // A few addresses, so that they meet; and at times more are taken out than put in.
            let address = 0x40_0000 + 4 * (random.next() % 600);
            match random.next() % if step / 10_000 % 2 == 0 { 5 } else { 3 } {
                0 => assert_eq!(map.remove(address), model.remove(&address)),
                1 => assert_eq!(map.get(address), model.get(&address)),
                2 if step % 100 == 0 => {
                    let before = map.len();
                    map.reserve(20);
                    for address in (0..20).map(|index| 0x80_0000 + 4 * index) {
                        put(&mut map, address, step);
                        assert_eq!(map.get(address), Some(&step));
                    }
                    map.truncate(before);
                }
                _ => {
                    assert_eq!(put(&mut map, address, step), !model.contains_key(&address));
                    model.entry(address).or_insert(step);
                }
            }
            assert_eq!(map.len(), model.len());
        }
        assert!(
            model
                .iter()
                .all(|(address, value)| map.get(*address) == Some(value))
        );
        let mut all: Vec<_> = map.values().copied().collect();
        let mut wanted: Vec<_> = model.into_values().collect();
        all.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(all, wanted);
    }

    /// Puts a value in, if there is none.
    fn put(map: &mut AddressMap<u64>, address: u64, value: u64) -> bool {
        match map.entry(address) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacancy) => {
                vacancy.fill(value);
                true
            }
        }
    }

    #[test]
    fn an_empty_map_has_no_memory() {
        let mut map = AddressMap::new();
        assert_eq!(map.get(0x40_0000), None);
        assert_eq!(map.remove(0x40_0000), None);
        map.reserve(100);
        map.truncate(0);
        assert_eq!((map.items.capacity(), map.table.capacity()), (0, 0));
        assert!(put(&mut map, 0x40_0000, 1) && !put(&mut map, 0x40_0000, 2));
        if let Some(value) = map.get_mut(0x40_0000) {
            *value = 3;
        }
        assert_eq!(map.remove(0x40_0000), Some(3));
        assert_eq!(
            (map.items.capacity(), map.table.capacity(), map.is_empty()),
            (0, 0, true)
        );
    }
}

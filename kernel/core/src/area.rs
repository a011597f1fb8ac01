//! A range of addresses, given out in pieces.
//!
//! For memory that is not the heap's and may not be touched to keep track of it: the places of modules. The books are
//! kept beside it. First fit, in address order: pieces are few, long-lived and large.

use alloc::vec::Vec;
use core::ops::Range;

/// Why a piece cannot be had or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AreaError {
    /// No hole is large enough.
    #[error("no room for {size:#x} bytes: {free:#x} are free, {largest:#x} of them in one piece")]
    Full {
        /// What was asked for.
        size: u64,
        /// Bytes that are free in all.
        free: u64,
        /// The largest hole.
        largest: u64,
    },
    /// An empty piece, or an alignment that is not a power of two.
    #[error("{size:#x} bytes at a multiple of {alignment:#x} cannot be given out")]
    Senseless {
        /// What was asked for.
        size: u64,
        /// The alignment.
        alignment: u64,
    },
    /// Nothing that was given out begins there.
    #[error("nothing that begins at {address:#x} was given out")]
    NotGiven {
        /// The address.
        address: u64,
    },
}

/// The area and the pieces that are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    range: Range<u64>,
    /// In the order of their addresses, none empty, none overlapping.
    used: Vec<Range<u64>>,
}

impl Area {
    /// An area of which nothing is in use. A range that ends before it begins is empty.
    pub const fn new(range: Range<u64>) -> Area {
        Area {
            range,
            used: Vec::new(),
        }
    }

    /// The same, with room to keep track of `pieces` without asking for memory.
    pub fn with_room(range: Range<u64>, pieces: usize) -> Area {
        Area {
            range,
            used: Vec::with_capacity(pieces),
        }
    }

    /// Takes `size` bytes at the lowest possible multiple of `alignment`; gives the address.
    ///
    /// # Errors
    /// No room, no size, or no power of two.
    pub fn take(&mut self, size: u64, alignment: u64) -> Result<u64, AreaError> {
        if size == 0 || !alignment.is_power_of_two() {
            return Err(AreaError::Senseless { size, alignment });
        }
        let fit = self.holes().enumerate().find_map(|(index, hole)| {
            let start = hole.start.checked_next_multiple_of(alignment)?;
            let end = start.checked_add(size)?;
            (end <= hole.end).then_some((index, start..end))
        });
        let Some((index, piece)) = fit else {
            let largest = self.holes().map(|hole| hole.end - hole.start).max().unwrap_or(0);
            return Err(AreaError::Full {
                size,
                free: self.free_bytes(),
                largest,
            });
        };
        let start = piece.start;
        self.used.insert(index, piece);
        Ok(start)
    }

    /// Gives back the piece that begins at `address`.
    ///
    /// # Errors
    /// No piece begins there.
    pub fn give_back(&mut self, address: u64) -> Result<Range<u64>, AreaError> {
        let found = self.used.binary_search_by_key(&address, |piece| piece.start);
        found
            .map(|index| self.used.remove(index))
            .map_err(|_| AreaError::NotGiven { address })
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> u64 {
        self.used.iter().map(|piece| piece.end - piece.start).sum()
    }

    /// Bytes that are free.
    pub fn free_bytes(&self) -> u64 {
        self.holes().map(|hole| hole.end - hole.start).sum()
    }

    /// What lies between the pieces, one more than there are pieces; any may be empty.
    fn holes(&self) -> impl Iterator<Item = Range<u64>> {
        let starts = core::iter::once(self.range.start).chain(self.used.iter().map(|piece| piece.end));
        let last = self.range.end.max(self.range.start);
        let ends = self
            .used
            .iter()
            .map(|piece| piece.start)
            .chain(core::iter::once(last));
        starts.zip(ends).map(|(start, end)| start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_fit_and_reuse() {
        let mut area = Area::new(0x1000..0x2000);
        assert_eq!(area.take(0x10, 0x100), Ok(0x1000));
        assert_eq!(area.take(0x10, 0x100), Ok(0x1100), "aligned, a hole stays");
        assert_eq!(area.take(0x20, 4), Ok(0x1010), "the hole is found");
        assert_eq!(area.give_back(0x1000), Ok(0x1000..0x1010));
        assert_eq!(area.take(0x11, 4), Ok(0x1030), "too large for the first hole");
        assert_eq!(area.take(0x10, 4), Ok(0x1000));
        assert_eq!(area.used_bytes(), 0x10 + 0x10 + 0x20 + 0x11);
        assert_eq!(area.used_bytes() + area.free_bytes(), 0x1000);
    }

    #[test]
    fn what_cannot_be_had() {
        let mut area = Area::new(0x1000..0x2000);
        assert_eq!(
            area.take(0, 4),
            Err(AreaError::Senseless {
                size: 0,
                alignment: 4
            })
        );
        assert_eq!(
            area.take(4, 3),
            Err(AreaError::Senseless {
                size: 4,
                alignment: 3
            })
        );
        assert_eq!(area.take(0x1000, 1), Ok(0x1000));
        assert_eq!(
            area.take(1, 1),
            Err(AreaError::Full {
                size: 1,
                free: 0,
                largest: 0
            })
        );
        assert_eq!(
            area.give_back(0x1001),
            Err(AreaError::NotGiven { address: 0x1001 })
        );
        assert_eq!(
            area.take(u64::MAX, 1 << 63),
            Err(AreaError::Full {
                size: u64::MAX,
                free: 0,
                largest: 0
            })
        );
        assert_eq!(
            Area::new(Range { start: 9, end: 3 }).take(1, 1),
            Err(AreaError::Full {
                size: 1,
                free: 0,
                largest: 0
            })
        );
        let mut top = Area::new(u64::MAX - 10..u64::MAX);
        assert_eq!(
            top.take(4, 1 << 20),
            Err(AreaError::Full {
                size: 4,
                free: 10,
                largest: 10
            })
        );
    }

    #[test]
    fn pieces_never_overlap() {
        let mut area = Area::new(0x1000..0x9000);
        let (mut given, mut state) = (Vec::new(), 1u64);
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let (size, alignment) = (1 + (state >> 33) % 0x700, 1 << ((state >> 50) % 10));
            if state >> 63 == 0 {
                if let Ok(start) = area.take(size, alignment) {
                    assert_eq!(start % alignment, 0);
                    assert!(start >= 0x1000 && start + size <= 0x9000);
                    let overlap = given
                        .iter()
                        .find(|piece: &&Range<u64>| piece.start < start + size && start < piece.end);
                    assert_eq!(overlap, None);
                    given.push(start..start + size);
                }
            } else if !given.is_empty() {
                let piece = given.swap_remove((state >> 40) as usize % given.len());
                assert_eq!(area.give_back(piece.start), Ok(piece));
            }
            assert_eq!(
                area.used_bytes(),
                given.iter().map(|piece| piece.end - piece.start).sum()
            );
        }
        for piece in given {
            area.give_back(piece.start).unwrap();
        }
        assert_eq!(area, Area::new(0x1000..0x9000), "as it was");
    }
}

//! Memory that the processor watches: what its registers are given for what the debugger wants.
//!
//! The processor compares doublewords. So it also stops for what lies beside the watched bytes in the same doubleword; GDB sees
//! by the value that nothing has happened when it watches for stores, and shows such a stop when it watches for loads.

use super::WatchKind;

/// Bits of DAWRX (Power ISA 3.0B, book III, 10.4): loads, stores; whether or not addresses are translated; in privileged state.
const LOADS: u64 = 1 << (63 - 58);
const STORES: u64 = 1 << (63 - 57);
const EITHER_TRANSLATION: u64 = 1 << (63 - 60);
const PRIVILEGED: u64 = 1 << (63 - 62);
/// Where in it the number of doublewords is, less one.
const LENGTH_SHIFT: u64 = 63 - 53;
/// Bytes that there can be, which must not lie across a multiple of this.
const LARGEST: u64 = 512;

/// Some memory, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Where it begins.
    pub address: u64,
    /// How many bytes.
    pub length: u64,
    /// Loads, stores, or both.
    pub kind: WatchKind,
}

impl Watch {
    /// What DAWR and DAWRX must have; `None` when the processor cannot watch this.
    #[must_use]
    pub fn registers(self) -> Option<(u64, u64)> {
        let last = self.address.checked_add(self.length.checked_sub(1)?)?;
        if self.address / LARGEST != last / LARGEST {
            return None;
        }
        let more = last / 8 - self.address / 8;
        let accesses = match self.kind {
            WatchKind::Read => LOADS,
            WatchKind::Write => STORES,
            WatchKind::ReadWrite => LOADS | STORES,
        };
        let control = more << LENGTH_SHIFT | accesses | EITHER_TRANSLATION | PRIVILEGED;
        Some((self.address & !7, control))
    }
}

#[cfg(test)]
mod tests {
    use super::{Watch, WatchKind};

    fn registers(address: u64, length: u64, kind: WatchKind) -> Option<(u64, u64)> {
        let watch = Watch {
            address,
            length,
            kind,
        };
        watch.registers()
    }

    #[test]
    fn doublewords_are_watched() {
        assert_eq!(registers(0x1000, 8, WatchKind::Write), Some((0x1000, 0x4a)));
        assert_eq!(registers(0x1004, 4, WatchKind::Read), Some((0x1000, 0x2a)));
        assert_eq!(registers(0x1007, 2, WatchKind::ReadWrite), Some((0x1000, 0x46a)));
        assert_eq!(
            registers(0x1000, 512, WatchKind::Write),
            Some((0x1000, 63 << 10 | 0x4a))
        );
    }

    #[test]
    fn what_cannot_be_watched_is_refused() {
        for (address, length) in [
            (0x1000, 0),
            (0x1000, 513),
            (0x11fc, 8),
            (u64::MAX, 2),
            (8, u64::MAX),
        ] {
            assert_eq!(
                registers(address, length, WatchKind::Write),
                None,
                "{length} at {address:#x}"
            );
        }
    }
}

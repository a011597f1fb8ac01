//! What a single step does to the machine state that it needs itself.
//!
//! One instruction is executed with MSR\[SE\] on and MSR\[EE\] off, so that it is that instruction and no interrupt's. What it
//! reads of MSR must be what it would have read otherwise.

/// Bits of MSR (Power ISA 3.0B, book III, 4.2.1): external interrupts, and a trace exception after each instruction.
const EE: u64 = 1 << 15;
const SE: u64 = 1 << 10;

/// What an instruction has to do with MSR (Power ISA 3.0B, book III, 4.4.2 and 3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// `mfmsr`: it reads MSR into this register.
    Reads(u8),
    /// `mtmsr`, `mtmsrd`: it writes EE.
    Writes,
    /// `sc`, `rfid` and their kin: it goes elsewhere with another MSR, and the trace exception may come late or never.
    Leaves,
}

impl Effect {
    /// That of an instruction.
    #[must_use]
    pub fn of(word: u32) -> Effect {
        let register = (word >> 21 & 31) as u8;
        match (word >> 26, word >> 1 & 0x3ff) {
            (31, 83) => Effect::Reads(register),
            (31, 146 | 178) => Effect::Writes,
            // sc, scv; rfid, hrfid, rfscv, stop.
            (17, _) | (19, 18 | 274 | 82 | 370) => Effect::Leaves,
            _ => Effect::None,
        }
    }

    /// MSR before the step, from what it is for the thread.
    #[must_use]
    pub fn before(msr: u64) -> u64 {
        msr & !EE | SE
    }

    /// MSR behind the step, from what it was before it and from what it is now.
    #[must_use]
    pub fn behind(self, before: u64, now: u64) -> u64 {
        let kept = if self == Effect::Writes { SE } else { EE | SE };
        now & !kept | before & kept
    }
}

#[cfg(test)]
mod tests {
    use super::{EE, Effect, SE};

    #[test]
    fn effects_are_told_by_the_instruction() {
        for (word, effect) in [
            (0x7d60_00a6, Effect::Reads(11)),
            (0x7c60_0164, Effect::Writes),
            (0x7c61_0164, Effect::Writes),
            (0x7c60_0124, Effect::Writes),
            (0x4400_0022, Effect::Leaves),
            (0x4c00_0024, Effect::Leaves),
            (0x4c00_0224, Effect::Leaves),
            (0x4e80_0020, Effect::None),
            (0x6000_0000, Effect::None),
        ] {
            assert_eq!(Effect::of(word), effect, "{word:#x}");
        }
    }

    #[test]
    fn a_step_leaves_no_trace_in_msr() {
        for before in [0, EE, SE, EE | SE] {
            let during = Effect::before(before);
            assert_eq!(during, SE);
            assert_eq!(Effect::None.behind(before, during), before);
            // mtmsrd with EE, and without.
            assert_eq!(Effect::Writes.behind(before, during | EE), before & !EE | EE);
            assert_eq!(Effect::Writes.behind(before, during), before & !EE);
        }
    }
}

//! Loops of load-and-reserve and store-conditional, which nobody can step through: the exception after the load takes the
//! reservation away. What they do is done here in the place of the processor, one instruction at a time.
//!
//! Source: Power ISA 3.0B, book II, 4.6.2 (the pairs), book I, 2.3 and 3.3 (what compilers put between the two).
#![allow(unsafe_code, reason = "reads and writes what the stepped instruction would")]

use arch::entry::ExceptionFrame;

use super::witness::word_at;

/// Whether a load has reserved, so that what comes up to the store is done here.
#[derive(Default)]
pub(super) struct Reserved {
    is_held: bool,
}

/// The fields of an instruction.
struct Fields {
    word: u32,
    /// Bits 6 to 10, 11 to 15, 16 to 20.
    t: usize,
    a: usize,
    b: usize,
}

impl Fields {
    fn of(word: u32) -> Fields {
        let [t, a, b] = [21, 16, 11].map(|shift| (word >> shift & 31) as usize);
        Fields { word, t, a, b }
    }

    fn signed(&self) -> i64 {
        (self.word as u16 as i16).into()
    }

    fn unsigned(&self) -> u64 {
        (self.word as u16).into()
    }
}

/// Loads as many bytes as the instruction with this extended opcode; `None`: it is none that reserves.
fn load(extended: u32, address: u64) -> Option<u64> {
    Some(match extended {
        // SAFETY: the stepped thread would load from here now.
        52 => unsafe { (address as *const u8).read_volatile() }.into(),
        // SAFETY: as before.
        116 => unsafe { (address as *const u16).read_volatile() }.into(),
        // SAFETY: as before.
        20 => unsafe { (address as *const u32).read_volatile() }.into(),
        // SAFETY: as before.
        84 => unsafe { (address as *const u64).read_volatile() },
        _ => return None,
    })
}

/// The same for store-conditional.
fn store(extended: u32, address: u64, value: u64) -> Option<()> {
    match extended {
        // SAFETY: the stepped thread would store here now; nobody else runs between this and the load.
        694 => unsafe { (address as *mut u8).write_volatile(value as u8) },
        // SAFETY: as before.
        726 => unsafe { (address as *mut u16).write_volatile(value as u16) },
        // SAFETY: as before.
        150 => unsafe { (address as *mut u32).write_volatile(value as u32) },
        // SAFETY: as before.
        214 => unsafe { (address as *mut u64).write_volatile(value) },
        _ => return None,
    }
    Some(())
}

/// Writes a field of CR: what a comparison says.
fn set_cr(frame: &mut ExceptionFrame, field: usize, order: core::cmp::Ordering) {
    let shift = 28 - 4 * field;
    let bits = match order {
        core::cmp::Ordering::Less => 8,
        core::cmp::Ordering::Greater => 4,
        core::cmp::Ordering::Equal => 2,
    };
    frame.cr = frame.cr & !(0xf << shift) | bits << shift;
}

impl Reserved {
    /// Does what the next instruction says, if it is part of such a loop.
    pub(super) fn does(&mut self, frame: &mut ExceptionFrame) -> bool {
        let fields = Fields::of(word_at(frame.nip));
        let extended = fields.word >> 1 & 0x3ff;
        let base = if fields.a == 0 { 0 } else { frame.gpr[fields.a] };
        let address = base.wrapping_add(frame.gpr[fields.b]);
        if fields.word >> 26 == 31
            && let Some(value) = load(extended, address)
        {
            frame.gpr[fields.t] = value;
            self.is_held = true;
            frame.nip += 4;
            return true;
        }
        if !self.is_held {
            return false;
        }
        if fields.word >> 26 == 31 && store(extended, address, frame.gpr[fields.t]).is_some() {
            set_cr(frame, 0, core::cmp::Ordering::Equal);
            self.is_held = false;
        } else if between(&fields, extended, base, frame).is_none() {
            // Somebody jumps out of the loop, or it is one that is not understood: then the thread's time will be over.
            self.is_held = false;
            return false;
        }
        frame.nip += 4;
        true
    }
}

/// Does what compilers put between load and store; `None`: it is something else.
fn between(fields: &Fields, extended: u32, base: u64, frame: &mut ExceptionFrame) -> Option<()> {
    let Fields { word, t, a, b } = *fields;
    let (source, other) = (frame.gpr[a], frame.gpr[b]);
    let is_long = word >> 21 & 1 != 0;
    match (word >> 26, extended) {
        // addi, li
        (14, _) => frame.gpr[t] = base.wrapping_add_signed(fields.signed()),
        // ori
        (24, _) => frame.gpr[a] = frame.gpr[t] | fields.unsigned(),
        // add, subf, or
        (31, 266) => frame.gpr[t] = source.wrapping_add(other),
        (31, 40) => frame.gpr[t] = other.wrapping_sub(source),
        (31, 444) => frame.gpr[a] = frame.gpr[t] | other,
        // clrlwi: rlwinm without a rotation, to the last bit
        (21, _) if b == 0 && word & 0x3f == 31 << 1 => {
            frame.gpr[a] = frame.gpr[t] & (0xffff_ffff >> (word >> 6 & 31));
        }
        // cmpld, cmplw, cmpldi, cmplwi: the field is the highest three bits of t
        (31, 32) if is_long => set_cr(frame, t >> 2, source.cmp(&other)),
        (31, 32) => set_cr(frame, t >> 2, (source as u32).cmp(&(other as u32))),
        (10, _) if is_long => set_cr(frame, t >> 2, source.cmp(&fields.unsigned())),
        (10, _) => set_cr(frame, t >> 2, u64::from(source as u32).cmp(&fields.unsigned())),
        // sync and lwsync: one CPU
        (31, 598) => {}
        // creqv, crxor, as crset and crclr use them
        (19, 289 | 193) if a == b => {
            let bit = 1 << (31 - t);
            frame.cr = if extended == 289 {
                frame.cr | bit
            } else {
                frame.cr & !bit
            };
        }
        // bc that is not taken: on a bit of CR that must be 0, or 1
        (16, _) if t & 0b10100 == 0b00100 => {
            let is_set = frame.cr >> (31 - a) & 1 != 0;
            let wants_set = t & 0b01000 != 0;
            if is_set == wants_set {
                return None;
            }
        }
        _ => return None,
    }
    Some(())
}

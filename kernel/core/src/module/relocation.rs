//! The relocation types: for each, what it computes and the field that it writes.
//!
//! Source of the rules: the 64-bit ELFv2 ABI, "Relocation Types". S is the symbol, A the addend, P the place.

use alloc::string::String;
use goblin::elf::{header::EM_PPC64, reloc::*};

/// Marks a load whose address computation could be folded into it; may be ignored. goblin does not have it.
const R_PPC64_PCREL_OPT: u32 = 123;

/// What a relocation computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing: a hint for linkers.
    Hint,
    /// S + A
    Absolute,
    /// S + A − P
    Relative,
    /// S + A − TOC base
    TocRelative,
    /// TOC base
    TocBase,
    /// address of the GOT entry for S − P
    GotRelative,
    /// A branch to S + A from code that keeps a TOC pointer in r2.
    Call,
    /// A branch to S + A from pc-relative code.
    CallWithoutToc,
}

/// Where a relocation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Nowhere.
    None,
    /// 16 bits of the value.
    Half(Part),
    /// The upper 14 bits of a halfword: the displacement of `ld`, `std`, `lwa`.
    HalfDs(Part),
    /// A word, for a value that fits in it as a signed number.
    SignedWord,
    /// A word, for a value that fits in it as a signed or an unsigned number.
    Word,
    /// A doubleword.
    Doubleword,
    /// The distance of `bc`.
    Branch14,
    /// The distance of `b` and `bl`.
    Branch24,
    /// The two immediates of a prefixed instruction.
    Prefixed34,
}

/// Which 16 bits of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: it must fit as a signed number.
    Whole,
    /// Bits 0 to 15.
    Low,
    /// Bits 16 to 31, of a value that fits in 32 bits.
    High,
    /// Bits 16 to 31, one more when the low half counts as negative, of a value that fits in 32 bits.
    HighAdjusted,
    /// Bits 32 to 47.
    Higher,
    /// Bits 48 to 63.
    Highest,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Howto {
    pub(super) value: Value,
    pub(super) field: Field,
}

impl Howto {
    /// The row of a relocation type, if the loader knows it.
    pub(super) fn of(kind: u32) -> Option<Howto> {
        use Field::{Branch14, Branch24, Doubleword, Half, HalfDs, Prefixed34, SignedWord, Word};
        use Part::{High, HighAdjusted, Higher, Highest, Low, Whole};
        use Value::{Absolute, Call, CallWithoutToc, GotRelative, Hint, Relative, TocBase, TocRelative};
        let (value, field) = match kind {
            R_PPC64_NONE | R_PPC64_TOCSAVE | R_PPC64_ENTRY | R_PPC64_PCREL_OPT => (Hint, Field::None),
            R_PPC64_ADDR64 | R_PPC64_UADDR64 => (Absolute, Doubleword),
            R_PPC64_ADDR32 | R_PPC64_UADDR32 => (Absolute, Word),
            R_PPC64_ADDR16 => (Absolute, Half(Whole)),
            R_PPC64_ADDR16_LO => (Absolute, Half(Low)),
            R_PPC64_ADDR16_HI => (Absolute, Half(High)),
            R_PPC64_ADDR16_HA => (Absolute, Half(HighAdjusted)),
            R_PPC64_ADDR16_HIGHER => (Absolute, Half(Higher)),
            R_PPC64_ADDR16_HIGHEST => (Absolute, Half(Highest)),
            R_PPC64_ADDR16_DS => (Absolute, HalfDs(Whole)),
            R_PPC64_ADDR16_LO_DS => (Absolute, HalfDs(Low)),
            R_PPC64_REL64 => (Relative, Doubleword),
            R_PPC64_REL32 => (Relative, SignedWord),
            R_PPC64_REL16 => (Relative, Half(Whole)),
            R_PPC64_REL16_LO => (Relative, Half(Low)),
            R_PPC64_REL16_HI => (Relative, Half(High)),
            R_PPC64_REL16_HA => (Relative, Half(HighAdjusted)),
            R_PPC64_TOC => (TocBase, Doubleword),
            R_PPC64_TOC16 => (TocRelative, Half(Whole)),
            R_PPC64_TOC16_LO => (TocRelative, Half(Low)),
            R_PPC64_TOC16_HI => (TocRelative, Half(High)),
            R_PPC64_TOC16_HA => (TocRelative, Half(HighAdjusted)),
            R_PPC64_TOC16_DS => (TocRelative, HalfDs(Whole)),
            R_PPC64_TOC16_LO_DS => (TocRelative, HalfDs(Low)),
            R_PPC64_REL14 | R_PPC64_REL14_BRTAKEN | R_PPC64_REL14_BRNTAKEN => (Call, Branch14),
            R_PPC64_REL24 => (Call, Branch24),
            R_PPC64_REL24_NOTOC => (CallWithoutToc, Branch24),
            R_PPC64_PCREL34 => (Relative, Prefixed34),
            R_PPC64_GOT_PCREL34 => (GotRelative, Prefixed34),
            _ => return None,
        };
        Some(Howto { value, field })
    }
}

/// The name of a relocation type.
pub(super) fn name(kind: u32) -> &'static str {
    if kind == R_PPC64_PCREL_OPT {
        "R_PPC64_PCREL_OPT"
    } else {
        r_to_str(kind, EM_PPC64)
    }
}

impl Field {
    /// Bytes from the relocation's offset that may change.
    pub(super) fn width(self) -> u64 {
        match self {
            Field::None => 0,
            Field::Half(_) | Field::HalfDs(_) => 2,
            Field::SignedWord | Field::Word | Field::Branch14 | Field::Branch24 => 4,
            Field::Doubleword | Field::Prefixed34 => 8,
        }
    }

    /// What `write` demands of a value, in words.
    pub(super) fn demand(self) -> &'static str {
        match self {
            Field::Half(Part::Whole) => "16 bits",
            Field::HalfDs(Part::Whole) => "16 bits as a multiple of 4",
            Field::HalfDs(_) => "a displacement that is a multiple of 4",
            Field::Branch14 => "a branch of 32 KiB",
            Field::Branch24 => "a branch of 32 MiB",
            Field::Prefixed34 => "34 bits",
            Field::Doubleword | Field::None => "64 bits",
            Field::Half(_) | Field::SignedWord | Field::Word => "32 bits",
        }
    }

    /// Writes `value` into `bytes`, which begin at the relocation's offset and are [`Field::width`] long. `None`, with
    /// nothing written, when the value does not fit.
    pub(super) fn write(self, bytes: &mut [u8], value: i64) -> Option<()> {
        match self {
            Field::None => {}
            Field::Half(part) => store(bytes, &part.of(value)?.to_le_bytes())?,
            Field::HalfDs(part) => {
                let (half, old) = (part.of(value)?, u16::from_le_bytes(load(bytes)?));
                if half % 4 != 0 {
                    return None;
                }
                store(bytes, &(half | old & 3).to_le_bytes())?;
            }
            Field::SignedWord => store(bytes, &i32::try_from(value).ok()?.to_le_bytes())?,
            Field::Word => {
                let word = u32::try_from(value)
                    .or_else(|_| i32::try_from(value).map(|word| word as u32))
                    .ok()?;
                store(bytes, &word.to_le_bytes())?;
            }
            Field::Doubleword => store(bytes, &value.to_le_bytes())?,
            Field::Branch14 => branch(bytes, value, 15, 0xfffc)?,
            Field::Branch24 => branch(bytes, value, 25, 0x03ff_fffc)?,
            Field::Prefixed34 => {
                if !fits(value, 33) {
                    return None;
                }
                let [prefix, suffix] =
                    [bytes.get(..4)?, bytes.get(4..)?].map(|half| Some(u32::from_le_bytes(load(half)?)));
                let prefix = prefix? & !0x3_ffff | (value >> 16) as u32 & 0x3_ffff;
                let suffix = suffix? & !0xffff | value as u32 & 0xffff;
                store(bytes, &prefix.to_le_bytes())?;
                store(bytes.get_mut(4..)?, &suffix.to_le_bytes())?;
            }
        }
        Some(())
    }
}

impl Part {
    fn of(self, value: i64) -> Option<u16> {
        match self {
            Part::Whole => i16::try_from(value).ok().map(|half| half as u16),
            Part::Low => Some(value as u16),
            Part::High => i32::try_from(value).ok().map(|word| (word >> 16) as u16),
            Part::HighAdjusted => Part::High.of(value.checked_add(0x8000)?),
            Part::Higher => Some((value >> 32) as u16),
            Part::Highest => Some((value >> 48) as u16),
        }
    }
}

/// Whether −2^bits ≤ value < 2^bits.
fn fits(value: i64, bits: u32) -> bool {
    (-(1i64 << bits)..1i64 << bits).contains(&value)
}

fn branch(bytes: &mut [u8], distance: i64, bits: u32, mask: u32) -> Option<()> {
    if distance % 4 != 0 || !fits(distance, bits) {
        return None;
    }
    let old = u32::from_le_bytes(load(bytes)?);
    store(bytes, &(old & !mask | distance as u32 & mask).to_le_bytes())
}

fn load<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.get(..N)?.try_into().ok()
}

fn store(bytes: &mut [u8], value: &[u8]) -> Option<()> {
    bytes.get_mut(..value.len())?.copy_from_slice(value);
    Some(())
}

/// The word in a message, for something that has none.
pub(super) fn word_text(word: Option<u32>) -> String {
    word.map_or_else(
        || "the end of the section".into(),
        |word| alloc::format!("{word:#010x}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<const N: usize>(field: Field, old: [u8; N], value: i64) -> Option<[u8; N]> {
        let mut bytes = old;
        match field.write(&mut bytes, value) {
            Some(()) => Some(bytes),
            None => {
                assert_eq!(bytes, old, "a refused value leaves the bytes");
                None
            }
        }
    }

    fn half(part: Part, value: i64) -> Option<u16> {
        written(Field::Half(part), [0xaa, 0xaa], value).map(u16::from_le_bytes)
    }

    #[test]
    fn halves() {
        assert_eq!(half(Part::Whole, -0x8000), Some(0x8000));
        assert_eq!(half(Part::Whole, 0x8000), None);
        assert_eq!(half(Part::Low, 0x1234_5678), Some(0x5678));
        assert_eq!(half(Part::High, 0x1234_8678), Some(0x1234));
        assert_eq!(half(Part::HighAdjusted, 0x1234_8678), Some(0x1235));
        assert_eq!(half(Part::HighAdjusted, -1), Some(0));
        assert_eq!(half(Part::HighAdjusted, 0x7fff_7fff), Some(0x7fff));
        assert_eq!(half(Part::HighAdjusted, 0x7fff_8000), None, "would be negative");
        assert_eq!(half(Part::HighAdjusted, i64::MAX), None);
        assert_eq!(half(Part::High, -0x8000_0001), None);
        assert_eq!(half(Part::Higher, 0x1234_5678_9abc_def0), Some(0x5678));
        assert_eq!(half(Part::Highest, 0x1234_5678_9abc_def0), Some(0x1234));
    }

    #[test]
    fn ds_keeps_the_low_two_bits_of_the_instruction() {
        assert_eq!(
            written(Field::HalfDs(Part::Low), [0x02, 0], 0x5678),
            Some([0x7a, 0x56])
        );
        assert_eq!(written(Field::HalfDs(Part::Low), [0, 0], 0x5679), None);
        assert_eq!(
            written(Field::HalfDs(Part::Whole), [1, 0], -32768),
            Some([1, 0x80])
        );
        assert_eq!(written(Field::HalfDs(Part::Whole), [1, 0], -32772), None);
    }

    #[test]
    fn words() {
        assert_eq!(written(Field::Word, [0; 4], 0xffff_ffff), Some([0xff; 4]));
        assert_eq!(written(Field::Word, [0; 4], -1), Some([0xff; 4]));
        assert_eq!(written(Field::Word, [0; 4], 0x1_0000_0000), None);
        assert_eq!(written(Field::SignedWord, [0; 4], 0x8000_0000), None);
        assert_eq!(
            written(Field::SignedWord, [0; 4], -0x8000_0000),
            Some([0, 0, 0, 0x80])
        );
    }

    #[test]
    fn branches() {
        let bl = |distance| {
            written(Field::Branch24, 0x4800_0001u32.to_le_bytes(), distance).map(u32::from_le_bytes)
        };
        assert_eq!(bl(-4), Some(0x4bff_fffd));
        assert_eq!(bl(0x01ff_fffc), Some(0x49ff_fffd));
        assert_eq!(bl(0x0200_0000), None);
        assert_eq!(bl(-0x0200_0004), None);
        assert_eq!(bl(2), None);
        let bc = |distance| {
            written(Field::Branch14, 0x4182_0000u32.to_le_bytes(), distance).map(u32::from_le_bytes)
        };
        assert_eq!(bc(-0x8000), Some(0x4182_8000));
        assert_eq!(bc(0x8000), None);
    }

    #[test]
    fn prefixed() {
        let pla = [0x0610_0000u32.to_le_bytes(), 0x3860_0000u32.to_le_bytes()].concat();
        let pla: [u8; 8] = pla.try_into().unwrap();
        let expected = [0x0613_fffeu32.to_le_bytes(), 0x3860_fffcu32.to_le_bytes()].concat();
        assert_eq!(written(Field::Prefixed34, pla, -0x1_0004).unwrap(), expected[..]);
        assert_eq!(written(Field::Prefixed34, pla, 1 << 33), None);
        assert_eq!(written(Field::Prefixed34, pla, -(1 << 33) - 1), None);
    }
}

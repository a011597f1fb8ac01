//! Prefixed instructions, as far as they concern r1 and the return address: two words each, with 34 bits of displacement.
//!
//! Source: Power ISA 3.1, book I, 1.6.3 (formats) and 3.3 (the instructions).

/// The general register that an instruction names, 0 to 31.
type Gpr = u32;

/// What a prefixed instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefixed {
    /// `paddi`, but for its forms without a register to add to.
    Add { to: Gpr, from: Gpr, immediate: i64 },
    /// `pld` from behind a register.
    Load { to: Gpr, base: Gpr, displacement: i64 },
    /// `pstd` behind a register.
    Store { from: Gpr, base: Gpr, displacement: i64 },
    /// Gives a register some other value.
    Computes { to: Gpr },
    /// Leaves all general registers as they are.
    Nothing,
}

/// Whether an instruction that begins with `word` has two words.
pub(super) fn is_prefix(word: u32) -> bool {
    word >> 26 == 1
}

/// The instruction in these two words.
pub(super) fn decode(prefix: u32, suffix: u32) -> Prefixed {
    let (to, base) = (suffix >> 21 & 31, suffix >> 16 & 31);
    let high = ((prefix & 0x3_ffff) << 14) as i32 >> 14;
    let displacement = i64::from(high) << 16 | i64::from(suffix as u16);
    // Without a base, or with the instruction itself for one.
    let no_base = base == 0 || prefix & 1 << 20 != 0;
    match (prefix >> 24 & 3, suffix >> 26) {
        // paddi
        (2, 14) if !no_base => Prefixed::Add {
            to,
            from: base,
            immediate: displacement,
        },
        // plwz, plbz, plhz, plha
        (2, 14 | 32 | 34 | 40 | 42) => Prefixed::Computes { to },
        // pld
        (0, 57) if !no_base => Prefixed::Load {
            to,
            base,
            displacement,
        },
        // plwa, pld, plq
        (0, 41 | 57 | 56) => Prefixed::Computes { to },
        // pstd
        (0, 61) if !no_base => Prefixed::Store {
            from: to,
            base,
            displacement,
        },
        // Further stores, floating point and vectors.
        _ => Prefixed::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::{Prefixed, decode, is_prefix};

    /// Every pair of words was made by powerpc64le-linux-gnu-as 2.40 from the text beside it.
    #[test]
    fn what_the_assembler_wrote() {
        for (text, prefix, suffix, expected) in [
            (
                "paddi r1,r1,-65536",
                0x0603_ffff,
                0x3821_0000,
                Prefixed::Add {
                    to: 1,
                    from: 1,
                    immediate: -65536,
                },
            ),
            (
                "pli r3,1048576",
                0x0600_0010,
                0x3860_0000,
                Prefixed::Computes { to: 3 },
            ),
            (
                "pstd r0,16(r1)",
                0x0400_0000,
                0xf401_0010,
                Prefixed::Store {
                    from: 0,
                    base: 1,
                    displacement: 16,
                },
            ),
            (
                "pld r0,65552(r1)",
                0x0400_0001,
                0xe401_0010,
                Prefixed::Load {
                    to: 0,
                    base: 1,
                    displacement: 65552,
                },
            ),
            (
                "pld r3,0(0),1",
                0x0410_0000,
                0xe460_0000,
                Prefixed::Computes { to: 3 },
            ),
            ("pnop", 0x0700_0000, 0x0000_0000, Prefixed::Nothing),
        ] {
            assert!(is_prefix(prefix), "{text}");
            assert_eq!(decode(prefix, suffix), expected, "{text}");
        }
    }
}

//! Where in a function its patchable site is.
//!
//! `__patchable_function_entries` records a function's *global* entry, but the compiler puts the slots at the *local* one:
//! behind the two instructions that compute the TOC pointer, where a function has them (llvm#163706). `st_other` would tell
//! too; the code itself is there even when a symbol is not.

/// What stands at a function's local entry for hooks to use. In each, one word changes when the site is enabled: the
/// last one, which is a `nop` while nobody hooks the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteShape {
    /// `nop`: a patchable entry with one slot. Enabled: `b stub`.
    OneNop,
    /// `mflr r0; bl _mcount`: GCC's -mprofile-kernel. Enabled: `bl stub + 4`.
    MflrBl,
    /// `mflr r0; std r0,16(r1); bl _mcount`: the same from older compilers. Enabled: `bl stub + 4`.
    MflrStdBl,
}

impl SiteShape {
    /// Bytes from the local entry to the word that changes.
    #[must_use]
    pub const fn patched_word(self) -> u8 {
        match self {
            SiteShape::OneNop => 0,
            SiteShape::MflrBl => 4,
            SiteShape::MflrStdBl => 8,
        }
    }
}

/// `addis r2,r12,x` as the compiler writes it, and `lis r2,x` as the linker may rewrite it, without `x`.
const TOC_HIGH: [u32; 2] = [0x3c4c_0000, 0x3c40_0000];
/// `addi r2,r2,y` without `y`.
const TOC_LOW: u32 = 0x3842_0000;

/// Bytes from a function's global entry to its site: 8 when `code`, which begins at the global entry, sets up the TOC
/// pointer first, otherwise 0.
#[must_use]
pub fn site_offset(code: &[u8]) -> u8 {
    match code {
        [a, b, c, d, e, f, g, h, ..] => {
            let opcode = |word: [u8; 4]| u32::from_le_bytes(word) & 0xffff_0000;
            let high = opcode([*a, *b, *c, *d]);
            let low = opcode([*e, *f, *g, *h]);
            if TOC_HIGH.contains(&high) && low == TOC_LOW {
                8
            } else {
                0
            }
        }
        _ => 0,
    }
}

/// The TOC pointer that a function makes in its first two instructions from its own address, which is `entry`; `None` when it
/// makes none so.
#[must_use]
pub fn toc_pointer(entry: u64, [high, low]: [u32; 2]) -> Option<u64> {
    let base = match high & 0xffff_0000 {
        from_r12 if from_r12 == TOC_HIGH[0] => entry,
        absolute if absolute == TOC_HIGH[1] => 0,
        _ => return None,
    };
    let immediate = |word: u32| i64::from(word as i16);
    (low & 0xffff_0000 == TOC_LOW).then(|| base.wrapping_add_signed((immediate(high) << 16) + immediate(low)))
}

#[cfg(test)]
mod tests {
    use super::{site_offset, toc_pointer};

    #[test]
    fn the_toc_pointer_is_what_the_function_computes() {
        // addis r2,r12,2; addi r2,r2,-32768
        assert_eq!(
            toc_pointer(0x40_0000, [0x3c4c_0002, 0x3842_8000]),
            Some(0x41_8000)
        );
        // lis r2,0x123; addi r2,r2,-4
        assert_eq!(
            toc_pointer(0x40_0000, [0x3c40_0123, 0x3842_fffc]),
            Some(0x122_fffc)
        );
        // ld r2,-8(r12); add r2,r2,r12
        assert_eq!(toc_pointer(0x40_0000, [0xe84c_fff8, 0x7c42_6214]), None);
        assert_eq!(toc_pointer(0x40_0000, [0x3c4c_0002, 0x6000_0000]), None);
    }

    const NOP: [u8; 4] = [0x00, 0x00, 0x00, 0x60];

    fn code(words: &[[u8; 4]]) -> Vec<u8> {
        words.concat()
    }

    #[test]
    fn behind_the_toc_setup_of_the_compiler() {
        // addis r2,r12,0; addi r2,r2,0; nop; mflr r0: an object file's, before relocation
        let bytes = code(&[
            [0x00, 0x00, 0x4c, 0x3c],
            [0x00, 0x00, 0x42, 0x38],
            NOP,
            [0xa6, 0x02, 0x08, 0x7c],
        ]);
        assert_eq!(site_offset(&bytes), 8);
        // addis r2,r12,2; addi r2,r2,-32768
        let bytes = code(&[[0x02, 0x00, 0x4c, 0x3c], [0x00, 0x80, 0x42, 0x38], NOP]);
        assert_eq!(site_offset(&bytes), 8);
    }

    #[test]
    fn behind_the_toc_setup_that_the_linker_rewrote() {
        // lis r2,70; addi r2,r2,-32512
        let bytes = code(&[[0x46, 0x00, 0x40, 0x3c], [0x00, 0x81, 0x42, 0x38], NOP]);
        assert_eq!(site_offset(&bytes), 8);
    }

    #[test]
    fn at_once_without_a_toc_setup() {
        assert_eq!(
            site_offset(&code(&[NOP, [0x20, 0x00, 0x80, 0x4e]])),
            0,
            "nop; blr"
        );
        // lis r3,70; addi r3,r3,…: another register
        assert_eq!(
            site_offset(&code(&[[0x46, 0x00, 0x60, 0x3c], [0x00, 0x81, 0x63, 0x38]])),
            0
        );
        // lis r2,70 alone, and with an addi that reads another register
        assert_eq!(site_offset(&code(&[[0x46, 0x00, 0x40, 0x3c], NOP])), 0);
        assert_eq!(
            site_offset(&code(&[[0x46, 0x00, 0x40, 0x3c], [0x00, 0x81, 0x43, 0x38]])),
            0
        );
    }

    #[test]
    fn at_once_when_the_code_is_short() {
        for length in 0..8 {
            assert_eq!(
                site_offset(&code(&[[0x00, 0x00, 0x4c, 0x3c], [0x00, 0x00, 0x42, 0x38]])[..length]),
                0
            );
        }
    }
}

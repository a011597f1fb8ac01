//! Encoders and decoders of the few Power instructions that this kernel writes or recognises at run time.
//!
//! Stubs, hooks and the module loader all write instructions as data. They do it with the named functions
//! here, so that no magic word stands anywhere else, and each encoder is tested against the bytes of the real
//! assembler. Words are in host order; the caller stores them little endian.
//!
//! Displacements that an instruction cannot hold are programming errors for the fixed ones (`ld`, `std`), which
//! every caller writes as a constant, and `None` for branches, whose distance is only known at run time.

/// A general purpose register, r0 to r31.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gpr(u32);

impl Gpr {
    /// Register `number`; only its low five bits count.
    pub const fn new(number: u32) -> Gpr {
        Gpr(number & 31)
    }
}

/// r0: scratch at a function's entry.
pub const R0: Gpr = Gpr(0);
/// r1: the stack pointer.
pub const R1: Gpr = Gpr(1);
/// r2: the TOC pointer.
pub const R2: Gpr = Gpr(2);
/// r11: scratch at a function's entry.
pub const R11: Gpr = Gpr(11);
/// r12: the address of the function that is entered at its global entry.
pub const R12: Gpr = Gpr(12);

/// r13: the running thread's head.
pub const R13: Gpr = Gpr(13);

/// `nop`, that is `ori r0,r0,0`.
pub const NOP: u32 = 0x6000_0000;
/// `trap`, that is `tw 31,r0,r0`: what fills space nobody may reach.
pub const TRAP: u32 = 0x7fe0_0008;
/// `blr`.
pub const BLR: u32 = 0x4e80_0020;
/// `bctr`.
pub const BCTR: u32 = 0x4e80_0420;
/// `bctrl`.
pub const BCTRL: u32 = 0x4e80_0421;

/// How far `b` and `bl` reach, in bytes to either side (the forward end is 4 less).
pub const BRANCH_REACH: i64 = 1 << 25;

const fn d_form(opcode: u32, rt: Gpr, ra: Gpr, immediate: u16) -> u32 {
    opcode << 26 | rt.0 << 21 | ra.0 << 16 | immediate as u32
}

const fn ds_form(opcode: u32, rt: Gpr, displacement: i16, ra: Gpr, extended: u32) -> u32 {
    assert!(displacement % 4 == 0, "a DS displacement is a multiple of 4");
    d_form(opcode, rt, ra, displacement as u16) | extended
}

/// `addis rt,ra,immediate`; with `ra` = r0 it is `lis`.
pub const fn addis(rt: Gpr, ra: Gpr, immediate: i16) -> u32 {
    d_form(15, rt, ra, immediate as u16)
}

/// `addi rt,ra,immediate`; with `ra` = r0 it is `li`.
pub const fn addi(rt: Gpr, ra: Gpr, immediate: i16) -> u32 {
    d_form(14, rt, ra, immediate as u16)
}

/// `lis rt,immediate`: the immediate is shifted left by 16 and sign-extended.
pub const fn lis(rt: Gpr, immediate: i16) -> u32 {
    addis(rt, R0, immediate)
}

/// `ori ra,rs,immediate`.
pub const fn ori(ra: Gpr, rs: Gpr, immediate: u16) -> u32 {
    d_form(24, rs, ra, immediate)
}

/// `ld rt,displacement(ra)`.
pub const fn ld(rt: Gpr, displacement: i16, ra: Gpr) -> u32 {
    ds_form(58, rt, displacement, ra, 0)
}

/// `std rs,displacement(ra)`.
pub const fn std(rs: Gpr, displacement: i16, ra: Gpr) -> u32 {
    ds_form(62, rs, displacement, ra, 0)
}

/// `stdu rs,displacement(ra)`.
pub const fn stdu(rs: Gpr, displacement: i16, ra: Gpr) -> u32 {
    ds_form(62, rs, displacement, ra, 1)
}

const fn special(extended: u32, register: Gpr, spr: u32) -> u32 {
    31 << 26 | register.0 << 21 | (spr & 31) << 16 | (spr >> 5) << 11 | extended << 1
}

/// `mflr rt`.
pub const fn mflr(rt: Gpr) -> u32 {
    special(339, rt, 8)
}

/// `mtlr rs`.
pub const fn mtlr(rs: Gpr) -> u32 {
    special(467, rs, 8)
}

/// `mfctr rt`.
pub const fn mfctr(rt: Gpr) -> u32 {
    special(339, rt, 9)
}

/// `mtctr rs`.
pub const fn mtctr(rs: Gpr) -> u32 {
    special(467, rs, 9)
}

const fn branch(from: u64, to: u64, link: u32) -> Option<u32> {
    let distance = to.wrapping_sub(from) as i64;
    if distance % 4 != 0 || distance < -BRANCH_REACH || distance >= BRANCH_REACH {
        return None;
    }
    Some(18 << 26 | (distance as u32 & 0x03ff_fffc) | link)
}

/// `b to`, executed at `from`; `None` when `to` is out of reach or not a multiple of 4 away.
pub const fn b(from: u64, to: u64) -> Option<u32> {
    branch(from, to, 0)
}

/// `bl to`, executed at `from`; `None` when `to` is out of reach or not a multiple of 4 away.
pub const fn bl(from: u64, to: u64) -> Option<u32> {
    branch(from, to, 1)
}

/// `cmpdi ra,0`, into CR0.
pub const fn cmpdi_zero(ra: Gpr) -> u32 {
    d_form(11, Gpr(1), ra, 0)
}

/// `beq` to so many bytes from itself, by CR0.
pub const fn beq(distance: i16) -> u32 {
    assert!(distance % 4 == 0, "a branch goes to an instruction");
    16 << 26 | 12 << 21 | 2 << 16 | distance as u16 as u32
}

/// Loads `address` into `register` in two instructions; `None` when it does not fit in 31 bits, which every address of
/// the kernel and its modules does.
pub const fn load_address(register: Gpr, address: u64) -> Option<[u32; 2]> {
    if address >> 31 != 0 {
        return None;
    }
    Some([
        lis(register, (address >> 16) as i16),
        ori(register, register, address as u16),
    ])
}

/// The absolute target of the `b` or `bl` in `word` at address `at`, and whether it sets LR; `None` for everything
/// else, the absolute forms (`ba`, `bla`) included.
pub const fn branch_target(word: u32, at: u64) -> Option<(u64, bool)> {
    if word >> 26 != 18 || word & 2 != 0 {
        return None;
    }
    // The sign bit of the 26-bit distance is moved to the top of an i32 and back.
    let distance = (((word & 0x03ff_fffc) << 6) as i32 >> 6) as i64;
    Some((at.wrapping_add(distance as u64), word & 1 != 0))
}

/// Whether an instruction does something else when it is moved: a branch, `addpcis`, or the prefix of a longer instruction,
/// which may be relative to where it stands and must not cross a boundary of 64 bytes (Power ISA 3.1, book I, 1.6).
pub const fn depends_on_place(word: u32) -> bool {
    matches!(word >> 26, 1 | 16 | 18) || word >> 26 == 19 && word & 0x3e == 4
}

/// Whether `word` is a `bl`, to wherever.
pub const fn is_bl(word: u32) -> bool {
    word & 0xfc00_0003 == 0x4800_0001
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word here was made by powerpc64le-linux-gnu-as 2.40 from the text beside it.
    #[test]
    fn encoders_equal_the_assembler() {
        let cases: &[(&str, u32, u32)] = &[
            ("cmpdi r11,0", cmpdi_zero(R11), 0x2c2b0000),
            ("beq .+8", beq(8), 0x41820008),
            ("beq .-8", beq(-8), 0x4182fff8),
            ("nop", NOP, 0x60000000),
            ("trap", TRAP, 0x7fe00008),
            ("blr", BLR, 0x4e800020),
            ("bctr", BCTR, 0x4e800420),
            ("bctrl", BCTRL, 0x4e800421),
            ("mflr r0", mflr(R0), 0x7c0802a6),
            ("mtlr r0", mtlr(R0), 0x7c0803a6),
            ("mfctr r12", mfctr(R12), 0x7d8902a6),
            ("mtctr r12", mtctr(R12), 0x7d8903a6),
            ("lis r12,0x1234", lis(R12, 0x1234), 0x3d801234),
            ("lis r2,-1", lis(R2, -1), 0x3c40ffff),
            ("addis r2,r12,-2", addis(R2, R12, -2), 0x3c4cfffe),
            ("addi r2,r2,-4", addi(R2, R2, -4), 0x3842fffc),
            ("ori r12,r12,0xfedc", ori(R12, R12, 0xfedc), 0x618cfedc),
            ("ori r3,r31,1", ori(Gpr::new(3), Gpr::new(31), 1), 0x63e30001),
            ("ld r2,24(r1)", ld(R2, 24, R1), 0xe8410018),
            ("ld r11,-8(r13)", ld(R11, -8, Gpr::new(13)), 0xe96dfff8),
            ("std r2,24(r1)", std(R2, 24, R1), 0xf8410018),
            ("std r0,16(r1)", std(R0, 16, R1), 0xf8010010),
            ("stdu r1,-32(r1)", stdu(R1, -32, R1), 0xf821ffe1),
            ("b .+8", b(0x400000, 0x400008).unwrap(), 0x48000008),
            ("bl .-4", bl(0x400000, 0x3ffffc).unwrap(), 0x4bfffffd),
        ];
        for (text, ours, assembler) in cases {
            assert_eq!(ours, assembler, "{text}: {ours:#010x}");
        }
    }

    #[test]
    fn branches_end_where_the_field_ends() {
        let from = 0x1000_0000;
        assert_eq!(b(from, from + 0x01ff_fffc), Some(0x49ff_fffc));
        assert_eq!(b(from, from + 0x0200_0000), None);
        assert_eq!(bl(from, from - 0x0200_0000), Some(0x4a00_0001));
        assert_eq!(bl(from, from - 0x0200_0004), None);
        assert_eq!(b(from, from + 2), None);
        assert_eq!(
            b(0, u64::MAX - 3),
            Some(0x4bff_fffc),
            "distances wrap as addresses do"
        );
    }

    #[test]
    fn a_branch_decodes_to_its_target() {
        for distance in [-0x0200_0000i64, -4, 0, 4, 0x01ff_fffc] {
            let to = 0x0800_0000u64.wrapping_add(distance as u64);
            assert_eq!(
                branch_target(b(0x0800_0000, to).unwrap(), 0x0800_0000),
                Some((to, false))
            );
            assert_eq!(
                branch_target(bl(0x0800_0000, to).unwrap(), 0x0800_0000),
                Some((to, true))
            );
        }
        assert_eq!(branch_target(NOP, 0), None);
        assert_eq!(branch_target(0x4800_0002, 0), None, "ba is absolute");
    }

    /// Words by powerpc64le-linux-gnu-as 2.40, as above.
    #[test]
    fn what_cannot_be_moved() {
        for (text, word) in [
            ("b .+8", 0x4800_0008),
            ("bdnz .+8", 0x4200_0008),
            ("addpcis r3,0", 0x4c60_0004),
            ("pld r3,0(0),1", 0x0410_0000),
            ("pli r3,1 << 20", 0x0600_0010),
        ] {
            assert!(depends_on_place(word), "{text}");
        }
        for word in [NOP, BLR, BCTR, mflr(R0), addis(R2, R12, 1), std(R0, 16, R1)] {
            assert!(!depends_on_place(word), "{word:#010x}");
        }
    }

    #[test]
    fn addresses_load_in_two_words_below_2_gib() {
        assert_eq!(load_address(R12, 0x7fff_ffff), Some([0x3d80_7fff, 0x618c_ffff]));
        assert_eq!(load_address(R12, 0x0041_8000), Some([0x3d80_0041, 0x618c_8000]));
        assert_eq!(load_address(R12, 0x8000_0000), None);
    }
}

//! What is written into slots of the stub area, and what a site holds that leads there. Pure: words are made here and written by
//! `site.rs`. The stubs of `return-stack` are made in `livepatch/return_stub.rs`.
//!
//! ```text
//! A hook's stub
//! stub:      mflr r0              one-nop sites come in here: LR = A's return address
//! stub + 4:  lis  r11,hook@h      classic sites come in here: r0 = A's return address already
//!            ori  r11,r11,hook@l
//!            b    trampoline
//!
//! The original: B without its hook, for a C that wants it: a global entry
//!            lis  r12,B@h
//!            ori  r12,r12,B@l
//!            …                    what B has before its site, at most four instructions
//!            b    site + 4
//!
//! A choice: where calls go by the thread's state, while a live patch comes or goes. Sites of both shapes come in here by `b`,
//! with LR = A's return address, and r0 as B is to find it. CR0 and r11 are free (ELFv2 2.2.2.1).
//!            ld   r11,PATCH_STATE(r13)
//!            cmpdi r11,0
//!            beq  1f
//!            b    where 1 goes
//!       1:   b    where 0 goes
//! ```

use core::mem::offset_of;

use kernel_core::insn::{self, R0, R11, R12, R13};
use kernel_core::site::SiteShape;

use crate::thread::ThreadHead;

/// Bytes of a slot, and what its address is a multiple of: enough for the longest that is written into one, and a block of the
/// instruction cache, so that a call through it takes one.
pub const STUB_SIZE: u64 = 128;
/// The most instructions that a function has before its site: two that make its TOC pointer, two of a classic site.
const BEFORE_SITE: usize = 4;
/// Where in the stub the branch to the trampoline stands.
pub(super) const BRANCH_OFFSET: u64 = 12;
/// Where classic sites enter the stub.
const CLASSIC_ENTRY: u64 = 4;

/// A hook's stub.
pub type StubWords = [u32; 4];

/// The stub at address `stub` that shows `hook` to `trampoline`; `None` when an address does not fit.
#[inline]
pub fn stub_words(stub: u64, hook: u64, trampoline: u64) -> Option<StubWords> {
    let [high, low] = insn::load_address(R11, hook)?;
    Some([
        insn::mflr(R0),
        high,
        low,
        insn::b(stub + BRANCH_OFFSET, trampoline)?,
    ])
}

/// The way to the function at `entry` that does not pass its hook, to be written at `at`. `before` is what the function has
/// between its global entry and its site, and is moved. `None` when that is too long, or depends on where it stands, or an
/// address does not fit.
pub fn original_words(at: u64, entry: u64, before: &[u32], site: u64) -> Option<heapless::Vec<u32, 7>> {
    if before.len() > BEFORE_SITE || before.iter().copied().any(insn::depends_on_place) {
        return None;
    }
    let mut words = heapless::Vec::new();
    words.extend(insn::load_address(R12, entry)?);
    words.extend(before.iter().copied());
    let branch = at + 4 * words.len() as u64;
    words.push(insn::b(branch, site + 4)?).ok()?;
    Some(words)
}

/// A choice at address `at`, by what the thread's head has as its patch state: 0 or 1. `None` when an address is out of reach.
pub fn choice_words(at: u64, goals: [u64; 2]) -> Option<[u32; 5]> {
    const STATE: i16 = offset_of!(ThreadHead, patch_state) as i16;
    let [zero, one] = goals;
    Some([
        insn::ld(R11, STATE, R13),
        insn::cmpdi_zero(R11),
        insn::beq(8),
        insn::b(at + 12, one)?,
        insn::b(at + 16, zero)?,
    ])
}

/// What an enabled site of this shape holds; `None` when the stub is out of reach.
#[inline]
pub fn site_word(shape: SiteShape, site: u64, stub: u64) -> Option<u32> {
    match shape {
        SiteShape::OneNop => insn::b(site, stub),
        SiteShape::MflrBl | SiteShape::MflrStdBl => insn::bl(site, stub + CLASSIC_ENTRY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_reads_as_the_header_says() {
        let words = stub_words(0x500000, 0x0123_4567, 0x401000).unwrap();
        // mflr r0; lis r11,0x123; ori r11,r11,0x4567; b
        assert_eq!(
            words,
            [
                0x7c08_02a6,
                0x3d60_0123,
                0x616b_4567,
                0x4800_0000 | (0x401000u32.wrapping_sub(0x50000c) & 0x03ff_fffc)
            ]
        );
    }

    #[test]
    fn the_original_is_entered_behind_its_site_with_what_came_before_it() {
        let before = [0x3c4c_0012, 0x3842_8000];
        let words = original_words(0x500010, 0x400100, &before, 0x400108).unwrap();
        let branch = 0x4800_0000 | (0x40010cu32.wrapping_sub(0x500020) & 0x03ff_fffc);
        assert_eq!(words, [0x3d80_0040, 0x618c_0100, before[0], before[1], branch]);
        assert_eq!(original_words(0x500010, 0x400100, &[0; 5], 0x400114), None);
        // pld r3,0(0),1: a prefixed instruction, relative to itself
        let prefixed = [0x0410_0000, 0xe460_0000];
        assert_eq!(original_words(0x500010, 0x400100, &prefixed, 0x400108), None);
    }

    #[test]
    fn a_choice_goes_by_the_threads_state() {
        let words = choice_words(0x500000, [0x500100, 0x500200]).unwrap();
        // ld r11,STATE(r13); cmpdi r11,0; beq +8; b; b
        let state = offset_of!(ThreadHead, patch_state) as u32;
        assert_eq!(
            words,
            [
                0xe96d_0000 | state,
                0x2c2b_0000,
                0x4182_0008,
                0x4800_01f4,
                0x4800_00f0
            ]
        );
        assert_eq!(choice_words(0x500000, [0x500100, 0x4000_0000]), None);
    }

    #[test]
    fn classic_sites_link_and_skip_the_first_word() {
        assert_eq!(
            site_word(SiteShape::OneNop, 0x400100, 0x500000),
            Some(0x480f_ff00)
        );
        assert_eq!(
            site_word(SiteShape::MflrBl, 0x400100, 0x500000),
            Some(0x480f_ff05)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(stub_words(0x500000, 1 << 31, 0x401000), None);
        assert_eq!(stub_words(0x500000, 0x1000, 0x4000_0000), None);
        assert_eq!(site_word(SiteShape::OneNop, 0x400000, 0x4000_0000), None);
    }
}

//! The words of a hook's stub and of the site that branches to it. Pure: they are made here and written by `site.rs`.
//!
//! ```text
//! stub:     mflr r0              one-nop sites come in here: LR = A's return address
//! stub + 4: lis  r11,hook@h      classic sites come in here: r0 = A's return address already
//!           ori  r11,r11,hook@l
//!           b    trampoline
//! ```

use kernel_core::insn::{self, R0, R11};
use kernel_core::site::SiteShape;

/// Bytes of a stub.
pub const STUB_SIZE: u64 = 16;
/// Where in the stub the branch to the trampoline stands.
pub(super) const BRANCH_OFFSET: u64 = 12;
/// Where classic sites enter the stub.
const CLASSIC_ENTRY: u64 = 4;

/// The stub at address `stub` that shows `hook` to `trampoline`; `None` when an address does not fit.
pub fn stub_words(stub: u64, hook: u64, trampoline: u64) -> Option<[u32; 4]> {
    let [high, low] = insn::load_address(R11, hook)?;
    Some([
        insn::mflr(R0),
        high,
        low,
        insn::b(stub + BRANCH_OFFSET, trampoline)?,
    ])
}

/// What an enabled site of this shape holds; `None` when the stub is out of reach.
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

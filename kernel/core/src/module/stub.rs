//! The code between two TOCs: what a call to another object goes through.
//!
//! ```text
//!   std   r2,24(r1)      only for callers that keep a TOC pointer: their own frame's TOC save word
//!   lis   r12,B@h        the callee computes its TOC from r12 …
//!   ori   r12,r12,B@l
//!   mtctr r12
//!   bctr                 … at its global entry
//! ```
//! | register | at the stub | at the callee |
//! |---|---|---|
//! | r1 | caller's frame | unchanged |
//! | r2 | caller's TOC, or anything | the same: dead until the callee sets it |
//! | r3–r10 | arguments | unchanged |
//! | r12, CTR | free | the callee's global entry |
//! | LR | return address | unchanged |
//! | r0, r11, CR | free | unchanged |
//!
//! Who called with `bl stub; ld r2,24(r1)` has its TOC back. A stub that is reached by a plain `b`, a tail call, stores
//! r2 into the frame of the caller's caller: the situation in which several return designs go wrong.
//! There is one stub for each callee and kind, in the module's own text, so it reaches any kernel address.

use crate::insn::{BCTR, R1, R2, R12, TRAP, load_address, mtctr, std};
use alloc::string::String;

/// Room for one stub, in bytes, the same for both kinds.
pub const STUB_SIZE: u64 = 20;

/// Where a caller's TOC pointer is kept: the TOC save word of its frame header.
pub(super) const TOC_SAVE: i16 = 24;

/// Whether a stub keeps the caller's TOC pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StubKind {
    /// It stores r2 at 24(r1).
    SaveToc,
    /// It does not: the caller has no TOC pointer, or the callee keeps r2.
    Plain,
}

/// A stub of a linked module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// Where it is; [`STUB_SIZE`] bytes.
    pub address: u64,
    /// Whether it keeps the TOC pointer.
    pub kind: StubKind,
    /// Whose global entry it goes to.
    pub target: u64,
    /// The callee's name.
    pub symbol: String,
}

impl Stub {
    /// The addresses that the stub covers.
    pub fn range(&self) -> core::ops::Range<u64> {
        self.address..self.address + STUB_SIZE
    }
}

impl StubKind {
    /// The words of a stub to what is not there: it must not be reached.
    pub const EMPTY: [u32; 5] = [TRAP; 5];

    /// The words of a stub to `target`; `None` when that is not below 2 GiB.
    pub fn words(self, target: u64) -> Option<[u32; 5]> {
        let [high, low] = load_address(R12, target)?;
        Some(match self {
            StubKind::SaveToc => [std(R2, TOC_SAVE, R1), high, low, mtctr(R12), BCTR],
            StubKind::Plain => [high, low, mtctr(R12), BCTR, TRAP],
        })
    }
}

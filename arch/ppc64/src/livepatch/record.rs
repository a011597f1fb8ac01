//! What the designs with a stack of their own write down for each call.

use core::mem::size_of;

/// A record of `return-stack`: what A needs when C returns.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReturnRecord {
    /// Where A goes on.
    pub return_address: u64,
    /// r2 as B found it.
    pub toc: u64,
    /// A's 24(r1): live when A called through a stub.
    pub toc_save: u64,
    /// A's r1.
    pub stack_pointer: u64,
}

/// A record of `livepatch-stack`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LivepatchRecord {
    /// r2 as B found it.
    pub toc: u64,
    /// Where A goes on.
    pub return_address: u64,
    /// [`LIVEPATCH_MARKER`], or something wrote over the record.
    pub marker: u64,
}

/// What stands at the end of every record of `livepatch-stack`: any value that frames seldom hold.
pub const LIVEPATCH_MARKER: u64 = 0x70c5_1115;

const _: () = {
    assert!(size_of::<ReturnRecord>() == 32);
    assert!(size_of::<LivepatchRecord>() == 24);
    // `lis` and `ori` make it without a sign.
    assert!(LIVEPATCH_MARKER < 1 << 31);
};

//! One patch's replacement of a function: where calls go, and come back from.

use alloc::string::String;
use core::ops::Range;

use arch::livepatch::{ReturnDesign, write_return_stub};

use super::object::Target;
use crate::ftrace::Slot;

/// Where a call goes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    /// Global entry; 0: on in B.
    pub(super) function: u64,
    pub(super) return_entry: u64,
}

/// On in B.
pub(super) const ORIGINAL: Goal = Goal {
    function: 0,
    return_entry: 0,
};

/// One patch's replacement of the function.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) patch: String,
    /// `None`: the function itself, as a patch that replaces others puts it over their replacements.
    pub(super) function: Option<u64>,
    pub(super) design: ReturnDesign,
    /// Under `return-stack`, where there is a function: a thread has it as long as C, or what C has gone on in, returns there.
    pub(super) stub: Option<Slot>,
}

impl Replacement {
    /// With its stub, if the design wants one; `None`: there is no room for one, or C is out of its reach.
    #[allow(unsafe_code, reason = "writes the stub")]
    pub(super) fn new(patch: &str, target: &Target, design: ReturnDesign) -> Option<Self> {
        let function = target.new_function;
        let mut stub = None;
        if let (Some(function), None) = (function, design.entry()) {
            let slot = Slot::take()?;
            // SAFETY: the slot is ours, and the patch keeps C until no thread is in it and no call goes there.
            let written = unsafe { write_return_stub(slot.address(), function, target.returns_by_itself) };
            written.then_some(())?;
            stub = Some(slot);
        }
        Some(Replacement {
            patch: String::from(patch),
            function,
            design,
            stub,
        })
    }

    pub(super) fn goal(&self) -> Goal {
        let stub = self.stub.as_ref().map(Slot::address);
        self.function.map_or(ORIGINAL, |function| Goal {
            function,
            return_entry: stub.or(self.design.entry()).unwrap_or_default(),
        })
    }

    /// Its stub, if it has one: where calls of C return to.
    pub(super) fn stub_range(&self) -> Option<Range<u64>> {
        self.stub.as_ref().map(Slot::range)
    }

    /// Where a site can lead without a trampoline; `site` is that of B.
    pub(super) fn direct(&self, site: u64) -> Option<u64> {
        match (&self.stub, self.function) {
            (Some(slot), _) => Some(slot.address()),
            (None, None) => Some(behind(site)),
            (None, Some(_)) => None,
        }
    }
}

/// Where B goes on behind its site.
pub(super) fn behind(site: u64) -> u64 {
    site + 4
}

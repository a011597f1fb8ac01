//! The return designs: how C's return gets back to A with A's TOC. One file each, the same skeleton in each.
//!
//! The contract of every `klp_enter_…`, whoever comes there (a common trampoline today): r1 to r10, r13 to r31 as at B's
//! site; r12 = C's global entry; LR = A's return address; r0, r11, CTR, CR0, CR1, CR5 to CR7 and XER free. The same goes for the
//! stubs of `return-stack`, which know their C.

use core::fmt;
use core::str::FromStr;

use kernel_core::scan::DesignLimits;

use crate::abi::{self, FRAME_HEADER_SIZE};

mod record;

#[cfg(target_arch = "powerpc64")]
mod entry;

#[cfg(target_arch = "powerpc64")]
mod return_stub;

#[cfg(target_arch = "powerpc64")]
pub use entry::{caller_frame_helper, livepatch_stack_pushed};
pub use record::{LIVEPATCH_MARKER, LivepatchRecord, ReturnRecord};
#[cfg(target_arch = "powerpc64")]
pub use return_stub::{ReturnStub, write_return_stub};

/// How C's return gets back to A with A's TOC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnDesign {
    /// Not at all: `none.S`.
    None,
    /// By a frame of 32 bytes between A and C: `mini_frame.S`.
    MiniFrame,
    /// By what fits into A's own frame header: `caller_frame.S`.
    CallerFrame,
    /// By a second stack in the thread's first one, as Linux does: `livepatch_stack.S`.
    LivepatchStack,
    /// By a stack of records of its own: `return_stack.S`.
    #[default]
    ReturnStack,
}

impl ReturnDesign {
    /// Every design there is.
    pub const ALL: [ReturnDesign; 5] = [
        ReturnDesign::None,
        ReturnDesign::MiniFrame,
        ReturnDesign::CallerFrame,
        ReturnDesign::LivepatchStack,
        ReturnDesign::ReturnStack,
    ];

    /// The name that boot arguments and messages use.
    pub fn name(self) -> &'static str {
        match self {
            ReturnDesign::None => "none",
            ReturnDesign::MiniFrame => "mini-frame",
            ReturnDesign::CallerFrame => "caller-frame",
            ReturnDesign::LivepatchStack => "livepatch-stack",
            ReturnDesign::ReturnStack => "return-stack",
        }
    }
}

impl ReturnDesign {
    /// The designs that carry calls between the kernel's own functions. caller-frame needs r2 to be a TOC pointer, which in
    /// a kernel without a TOC it never is.
    pub fn for_kernel() -> impl Iterator<Item = ReturnDesign> {
        let carries = |design: &ReturnDesign| abi::HAS_TOC || !design.limits().needs_toc_pointer;
        Self::ALL.into_iter().filter(carries)
    }

    /// What a patched function must not do under the design. `none` is wrong for every local caller whatever the function
    /// does, and says so in its header; nothing in the function's code could tell.
    pub fn limits(self) -> DesignLimits {
        let bears_all = DesignLimits {
            name: self.name(),
            moves_stack_arguments: None,
            needs_toc_save: false,
            needs_reserved_word: false,
            needs_toc_pointer: false,
            one_record_a_frame: false,
        };
        match self {
            ReturnDesign::None | ReturnDesign::ReturnStack => bears_all,
            ReturnDesign::MiniFrame => DesignLimits {
                moves_stack_arguments: Some(FRAME_HEADER_SIZE as u32),
                needs_toc_save: true,
                ..bears_all
            },
            ReturnDesign::CallerFrame => DesignLimits {
                needs_toc_save: true,
                needs_reserved_word: true,
                needs_toc_pointer: true,
                one_record_a_frame: true,
                ..bears_all
            },
            ReturnDesign::LivepatchStack => DesignLimits {
                needs_toc_save: true,
                ..bears_all
            },
        }
    }
}

impl fmt::Display for ReturnDesign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no return design has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDesign;

impl fmt::Display for UnknownDesign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such return design; there are:")?;
        ReturnDesign::ALL
            .iter()
            .try_for_each(|design| write!(f, " {design}"))
    }
}

impl FromStr for ReturnDesign {
    type Err = UnknownDesign;

    fn from_str(name: &str) -> Result<Self, UnknownDesign> {
        ReturnDesign::ALL
            .into_iter()
            .find(|design| design.name() == name)
            .ok_or(UnknownDesign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for design in ReturnDesign::ALL {
            assert_eq!(design.to_string().parse(), Ok(design));
        }
        assert_eq!("minif".parse::<ReturnDesign>(), Err(UnknownDesign));
        assert_eq!(
            UnknownDesign.to_string(),
            "no such return design; there are: none mini-frame caller-frame livepatch-stack return-stack"
        );
    }
}

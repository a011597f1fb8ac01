//! The replacements of one function: a stack whose top wins.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::iter;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::livepatch::ReturnDesign;

use crate::ftrace::{self, FtraceError, FtraceOps, FtraceRegs, OpsFlags, Place, Retire, Site, retire};

/// What the ops reads: where the call goes, and how it comes back. Never changed; replaced as a whole, by one store.
#[repr(C)]
struct Winner {
    new_function: u64,
    return_entry: u64,
}

impl Retire for Box<Winner> {
    fn ranges(&self) -> Vec<Range<u64>> {
        let address = &raw const **self as u64;
        iter::once(address..address + size_of::<Winner>() as u64).collect()
    }
}

/// One patch's replacement of the function.
struct Replacement {
    patch: String,
    design: ReturnDesign,
    winner: Box<Winner>,
}

/// A patched function.
pub(super) struct FuncStack {
    site: Site,
    ops: Arc<FtraceOps>,
    /// Never empty while the function is hooked; the last one wins.
    replacements: Vec<Replacement>,
}

impl FuncStack {
    /// The stack of a function that nobody has patched yet.
    pub(super) fn new(site: Site) -> Self {
        let ops = Arc::new(FtraceOps::new(
            "livepatch",
            klp_ftrace_handler,
            OpsFlags::IPMODIFY,
        ));
        FuncStack {
            site,
            ops,
            replacements: Vec::new(),
        }
    }

    /// Puts `patch`'s replacement on top; the first one hooks the function. On an error nothing has changed.
    pub(super) fn push(
        &mut self,
        patch: &str,
        new_function: u64,
        design: ReturnDesign,
    ) -> Result<(), FtraceError> {
        let winner = Box::new(Winner {
            new_function,
            return_entry: design.entry(),
        });
        self.replacements.push(Replacement {
            patch: String::from(patch),
            design,
            winner,
        });
        self.publish();
        if self.replacements.len() == 1
            && let Err(error) = ftrace::register(&self.site, &self.ops, Place::Last)
        {
            self.replacements.clear();
            return Err(error);
        }
        Ok(())
    }

    /// Takes `patch`'s replacement out, wherever it is; the one below the top comes to light, or the function itself. On
    /// an error nothing has changed.
    pub(super) fn remove(&mut self, patch: &str) -> Result<(), FtraceError> {
        let Some(index) = self
            .replacements
            .iter()
            .position(|replacement| replacement.patch == patch)
        else {
            return Ok(());
        };
        if self.replacements.len() == 1 {
            ftrace::unregister(&self.site, &self.ops)?;
        }
        let removed = self.replacements.remove(index);
        self.publish();
        retire(removed.winner);
        Ok(())
    }

    /// The patches on the stack with their designs, the winner last.
    pub(super) fn patches(&self) -> impl Iterator<Item = (&str, ReturnDesign)> {
        self.replacements
            .iter()
            .map(|replacement| (replacement.patch.as_str(), replacement.design))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    /// Shows the top to the ops. With no replacement left the last word stays, for threads that are on their way.
    fn publish(&self) {
        if let Some(top) = self.replacements.last() {
            self.ops
                .data
                .store(&raw const *top.winner as u64, Ordering::Release);
        }
    }
}

/// Turns the call to the winner. Runs inside the trampoline: not hooked, calls nothing, cannot fail.
#[allow(
    unsafe_code,
    reason = "reads the winner through the ops' word, and keeps itself out of all hooks"
)]
#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
extern "C" fn klp_ftrace_handler(_site: u64, _parent: u64, ops: &FtraceOps, regs: &mut FtraceRegs) {
    let winner = ops.data.load(Ordering::Acquire) as *const Winner;
    // SAFETY: `publish` has stored a winner before the hook could call this, and `retire` keeps it while a thread is here.
    let winner = unsafe { &*winner };
    regs.redirect(winner.new_function, winner.return_entry);
}

//! The replacements of one function: a stack whose top wins, and, while a transition goes on, what lies below it for the
//! threads that have not moved yet.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::iter;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::livepatch::ReturnDesign;

use super::transition::PatchState;
use crate::ftrace::{self, FtraceError, FtraceOps, FtraceRegs, OpsFlags, Place, Retire, Site, retire};
use crate::thread;

/// Where a call goes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Goal {
    /// Global entry; 0: on in B.
    function: u64,
    return_entry: u64,
}

/// On in B.
const ORIGINAL: Goal = Goal {
    function: 0,
    return_entry: 0,
};

/// What the ops reads. Never changed; replaced as a whole, by one store.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Winner {
    /// By the word in the thread's head. The two differ while the function's top patch is in transition.
    goals: [Goal; 2],
}

impl Retire for Box<Winner> {
    fn ranges(&self) -> Vec<Range<u64>> {
        let address = &raw const **self as u64;
        iter::once(address..address + size_of::<Winner>() as u64).collect()
    }
}

/// One patch's replacement of the function.
#[derive(Debug)]
struct Replacement {
    patch: String,
    /// `None`: the function itself, as a patch that replaces others puts it over their replacements.
    function: Option<u64>,
    design: ReturnDesign,
}

impl Replacement {
    fn goal(&self) -> Goal {
        self.function.map_or(ORIGINAL, |function| Goal {
            function,
            return_entry: self.design.entry(),
        })
    }
}

/// A patched function.
pub(super) struct FuncStack {
    site: Site,
    ops: Arc<FtraceOps>,
    /// Never empty while the function is hooked; the last one wins.
    replacements: Vec<Replacement>,
    /// What the ops reads; there is one while the function is hooked.
    winner: Option<Box<Winner>>,
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
            winner: None,
        }
    }

    /// Puts `patch`'s replacement on top, for the threads that are in the patched state; `function` is `None` for a patch that
    /// brings the function itself back. The first one hooks the function. On an error nothing has changed.
    pub(super) fn push(
        &mut self,
        patch: &str,
        function: Option<u64>,
        design: ReturnDesign,
    ) -> Result<(), FtraceError> {
        self.replacements.push(Replacement {
            patch: String::from(patch),
            function,
            design,
        });
        self.publish(Some(patch));
        if self.replacements.len() == 1
            && let Err(error) = ftrace::register(&self.site, &self.ops, Place::Last)
        {
            self.replacements.clear();
            self.winner = None;
            return Err(error);
        }
        Ok(())
    }

    /// Takes `patch`'s replacement out, wherever it is; the one below the top comes to light, or the function itself. On
    /// an error nothing has changed.
    pub(super) fn remove(&mut self, patch: &str) -> Result<(), FtraceError> {
        let Some(index) = self.position(patch) else {
            return Ok(());
        };
        if self.replacements.len() == 1 {
            ftrace::unregister(&self.site, &self.ops)?;
        }
        self.replacements.remove(index);
        self.publish(None);
        Ok(())
    }

    /// Shows the ops the top, and to threads in the unpatched state what is below it, if the top belongs to `moving`. With no
    /// replacement left the last word stays, for threads that are on their way.
    pub(super) fn publish(&mut self, moving: Option<&str>) {
        let winner = self.replacements.last().map(|top| {
            let below = self.replacements.iter().rev().nth(1);
            let unpatched = if moving == Some(top.patch.as_str()) {
                below.map_or(ORIGINAL, Replacement::goal)
            } else {
                top.goal()
            };
            let mut goals = [unpatched; 2];
            goals[PatchState::Patched.word() as usize] = top.goal();
            Box::new(Winner { goals })
        });
        if let Some(winner) = &winner {
            self.ops.data.store(&raw const **winner as u64, Ordering::Release);
        }
        if let Some(old) = core::mem::replace(&mut self.winner, winner) {
            retire(old);
        }
    }

    /// What the top was put over, if that is not the function itself: global entry of a replacement.
    pub(super) fn function_below(&self) -> Option<u64> {
        self.replacements.iter().rev().nth(1)?.function
    }

    /// The patches on the stack, the winner last, each with its design and whether it only brings the function back.
    pub(super) fn patches(&self) -> impl Iterator<Item = (&str, ReturnDesign)> {
        self.replacements
            .iter()
            .map(|replacement| (replacement.patch.as_str(), replacement.design))
    }

    /// The patch whose replacement wins; `None` when that is the function itself.
    pub(super) fn winner(&self) -> Option<&str> {
        let top = self.replacements.last()?;
        top.function.map(|_| top.patch.as_str())
    }

    /// The function's site.
    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    fn position(&self, patch: &str) -> Option<usize> {
        self.replacements
            .iter()
            .position(|replacement| replacement.patch == patch)
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
    // It changes only while the thread is on no way through a hook: so between the two loads it does not.
    let is_one = thread::current_head().patch_state.load(Ordering::Relaxed) != 0;
    let goal = &winner.goals[usize::from(is_one)];
    if goal.function != 0 {
        regs.redirect(goal.function, goal.return_entry);
    }
}

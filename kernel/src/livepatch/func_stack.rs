//! The replacements of one function: a stack whose top wins, and, while a transition goes on, what lies below it for the
//! threads that have not moved yet.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::iter;
use core::ops::Range;
use core::sync::atomic::Ordering;

use arch::ftrace::write_choice;
use arch::livepatch::ReturnDesign;
use kernel_core::ranges::Ranges;

use super::object::Target;
use super::replacement::{Goal, ORIGINAL, Replacement, behind};
use super::route::Route;
use super::transition::PatchState;
use crate::ftrace::{FtraceError, FtraceOps, FtraceRegs, OpsFlags, Retire, Site, Slot};
use crate::thread;

/// What the ops reads. Never changed; replaced as a whole, by one store.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Winner {
    /// By the word in the thread's head. The two differ while the function's top patch is in transition.
    goals: [Goal; 2],
}

/// What is read by calls that come through a trampoline, and the code that calls go through which do not.
struct Published {
    winner: Box<Winner>,
    choice: Option<Slot>,
}

impl Retire for Published {
    fn tell(&self, ranges: &mut Ranges) {
        let address = &raw const *self.winner as u64;
        ranges.add(address..address + size_of::<Winner>() as u64);
        self.choice.iter().for_each(|slot| slot.tell(ranges));
    }
}

/// What calls went by before.
pub(super) struct Before {
    direct: u64,
    published: Option<Published>,
}

/// What nobody is led to any more, to be retired.
#[derive(Default)]
pub(super) struct Gone {
    published: Option<Published>,
    /// Of a replacement.
    stub: Option<Slot>,
}

impl Gone {
    /// What goes with a replacement.
    pub(super) fn of(stub: Option<Slot>) -> Self {
        Gone {
            stub,
            published: None,
        }
    }

    /// Whether anything goes.
    pub(super) fn is_something(&self) -> bool {
        self.published.is_some() || self.stub.is_some()
    }
}

impl Retire for Gone {
    fn tell(&self, ranges: &mut Ranges) {
        self.published.iter().for_each(|published| published.tell(ranges));
        self.stub.iter().for_each(|stub| stub.tell(ranges));
    }
}

/// A patched function.
pub(super) struct FuncStack {
    site: Site,
    ops: Arc<FtraceOps>,
    /// Never empty while the function is hooked; the last one wins.
    replacements: Vec<Replacement>,
    /// What calls go by; there is one while the function is hooked.
    published: Option<Published>,
}

impl FuncStack {
    /// The stack of a function that nobody has patched yet.
    pub(super) fn new(site: Site) -> Self {
        let ops = Arc::new(FtraceOps::new(
            "livepatch",
            klp_ftrace_handler,
            OpsFlags::IPMODIFY.union(OpsFlags::LETS_GO),
        ));
        FuncStack {
            site,
            ops,
            replacements: Vec::new(),
            published: None,
        }
    }

    /// Puts `patch`'s replacement on top, for the threads that are in the patched state: everything but to lead the site, after which
    /// this is [concluded](FuncStack::conclude) or [taken back](FuncStack::unpush). On an error nothing has changed.
    pub(super) fn push(
        &mut self,
        patch: &str,
        target: &Target,
        design: ReturnDesign,
    ) -> Result<Before, FtraceError> {
        let no_stub = || FtraceError::NoStub {
            function: self.site.name(),
        };
        let replacement = Replacement::new(patch, target, design).ok_or_else(no_stub)?;
        self.replacements.push(replacement);
        Ok(self.prepare(Some(patch)))
    }

    /// The site could not be led: what was put on top goes.
    pub(super) fn unpush(&mut self, before: Before) -> Gone {
        let stub = self.replacements.pop().and_then(|gone| gone.stub);
        Gone {
            stub,
            ..self.conclude(before, false)
        }
    }

    /// Takes `patch`'s replacement out, wherever it is, and brings to light what is below: everything but to lead the site, after which
    /// this is concluded, or the replacement is [put back](FuncStack::put_back). `None`: it is not there.
    pub(super) fn take_out(&mut self, patch: &str) -> Option<(usize, Replacement, Before)> {
        let index = self.position(patch)?;
        let gone = self.replacements.remove(index);
        Some((index, gone, self.prepare(None)))
    }

    /// The site could not be led: puts back what was taken out.
    pub(super) fn put_back(&mut self, index: usize, gone: Replacement, before: Before) -> Gone {
        self.replacements.insert(index, gone);
        self.conclude(before, false)
    }

    /// The function is not hooked any more, and this the end of its stack.
    pub(super) fn end(self) -> impl Iterator<Item = Gone> {
        let published = Gone {
            published: self.published,
            stub: None,
        };
        let gone = |replacement: Replacement| Gone::of(replacement.stub);
        iter::once(published).chain(self.replacements.into_iter().map(gone))
    }

    /// Does everything to lead calls to the top, and those of threads in the unpatched state to what is below it, if the top belongs to
    /// `moving`, but to lead the site. Answers what it was before.
    pub(super) fn prepare(&mut self, moving: Option<&str>) -> Before {
        Before {
            direct: self.ops.direct.load(Ordering::Relaxed),
            published: self.make(moving),
        }
    }

    /// The second half, when the site has been led, or could not be. Answers what goes.
    pub(super) fn conclude(&mut self, before: Before, is_led: bool) -> Gone {
        let published = if is_led {
            before.published
        } else {
            self.ops.direct.store(before.direct, Ordering::Relaxed);
            let unused = core::mem::replace(&mut self.published, before.published);
            self.tell_ops();
            unused
        };
        Gone {
            published,
            stub: None,
        }
    }

    /// Makes what calls go by, and shows it to those that come through a trampoline. Answers what it was before.
    fn make(&mut self, moving: Option<&str>) -> Option<Published> {
        let top = self.replacements.last()?;
        let below = self.replacements.iter().rev().nth(1);
        let is_moving = moving == Some(top.patch.as_str());
        let mut goals = [if is_moving {
            below.map_or(ORIGINAL, Replacement::goal)
        } else {
            top.goal()
        }; 2];
        goals[PatchState::Patched.word() as usize] = top.goal();
        let (direct, choice) = self.direct(top, below, is_moving);
        self.ops.direct.store(direct, Ordering::Relaxed);
        let published = Published {
            winner: Box::new(Winner { goals }),
            choice,
        };
        let old = self.published.replace(published);
        self.tell_ops();
        old
    }

    /// Where the site may lead, 0 for nowhere, and what was written for that.
    #[allow(unsafe_code, reason = "writes a choice")]
    fn direct(&self, top: &Replacement, below: Option<&Replacement>, is_moving: bool) -> (u64, Option<Slot>) {
        let site = self.site.address;
        let none = (0, None);
        let Some(to) = top.direct(site).filter(|_| !Route::Trampoline.is_set()) else {
            return none;
        };
        if !is_moving && !Route::Choice.is_set() {
            // The function itself as the only goal is on its way out.
            return top.function.map_or(none, |_| (to, None));
        }
        let from = match below {
            _ if !is_moving => Some(to),
            Some(below) => below.direct(site),
            None => Some(behind(site)),
        };
        let (Some(from), Some(slot)) = (from, Slot::take()) else {
            return none;
        };
        let mut goals = [from; 2];
        goals[PatchState::Patched.word() as usize] = to;
        // SAFETY: the slot is ours; what it leads to takes calls as they come from the site, and is retired after it.
        if unsafe { write_choice(slot.address(), goals) } {
            (slot.address(), Some(slot))
        } else {
            none
        }
    }

    /// Shows the ops what is published.
    fn tell_ops(&self) {
        if let Some(published) = &self.published {
            self.ops
                .data
                .store(&raw const *published.winner as u64, Ordering::Release);
        }
    }

    /// What the top was put over, if that is not the function itself: global entry of a replacement.
    pub(super) fn function_below(&self) -> Option<u64> {
        self.replacements.iter().rev().nth(1)?.function
    }

    /// Where the calls of a patch's replacement return to: its stub, if it has one; `None` for the patch: of what it was put over.
    pub(super) fn stub(&self, patch: Option<&str>) -> Option<Range<u64>> {
        let replacement = match patch {
            Some(patch) => self.replacements.get(self.position(patch)?),
            None => self.replacements.iter().rev().nth(1),
        };
        replacement?.stub_range()
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

    /// What shows calls to the winner, when they come through a trampoline.
    pub(super) fn ops(&self) -> &Arc<FtraceOps> {
        &self.ops
    }

    /// How many replacements there are.
    pub(super) fn len(&self) -> usize {
        self.replacements.len()
    }

    /// Whether one of them is `patch`'s.
    pub(super) fn has(&self, patch: &str) -> bool {
        self.position(patch).is_some()
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

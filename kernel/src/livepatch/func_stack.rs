//! The replacements of one function: a stack whose top wins, and, while a transition goes on, what lies below it for the
//! threads that have not moved yet.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::iter;
use core::ops::Range;
use core::sync::atomic::{AtomicU8, Ordering};

use arch::ftrace::write_choice;
use arch::livepatch::{ReturnDesign, write_return_stub};

use super::object::Target;
use super::transition::PatchState;
use crate::ftrace::{self, FtraceError, FtraceOps, FtraceRegs, OpsFlags, Place, Retire, Site, Slot, retire};
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

/// What is read by calls that come through a trampoline, and the code that calls go through which do not.
struct Published {
    winner: Box<Winner>,
    choice: Option<Slot>,
}

impl Retire for Published {
    fn ranges(&self) -> Vec<Range<u64>> {
        let address = &raw const *self.winner as u64;
        let winner = address..address + size_of::<Winner>() as u64;
        iter::once(winner)
            .chain(self.choice.as_ref().map(Slot::range))
            .collect()
    }
}

/// The stub of a replacement under `return-stack`.
#[derive(Debug)]
struct ReturnStub(Slot);

impl Retire for ReturnStub {
    /// A thread has it as long as C, or what C has gone on in, returns there.
    fn ranges(&self) -> Vec<Range<u64>> {
        iter::once(self.0.range()).collect()
    }
}

/// One patch's replacement of the function.
#[derive(Debug)]
struct Replacement {
    patch: String,
    /// `None`: the function itself, as a patch that replaces others puts it over their replacements.
    function: Option<u64>,
    design: ReturnDesign,
    /// Under `return-stack`, where there is a function.
    stub: Option<ReturnStub>,
}

impl Replacement {
    /// With its stub, if the design wants one; `None`: there is no room for one, or C is out of its reach.
    #[allow(unsafe_code, reason = "writes the stub")]
    fn new(patch: &str, target: &Target, design: ReturnDesign) -> Option<Self> {
        let function = target.new_function;
        let mut stub = None;
        if let (Some(function), None) = (function, design.entry()) {
            let slot = Slot::take()?;
            // SAFETY: the slot is ours, and the patch keeps C until no thread is in it and no call goes there.
            let written = unsafe { write_return_stub(slot.address(), function, target.returns_by_itself) };
            written.then_some(())?;
            stub = Some(ReturnStub(slot));
        }
        Some(Replacement {
            patch: String::from(patch),
            function,
            design,
            stub,
        })
    }

    fn goal(&self) -> Goal {
        let stub = self.stub.as_ref().map(|ReturnStub(slot)| slot.address());
        self.function.map_or(ORIGINAL, |function| Goal {
            function,
            return_entry: stub.or(self.design.entry()).unwrap_or_default(),
        })
    }

    /// Where a site can lead without a trampoline; `site` is that of B.
    fn direct(&self, site: u64) -> Option<u64> {
        match (&self.stub, self.function) {
            (Some(ReturnStub(slot)), _) => Some(slot.address()),
            (None, None) => Some(behind(site)),
            (None, Some(_)) => None,
        }
    }
}

/// Where B goes on behind its site.
fn behind(site: u64) -> u64 {
    site + 4
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

/// How a call comes from its site to C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// As directly as it can.
    Shortest,
    /// The same, but always by a choice: as while a transition goes on, to compare.
    Choice,
    /// Always through a common trampoline: to compare.
    Trampoline,
}

static ROUTE: AtomicU8 = AtomicU8::new(Route::Shortest as u8);

impl Route {
    /// Each with what `body` answers while functions that are patched go by it.
    pub(crate) fn each<T>(mut body: impl FnMut(Route) -> T) -> [T; 3] {
        [Route::Shortest, Route::Choice, Route::Trampoline].map(|route| route.during(|| body(route)))
    }

    /// What `body` answers while functions that are patched go by it.
    pub(crate) fn during<T>(self, body: impl FnOnce() -> T) -> T {
        ROUTE.store(self as u8, Ordering::Relaxed);
        let answer = body();
        ROUTE.store(Route::Shortest as u8, Ordering::Relaxed);
        answer
    }

    fn is_set(self) -> bool {
        ROUTE.load(Ordering::Relaxed) == self as u8
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::Shortest => "straight",
            Route::Choice => "by a choice",
            Route::Trampoline => "through a trampoline",
        })
    }
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
            published: None,
        }
    }

    /// Puts `patch`'s replacement on top, for the threads that are in the patched state. The first one hooks the function. On an error nothing has changed.
    pub(super) fn push(
        &mut self,
        patch: &str,
        target: &Target,
        design: ReturnDesign,
    ) -> Result<(), FtraceError> {
        let no_stub = || FtraceError::NoStub {
            function: self.site.function.clone(),
        };
        let replacement = Replacement::new(patch, target, design).ok_or_else(no_stub)?;
        self.replacements.push(replacement);
        let is_first = self.replacements.len() == 1;
        let result = if is_first {
            drop(self.prepare(Some(patch)));
            ftrace::register(&self.site, &self.ops, Place::Last)
        } else {
            self.publish(Some(patch))
        };
        if result.is_err() {
            self.drop_replacement(self.replacements.len() - 1);
            if is_first {
                self.published = None;
            }
        }
        result
    }

    /// Takes `patch`'s replacement out, wherever it is; the one below the top comes to light, or the function itself. On
    /// an error nothing has changed.
    pub(super) fn remove(&mut self, patch: &str) -> Result<(), FtraceError> {
        let Some(index) = self.position(patch) else {
            return Ok(());
        };
        if self.replacements.len() == 1 {
            ftrace::unregister(&self.site, &self.ops)?;
            self.drop_replacement(index);
            // What was published stays, for threads that are on their way.
            self.published.take().into_iter().for_each(retire);
            return Ok(());
        }
        let gone = self.replacements.remove(index);
        if let Err(error) = self.publish(None) {
            self.replacements.insert(index, gone);
            return Err(error);
        }
        gone.stub.into_iter().for_each(retire);
        Ok(())
    }

    fn drop_replacement(&mut self, index: usize) {
        let gone = self.replacements.remove(index);
        gone.stub.into_iter().for_each(retire);
    }

    /// Leads calls to the top, and those of threads in the unpatched state to what is below it, if the top belongs to `moving`. On
    /// an error nothing has changed.
    pub(super) fn publish(&mut self, moving: Option<&str>) -> Result<(), FtraceError> {
        let before = self.ops.direct.load(Ordering::Relaxed);
        let old = self.prepare(moving);
        let result = ftrace::lead(&self.site);
        if result.is_err() {
            self.ops.direct.store(before, Ordering::Relaxed);
            let unused = core::mem::replace(&mut self.published, old);
            self.tell_ops();
            unused.into_iter().for_each(retire);
        } else {
            old.into_iter().for_each(retire);
        }
        result
    }

    /// Makes what calls go by, and shows it to those that come through a trampoline. Answers what it was before.
    fn prepare(&mut self, moving: Option<&str>) -> Option<Published> {
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
        replacement?.stub.as_ref().map(|ReturnStub(slot)| slot.range())
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

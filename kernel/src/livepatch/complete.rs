//! The end of a transition: the threads are tried, and when the last one has moved, what is not used any more goes.

use alloc::vec::Vec;

use super::registry::{Enabled, Registry};
use super::transition::{PatchState, Transition};
use super::worker;

impl Registry {
    /// Moves every thread that can move; completes the transition with the last one.
    pub(super) fn try_complete(&mut self) {
        let Some(mut transition) = self.transition.take() else {
            return;
        };
        let functions = self.functions_of(&transition.patch, transition.to.opposite());
        let have_all_moved = transition.try_all(&functions);
        if !have_all_moved {
            transition.report();
        }
        self.transition = Some(transition);
        if have_all_moved {
            self.complete();
        } else {
            worker::wake();
        }
    }

    /// All threads have moved: what is not used any more goes, and calls go by no state any more.
    pub(super) fn complete(&mut self) {
        let Some(Transition { patch: name, to, .. }) = self.transition.take() else {
            return;
        };
        let Some(index) = self.index_of(&name) else { return };
        let verb = verb(to);
        log::debug!(target: "livepatch", "'{name}': completing {verb} transition");
        let enabled = &self.patches[index];
        let (sites, replaces) = (enabled.sites(), enabled.replace);
        let mut replaced = Vec::new();
        match to {
            PatchState::Patched if replaces => replaced = self.remove_replaced(&name),
            PatchState::Patched => {}
            PatchState::Unpatched => self.remove_all(&name, &sites),
        }
        self.publish(&sites, None);
        let Some(index) = self.index_of(&name) else { return };
        for object in self.patches[index]
            .objects
            .iter_mut()
            .filter(|object| object.is_loaded())
        {
            match to {
                PatchState::Patched => object.post_patch(),
                PatchState::Unpatched => object.post_unpatch(),
            }
        }
        log::info!(target: "livepatch", "'{name}': {verb} complete");
        if to == PatchState::Unpatched {
            replaced.push(self.patches.remove(index));
            if self.patches.is_empty() {
                // An empty list keeps memory that a new one does not have.
                self.patches = Vec::new();
            }
        }
        self.publish_states();
        for gone in replaced.into_iter().filter(|gone| gone.is_forced) {
            // A thread may be in a replacement for ever.
            core::mem::forget(gone.module);
        }
    }

    /// Takes away all patches but `by`, and what of it only brings functions back.
    fn remove_replaced(&mut self, by: &str) -> Vec<Enabled> {
        let (kept, replaced): (Vec<_>, Vec<_>) = core::mem::take(&mut self.patches)
            .into_iter()
            .partition(|enabled| enabled.name == by);
        self.patches = kept;
        for gone in &replaced {
            self.remove_all(&gone.name, &gone.sites());
        }
        let Some(index) = self.index_of(by) else {
            return replaced;
        };
        let back: Vec<u64> = self.patches[index]
            .targets()
            .filter(|target| target.new_function.is_none())
            .map(|target| target.site.address)
            .collect();
        self.remove_all(by, &back);
        for object in &mut self.patches[index].objects {
            object.funcs.retain(|func| func.new_function.is_some());
            if let Some(targets) = &mut object.targets {
                targets.retain(|target| target.new_function.is_some());
            }
        }
        self.patches[index].objects.retain(|object| !object.is_only_back);
        replaced
    }
}

/// What a transition to this state is called.
pub(super) fn verb(to: PatchState) -> &'static str {
    match to {
        PatchState::Patched => "patching",
        PatchState::Unpatched => "unpatching",
    }
}

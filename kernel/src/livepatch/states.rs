//! System states: what patches change that is no function, each with a number and a version
//! (Documentation/livepatch/system-state).
//!
//! Callbacks ask for the states of the patches below theirs. They are called while the registry is locked, so what they may
//! know is published here: at the beginning of a transition, and when all its callbacks have been called. What a patch
//! replaces is therefore still there for its `post_patch`.

use alloc::string::String;
use alloc::vec::Vec;

use super::registry::{Enabled, Registry};
use crate::sync::{IrqLock, Rank};

/// A system state that a patch changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KlpState {
    /// Its number.
    pub id: u64,
    /// A patch that knows a later version can take over from one that knows an earlier one.
    pub version: u32,
    /// How the patch's callbacks find their data. Of a patch in C: the address of its `struct klp_state`.
    pub data: u64,
}

struct Published {
    /// The patches and their states, the oldest first.
    patches: Vec<(String, Vec<KlpState>)>,
    /// The patch that threads move to or from.
    moving: Option<String>,
}

static PUBLISHED: IrqLock<Published> = IrqLock::new(
    Rank::PatchStates,
    Published {
        patches: Vec::new(),
        moving: None,
    },
);

/// For callbacks: the state of this number of the youngest patch below the one that comes or goes.
pub fn previous_state(id: u64) -> Option<KlpState> {
    let published = PUBLISHED.lock();
    let moving = published.moving.as_ref()?;
    let below = published.patches.iter().take_while(|(name, _)| name != moving);
    let states = below.flat_map(|(_, states)| states);
    states.filter(|state| state.id == id).last().copied()
}

impl Registry {
    /// Lets callbacks know which patches there are, and which one moves.
    pub(super) fn publish_states(&self) {
        let state = |enabled: &Enabled| (enabled.name.clone(), enabled.states.clone());
        let patches = self
            .patches
            .iter()
            .filter(|enabled| !enabled.states.is_empty() || self.is_moving_to(enabled));
        let new = Published {
            patches: patches.map(state).collect(),
            moving: self
                .transition
                .as_ref()
                .map(|transition| transition.patch.clone()),
        };
        let old = core::mem::replace(&mut *PUBLISHED.lock(), new);
        drop(old);
    }

    fn is_moving_to(&self, enabled: &Enabled) -> bool {
        let transition = self.transition.as_ref();
        transition.is_some_and(|transition| transition.patch == enabled.name)
    }

    /// Whether a new patch knows all that it must of the states that are there: each at least in its version, and all of
    /// them if it takes the others' place.
    pub(super) fn is_compatible(&self, new: &Enabled) -> bool {
        self.patches
            .iter()
            .flat_map(|enabled| &enabled.states)
            .all(|old| {
                let own = new.states.iter().find(|state| state.id == old.id);
                own.map_or(!new.replace, |state| state.version >= old.version)
            })
    }
}

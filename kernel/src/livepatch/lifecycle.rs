//! A patch's life: enabled, in transition, settled, disabled, gone; turned round or forced on the way. How a transition ends is in
//! `complete.rs`.
//!
//! The steps, their order and the words in the log are those of Linux 6.1 (`kernel/livepatch/core.c` and `transition.c`), so
//! that what people know to look for is there.

use alloc::format;
use alloc::vec::Vec;

use super::complete::verb;
use super::failure::{self, Reserve};
use super::object::{Func, Object};
use super::registry::{Enabled, REGISTRY, Registry};
use super::transition::{PatchState, Transition};
use super::{KlpError, KlpObject, KlpPatch, default_design};
use crate::module::{self, ModuleUse};
use crate::thread;

/// Bytes that a step may take for names and lists, and for each function that it deals with: generous, since the block is only
/// asked for.
const NAMES: usize = 2048;
pub(super) const FUNCTION: usize = 1024;

/// The same for looking at all threads.
fn threads() -> usize {
    const THREAD: usize = 128;
    thread::with_all(<[_]>::len) * THREAD
}

/// Enables a patch. When this returns without an error all its functions are patched for the caller, unless it is in one of
/// them itself, and the other threads move to it one by one: at once, if they are outside of what changes, and otherwise as
/// soon as they have left it; [`super::settle`] waits for all. On an error nothing has changed.
pub fn enable(patch: KlpPatch) -> Result<(), KlpError> {
    failure::memory(NAMES + threads())?;
    let module = hold_module(&patch)?;
    let mut registry = REGISTRY.lock();
    if registry.index_of(&patch.name).is_some() {
        return Err(KlpError::AlreadyEnabled { patch: patch.name });
    }
    registry.must_be_settled(&patch.name)?;
    let functions = |objects: &[KlpObject]| objects.iter().map(|object| object.funcs.len()).sum::<usize>();
    failure::memory(NAMES + functions(&patch.objects) * FUNCTION)?;
    let mut enabled = Enabled::new(patch, module);
    if enabled.replace {
        let others: usize = registry.patches.iter().map(|other| other.targets().count()).sum();
        failure::memory(NAMES + others * FUNCTION)?;
        registry.add_originals(&mut enabled);
    }
    if !enabled.replace && enabled.objects.iter().all(Object::is_empty) && enabled.states.is_empty() {
        return Err(KlpError::Empty { patch: enabled.name });
    }
    if !registry.is_compatible(&enabled) {
        return Err(KlpError::Incompatible { patch: enabled.name });
    }
    let (design, unchecked) = (enabled.design, enabled.unchecked);
    for object in enabled.objects.iter_mut().filter(|object| is_there(object)) {
        object.find(design, unchecked)?;
    }
    log::info!(target: "livepatch", "enabling patch '{}'", enabled.name);
    registry.start(enabled)
}

/// Disables a patch, or turns round if threads are still moving to it. As with [`enable`], the other threads move one by one.
pub fn disable(name: &str) -> Result<(), KlpError> {
    set_enabled(name, false)
}

/// What a write to a patch's `enabled` does: disables it, or turns its transition round.
///
/// # Errors
/// There is no such patch, it is that already, it would have to be enabled anew, or another one is in transition.
pub fn set_enabled(name: &str, on: bool) -> Result<(), KlpError> {
    let mut registry = REGISTRY.lock();
    let not_enabled = || KlpError::NotEnabled { patch: name.into() };
    let index = registry.index_of(name).ok_or_else(not_enabled)?;
    if registry.patches[index].is_enabled == on {
        return Err(KlpError::Already {
            patch: name.into(),
            on,
        });
    }
    if registry
        .transition
        .as_ref()
        .is_some_and(|transition| transition.patch == name)
    {
        registry.reverse(index);
        return Ok(());
    }
    if on {
        return Err(not_enabled());
    }
    registry.must_be_settled(name)?;
    registry.stop(index);
    Ok(())
}

/// Moves all threads that a transition still waits for, wherever they are: for who knows that this is safe. What they may
/// be in stays loaded for ever.
///
/// # Errors
/// The patch is not in transition.
pub fn force(name: &str) -> Result<(), KlpError> {
    let mut registry = REGISTRY.lock();
    let registry = &mut *registry;
    let transition = registry.transition.as_mut();
    let Some(transition) = transition.filter(|transition| transition.patch == name) else {
        return Err(KlpError::NotInTransition { patch: name.into() });
    };
    log::warn!(target: "livepatch", "forcing remaining tasks to the {} state", transition.to);
    transition.force();
    for enabled in &mut registry.patches {
        enabled.is_forced = true;
    }
    registry.try_complete();
    Ok(())
}

/// Tries again to complete the transition that is going on; answers whether there is one still.
pub(super) fn retry() -> bool {
    let mut registry = REGISTRY.lock();
    registry.try_complete();
    registry.transition.is_some()
}

/// Whether threads are moving.
pub fn is_in_transition() -> bool {
    REGISTRY.lock().transition.is_some()
}

/// Keeps the module that the replacements are in.
fn hold_module(patch: &KlpPatch) -> Result<Option<ModuleUse>, KlpError> {
    let user = format!("live patch '{}'", patch.name);
    let hold = |name: &alloc::string::String| {
        module::hold(name, &user).map_err(|_| KlpError::NoObject { object: name.clone() })
    };
    patch.module.as_ref().map(hold).transpose()
}

/// Whether an object's functions can be found now: it is the kernel, or a module that is ready for it.
fn is_there(object: &Object) -> bool {
    let ready = |name: &alloc::string::String| module::get(name).is_some_and(|module| module.is_patchable());
    object.name.as_ref().is_none_or(ready)
}

impl Enabled {
    fn new(patch: KlpPatch, module: Option<ModuleUse>) -> Self {
        Enabled {
            name: patch.name,
            design: patch.design.unwrap_or_else(default_design),
            unchecked: patch.unchecked,
            replace: patch.replace,
            states: patch.states,
            objects: patch.objects.into_iter().map(Object::from).collect(),
            is_enabled: false,
            is_forced: false,
            module,
        }
    }

    /// The addresses of all sites that were found.
    pub(super) fn sites(&self) -> Vec<u64> {
        self.targets().map(|target| target.site.address).collect()
    }
}

impl Registry {
    /// One transition at a time.
    fn must_be_settled(&self, patch: &str) -> Result<(), KlpError> {
        match &self.transition {
            None => Ok(()),
            Some(other) => Err(KlpError::OtherInTransition {
                patch: patch.into(),
                other: other.patch.clone(),
            }),
        }
    }

    /// For a patch that replaces all others: what they patch and it does not, it brings back.
    fn add_originals(&self, patch: &mut Enabled) {
        for other in self.patches.iter().flat_map(|enabled| &enabled.objects) {
            let place = patch.objects.iter().position(|object| object.name == other.name);
            let place = place.unwrap_or_else(|| {
                patch.objects.push(Object::of(other.name.clone()));
                patch.objects.len() - 1
            });
            let funcs = &mut patch.objects[place].funcs;
            for func in &other.funcs {
                let is_same =
                    |own: &Func| own.old_name == func.old_name && own.sympos.max(1) == func.sympos.max(1);
                if !funcs.iter().any(is_same) {
                    funcs.push(Func {
                        old_name: func.old_name.clone(),
                        sympos: func.sympos,
                        new_function: None,
                    });
                }
            }
        }
    }

    /// Patches everything for the threads that move, and begins to move them.
    fn start(&mut self, enabled: Enabled) -> Result<(), KlpError> {
        let reserve = Reserve::take(NAMES + threads() + enabled.targets().count() * FUNCTION)?;
        // Behind the reserve, which is there for taking back only.
        failure::memory(NAMES + threads())?;
        let name = enabled.name.clone();
        let objects = enabled.objects.len();
        log::debug!(target: "livepatch", "'{name}': initializing patching transition");
        self.transition = Some(Transition::begin(&name, PatchState::Patched));
        self.patches.push(enabled);
        self.publish_states();
        let index = self.patches.len() - 1;
        let mut patch_all = || {
            for object in 0..objects {
                if self.patches[index].objects[object].is_loaded() {
                    self.patch_object(index, object)?;
                }
            }
            // The last thing that can fail: from then on threads move.
            failure::memory(NAMES + threads())
        };
        if let Err(error) = patch_all() {
            log::warn!(target: "livepatch", "failed to enable patch '{name}'");
            drop(reserve);
            self.cancel();
            return Err(error);
        }
        drop(reserve);
        log::info!(target: "livepatch", "'{name}': starting patching transition");
        self.patches[index].is_enabled = true;
        self.try_complete();
        Ok(())
    }

    /// Calls an object's `pre_patch` and patches its functions. On an error none of them is.
    pub(super) fn patch_object(&mut self, index: usize, object: usize) -> Result<(), KlpError> {
        let enabled = &mut self.patches[index];
        failure::memory(NAMES + enabled.objects[object].targets().len() * FUNCTION)?;
        enabled.objects[object].pre_patch()?;
        let (name, design) = (enabled.name.clone(), enabled.design);
        let targets = enabled.objects[object].targets().to_vec();
        self.push_all(&name, &targets, design).inspect_err(|_| {
            let object = self.patches[index].objects[object].shown_name();
            log::warn!(target: "livepatch", "failed to patch object '{object}'");
        })
    }

    /// After an error on the way to the first thread that moves: all threads are where they were.
    fn cancel(&mut self) {
        if let Some(transition) = &mut self.transition {
            log::debug!(
                target: "livepatch",
                "'{}': canceling patching transition, going to unpatch", transition.patch
            );
            transition.to = PatchState::Unpatched;
            self.complete();
        }
    }

    /// Begins to move threads away from a settled patch.
    fn stop(&mut self, index: usize) {
        let enabled = &mut self.patches[index];
        let name = enabled.name.clone();
        log::debug!(target: "livepatch", "'{name}': initializing unpatching transition");
        self.transition = Some(Transition::begin(&name, PatchState::Unpatched));
        self.publish_states();
        let enabled = &mut self.patches[index];
        enabled.objects.iter().for_each(Object::pre_unpatch);
        enabled.is_enabled = false;
        let sites = enabled.sites();
        self.publish(&sites, Some(&name));
        log::info!(target: "livepatch", "'{name}': starting unpatching transition");
        self.try_complete();
    }

    /// Turns the transition of a patch round.
    fn reverse(&mut self, index: usize) {
        let enabled = &mut self.patches[index];
        enabled.is_enabled = !enabled.is_enabled;
        if let Some(transition) = &mut self.transition {
            let before = verb(transition.to);
            transition.reverse();
            let now = verb(transition.to);
            log::debug!(target: "livepatch", "'{}': reversing transition from {before} to {now}", enabled.name);
            log::info!(target: "livepatch", "'{}': starting {now} transition", enabled.name);
        }
        self.try_complete();
    }
}

//! Modules that come and go while they are patched: patched before their `init_module` runs, unpatched after their
//! `cleanup_module` has.

use super::KlpError;
use super::object::Object;
use super::registry::{REGISTRY, Registry};
use crate::module::{Module, late};

/// Applies to a module that is loaded just now what is enabled for it. Its `init_module` has not run.
///
/// # Errors
/// A patch cannot be applied: the module must not be loaded, and is not patched.
pub(crate) fn module_coming(module: &Module) -> Result<(), KlpError> {
    if let Err(error) = late::object_comes(module) {
        log::warn!(target: "livepatch", "refusing to load module '{}': {error}", module.info.name);
        return Err(error);
    }
    let mut registry = REGISTRY.lock();
    module.set_patchable(true);
    let name = &module.info.name;
    for index in 0..registry.patches.len() {
        if let Err(error) = registry.apply_to(index, name) {
            log::warn!(
                target: "livepatch",
                "patch '{}' failed for module '{name}', refusing to load module '{name}'", registry.patches[index].name
            );
            module.set_patchable(false);
            for index in 0..index {
                registry.revert_from(index, name);
            }
            drop(registry);
            late::object_goes(module);
            return Err(error);
        }
    }
    Ok(())
}

/// Takes everything back that is applied to a module that goes. Its `cleanup_module` has run.
pub(crate) fn module_going(module: &Module) {
    let mut registry = REGISTRY.lock();
    module.set_patchable(false);
    for index in 0..registry.patches.len() {
        registry.revert_from(index, &module.info.name);
    }
    drop(registry);
    late::object_goes(module);
}

impl Registry {
    /// Whether the patch is the one that threads are moving to or from: its callbacks then belong to the transition.
    fn is_moving(&self, index: usize) -> bool {
        let transition = self.transition.as_ref();
        transition.is_some_and(|transition| transition.patch == self.patches[index].name)
    }

    /// The patch's objects of this name, which is a module's.
    fn objects_of(&self, index: usize, module: &str) -> alloc::vec::Vec<usize> {
        let is_meant = |object: &Object| object.name.as_deref() == Some(module);
        let objects = self.patches[index].objects.iter().enumerate();
        objects
            .filter(|(_, object)| is_meant(object))
            .map(|(place, _)| place)
            .collect()
    }

    fn apply_to(&mut self, index: usize, module: &str) -> Result<(), KlpError> {
        for place in self.objects_of(index, module) {
            let enabled = &mut self.patches[index];
            let (design, unchecked) = (enabled.design, enabled.unchecked);
            let object = &mut enabled.objects[place];
            log::info!(target: "livepatch", "applying patch '{}' to loading module '{module}'", enabled.name);
            let result = object.find(design, unchecked);
            let result = result.and_then(|()| self.patch_object(index, place));
            let is_moving = self.is_moving(index);
            let object = &mut self.patches[index].objects[place];
            match result {
                Ok(()) if is_moving => {}
                Ok(()) => {
                    object.post_patch();
                    let sites = object.sites();
                    self.publish(&sites, None);
                }
                Err(error) => {
                    object.post_unpatch();
                    object.targets = None;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn revert_from(&mut self, index: usize, module: &str) {
        let is_moving = self.is_moving(index);
        for place in self.objects_of(index, module) {
            let enabled = &self.patches[index];
            let object = &enabled.objects[place];
            if !object.is_loaded() {
                continue;
            }
            if !is_moving {
                object.pre_unpatch();
            }
            let (name, sites) = (enabled.name.clone(), object.sites());
            log::info!(target: "livepatch", "reverting patch '{name}' on unloading module '{module}'");
            self.remove_all(&name, &sites);
            let object = &mut self.patches[index].objects[place];
            object.post_unpatch();
            object.targets = None;
        }
    }
}

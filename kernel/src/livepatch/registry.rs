//! The enabled patches, and the functions that they patch.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;

use super::func_stack::FuncStack;
use super::lookup::site_of;
use super::{KlpError, KlpPatch, default_design, find_function, refusal};
use crate::ftrace::{self, Site};
use crate::module::{self, ModuleUse};
use crate::sync::IrqLock;

/// Everything that is patched.
struct Registry {
    /// The enabled patches, the oldest first.
    patches: Vec<Enabled>,
    /// The patched functions, by the address of their site.
    functions: BTreeMap<u64, FuncStack>,
}

struct Enabled {
    patch: KlpPatch,
    sites: Vec<u64>,
    /// The modules that are patched, and the one that the replacements are in: they stay.
    _modules: Vec<ModuleUse>,
}

static REGISTRY: IrqLock<Registry> = IrqLock::new(Registry {
    patches: Vec::new(),
    functions: BTreeMap::new(),
});

impl Registry {
    fn push(&mut self, patch: &str, site: &Site, new: u64, design: ReturnDesign) -> Result<(), KlpError> {
        let stack = self
            .functions
            .entry(site.address)
            .or_insert_with(|| FuncStack::new(site.clone()));
        let result = stack.push(patch, new, design);
        if stack.is_empty() {
            self.functions.remove(&site.address);
        }
        Ok(result?)
    }

    fn remove(&mut self, patch: &str, site: u64) -> Result<(), KlpError> {
        let Some(stack) = self.functions.get_mut(&site) else {
            return Ok(());
        };
        stack.remove(patch)?;
        if stack.is_empty() {
            self.functions.remove(&site);
        }
        Ok(())
    }
}

/// One function of a patch, found.
struct Target {
    site: Site,
    new_function: u64,
}

/// Finds every function of the patch, and whether the design can carry it, before anything is changed.
fn find_targets(patch: &KlpPatch, design: ReturnDesign) -> Result<Vec<Target>, KlpError> {
    let mut targets: Vec<Target> = Vec::new();
    for object in &patch.objects {
        for func in &object.funcs {
            let function = find_function(object.name.as_deref(), &func.old_name, func.sympos)?;
            let site = site_of(&function)?;
            if targets.iter().any(|target| target.site.address == site.address) {
                return Err(KlpError::Twice {
                    patch: patch.name.clone(),
                    function: function.name,
                });
            }
            if !patch.unchecked && !refusal::is_unsafe() {
                refusal::check(design, &function, func.new_function)?;
            }
            targets.push(Target {
                site,
                new_function: func.new_function,
            });
        }
    }
    if targets.is_empty() {
        return Err(KlpError::Empty {
            patch: patch.name.clone(),
        });
    }
    Ok(targets)
}

/// Keeps every module that the patch has to do with from being unloaded.
fn hold_modules(patch: &KlpPatch) -> Result<Vec<ModuleUse>, KlpError> {
    let user = format!("live patch '{}'", patch.name);
    let hold = |object: &String| {
        let object = object.clone();
        module::hold(&object, &user).map_err(|_| KlpError::NoObject { object })
    };
    let patched = patch.objects.iter().filter_map(|object| object.name.as_ref());
    patched.chain(&patch.module).map(hold).collect()
}

/// Enables a patch: when this returns, every call of its functions goes to the replacements. On an error nothing has changed.
pub fn enable(patch: KlpPatch) -> Result<(), KlpError> {
    let modules = hold_modules(&patch)?;
    let design = patch.design.unwrap_or_else(default_design);
    let targets = find_targets(&patch, design)?;
    let mut registry = REGISTRY.lock();
    if registry
        .patches
        .iter()
        .any(|enabled| enabled.patch.name == patch.name)
    {
        return Err(KlpError::AlreadyEnabled { patch: patch.name });
    }
    log::info!(target: "livepatch", "enabling patch '{}'", patch.name);
    for (done, target) in targets.iter().enumerate() {
        if let Err(error) = registry.push(&patch.name, &target.site, target.new_function, design) {
            for target in &targets[..done] {
                // A site that was just written cannot refuse to be written back; if it does, the first error still tells why.
                let _ = registry.remove(&patch.name, target.site.address);
            }
            log::warn!(target: "livepatch", "failed to enable patch '{}': {error}", patch.name);
            return Err(error);
        }
    }
    log::info!(target: "livepatch", "'{}': patching complete", patch.name);
    let sites = targets.into_iter().map(|target| target.site.address).collect();
    registry.patches.push(Enabled {
        patch,
        sites,
        _modules: modules,
    });
    Ok(())
}

/// Disables a patch: calls that come from now on go to what is below it. Threads that are inside its replacements return as they came.
pub fn disable(name: &str) -> Result<(), KlpError> {
    let mut registry = REGISTRY.lock();
    let Some(index) = registry
        .patches
        .iter()
        .position(|enabled| enabled.patch.name == name)
    else {
        return Err(KlpError::NotEnabled {
            patch: String::from(name),
        });
    };
    log::info!(target: "livepatch", "'{name}': starting unpatching transition");
    let sites = registry.patches[index].sites.clone();
    for site in sites {
        registry.remove(name, site)?;
    }
    registry.patches.remove(index);
    log::info!(target: "livepatch", "'{name}': unpatching complete");
    Ok(())
}

/// What a list of patches says of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchInfo {
    /// Its name.
    pub name: String,
    /// How many functions it patches.
    pub functions: usize,
    /// How many of them it wins.
    pub wins: usize,
}

/// The enabled patches, the oldest first.
pub fn enabled() -> Vec<PatchInfo> {
    let registry = REGISTRY.lock();
    let info = |enabled: &Enabled| {
        let name = enabled.patch.name.clone();
        let wins = |site: &&u64| {
            registry
                .functions
                .get(site)
                .and_then(|stack| stack.patches().last())
                .is_some_and(|(top, _)| top == name)
        };
        PatchInfo {
            functions: enabled.sites.len(),
            wins: enabled.sites.iter().filter(wins).count(),
            name,
        }
    };
    registry.patches.iter().map(info).collect()
}

/// The first enabled patch that patches `module` or has its replacements in it.
pub fn user_of(module: &str) -> Option<String> {
    let uses = |enabled: &&Enabled| {
        enabled.patch.module.as_deref() == Some(module)
            || enabled
                .patch
                .objects
                .iter()
                .any(|object| object.name.as_deref() == Some(module))
    };
    REGISTRY
        .lock()
        .patches
        .iter()
        .find(uses)
        .map(|enabled| enabled.patch.name.clone())
}

/// The function as it was, for a replacement that wants to call it: a global entry that no hook is on. It lives as long as
/// the function is patched.
pub fn original(object: Option<&str>, name: &str, sympos: usize) -> Result<u64, KlpError> {
    let site = site_of(&find_function(object, name, sympos)?)?;
    ftrace::original(&site).ok_or(KlpError::NotEnabled { patch: site.function })
}

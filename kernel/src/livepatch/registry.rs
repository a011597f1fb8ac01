//! The enabled patches, the functions that they patch, and the transition that is going on.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;

use super::check::Changing;
use super::func_stack::FuncStack;
use super::object::{Object, Target, code_at};
use super::transition::{PatchState, Stall, Transition};
use super::{KlpError, KlpState, find_function};
use crate::ftrace;
use crate::module::ModuleUse;
use crate::sync::{Mutex, Rank};

use super::lookup::site_of;

/// A patch that is enabled, or that comes or goes.
#[derive(Debug)]
pub(super) struct Enabled {
    pub(super) name: String,
    pub(super) design: ReturnDesign,
    pub(super) unchecked: bool,
    pub(super) replace: bool,
    pub(super) states: Vec<KlpState>,
    pub(super) objects: Vec<Object>,
    /// What was asked for last: `false` while it goes.
    pub(super) is_enabled: bool,
    /// Threads were moved by force: one may be in a replacement for ever, so its module stays.
    pub(super) is_forced: bool,
    /// The module that the replacements are in: it stays as long as this.
    pub(super) module: Option<ModuleUse>,
}

impl Enabled {
    /// All functions that were found.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.objects.iter().flat_map(Object::targets)
    }
}

/// Everything that is patched.
pub(super) struct Registry {
    /// The oldest first.
    pub(super) patches: Vec<Enabled>,
    /// The patched functions, by the address of their site.
    pub(super) functions: BTreeMap<u64, FuncStack>,
    pub(super) transition: Option<Transition>,
}

pub(super) static REGISTRY: Mutex<Registry> = Mutex::new(
    Rank::LivePatches,
    Registry {
        patches: Vec::new(),
        functions: BTreeMap::new(),
        transition: None,
    },
);

impl Registry {
    pub(super) fn index_of(&self, patch: &str) -> Option<usize> {
        self.patches.iter().position(|enabled| enabled.name == patch)
    }

    /// What no thread may be in when it leaves `from`: what the patch is put over, or what it puts there.
    pub(super) fn functions_of(&self, patch: &str, from: PatchState) -> Changing {
        let Some(index) = self.index_of(patch) else {
            return Changing::default();
        };
        let targets = || self.patches[index].targets();
        let stub = |target: &Target| {
            let stack = self.functions.get(&target.site.address)?;
            stack.stub((from == PatchState::Patched).then_some(patch))
        };
        let code = |target: &Target| {
            let function = match from {
                PatchState::Unpatched => self.functions.get(&target.site.address)?.function_below(),
                PatchState::Patched => target.new_function,
            };
            match function {
                Some(function) => code_at(function).ok(),
                None => Some(target.code.clone()),
            }
        };
        Changing {
            code: targets().filter_map(code).collect(),
            stubs: targets().filter_map(stub).collect(),
        }
    }
}

/// What a list of patches says of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchInfo {
    /// Its name.
    pub name: String,
    /// What was asked for last: `false` while it goes.
    pub is_enabled: bool,
    /// Threads are moving to it or from it.
    pub is_in_transition: bool,
    /// It replaces others.
    pub replace: bool,
    /// How many functions it patches.
    pub functions: usize,
    /// How many of them it wins.
    pub wins: usize,
    /// Its objects by name, each with whether it is patched just now.
    pub objects: Vec<(String, bool)>,
}

/// The patches, the oldest first.
pub fn enabled() -> Vec<PatchInfo> {
    let registry = REGISTRY.lock();
    let info = |enabled: &Enabled| {
        let wins = |target: &&Target| {
            let stack = registry.functions.get(&target.site.address);
            stack
                .and_then(|stack| stack.patches().last())
                .is_some_and(|(top, _)| top == enabled.name)
        };
        let transition = registry.transition.as_ref();
        PatchInfo {
            name: enabled.name.clone(),
            is_enabled: enabled.is_enabled,
            is_in_transition: transition.is_some_and(|transition| transition.patch == enabled.name),
            replace: enabled.replace,
            functions: enabled.targets().count(),
            wins: enabled.targets().filter(wins).count(),
            objects: enabled
                .objects
                .iter()
                .map(|object| (String::from(object.shown_name()), object.is_loaded()))
                .collect(),
        }
    };
    registry.patches.iter().map(info).collect()
}

/// A function of a patch, as the patch names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchFunction {
    /// `vmlinux`, or the module.
    pub object: String,
    /// Its name.
    pub name: String,
    /// Which one of those with the name, from 1.
    pub position: usize,
    /// The patch whose replacement is called, once threads have moved; `None` where the function itself is, or where its object
    /// is not loaded.
    pub winner: Option<String>,
    /// Its object is loaded and patched.
    pub is_patched: bool,
}

/// The functions of a patch, object by object; `None` when there is no such patch.
pub fn functions_of(patch: &str) -> Option<Vec<PatchFunction>> {
    let registry = REGISTRY.lock();
    let enabled = &registry.patches[registry.index_of(patch)?];
    let mut functions = Vec::new();
    for object in &enabled.objects {
        for (index, func) in object.funcs.iter().enumerate() {
            let target = object.targets().get(index);
            let stack = target.and_then(|target| registry.functions.get(&target.site.address));
            functions.push(PatchFunction {
                object: String::from(object.shown_name()),
                name: func.old_name.clone(),
                position: func.sympos.max(1),
                winner: stack.and_then(FuncStack::winner).map(String::from),
                is_patched: target.is_some(),
            });
        }
    }
    Some(functions)
}

/// A patched function: its name, and the patches on it with their designs, the winner last.
pub type FunctionInfo = (String, Vec<(String, ReturnDesign)>);

/// The patched functions, by address.
pub fn functions() -> Vec<FunctionInfo> {
    let registry = REGISTRY.lock();
    let info = |stack: &FuncStack| {
        let patches = stack
            .patches()
            .map(|(patch, design)| (String::from(patch), design));
        (stack.site().name(), patches.collect())
    };
    registry.functions.values().map(info).collect()
}

/// What the transition that is going on waits for; empty when there is none, or when it has just begun.
pub fn stalled() -> Vec<Stall> {
    let registry = REGISTRY.lock();
    registry
        .transition
        .as_ref()
        .map(|transition| transition.stalls.clone())
        .unwrap_or_default()
}

/// The first patch that patches `module` or has its replacements in it.
pub fn user_of(module: &str) -> Option<String> {
    let uses = |enabled: &&Enabled| {
        enabled
            .module
            .as_ref()
            .is_some_and(|hold| hold.module.info.name == module)
            || enabled
                .objects
                .iter()
                .any(|object| object.is_loaded() && object.name.as_deref() == Some(module))
    };
    REGISTRY
        .lock()
        .patches
        .iter()
        .find(uses)
        .map(|enabled| enabled.name.clone())
}

/// The function as it was, for a replacement that wants to call it: a global entry that no hook is on. It lives as long as
/// the function is patched.
pub fn original(object: Option<&str>, name: &str, sympos: usize) -> Result<u64, KlpError> {
    let site = site_of(&find_function(object, name, sympos)?)?;
    ftrace::original(&site).ok_or_else(|| KlpError::NotEnabled { patch: site.name() })
}

//! All hooks, by the address of their site.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::ftrace::{FtraceOps, OpsFlags};
use kernel_core::errno::Errno;

use super::hook::Hook;
use super::{FtraceError, Site, retire};
use crate::sync::{Mutex, Rank};

/// Whether functions can be hooked: `ftrace_enabled`. It changes while [`HOOKS`] is held.
static IS_ENABLED: AtomicBool = AtomicBool::new(true);

/// Threads wait for other CPUs while they hold it, so it must sleep.
static HOOKS: Mutex<BTreeMap<u64, Hook>> = Mutex::new(Rank::Hooks, BTreeMap::new());

/// Where among the ops of a hook a new one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Called before all others.
    First,
    /// Called after all others.
    Last,
}

/// Adds `ops` to the hook of `site`, and makes the hook if there is none. On an error nothing has changed.
pub fn register(site: &Site, ops: &Arc<FtraceOps>, place: Place) -> Result<(), FtraceError> {
    if arch::image::notrace().contains(&site.address) {
        return Err(FtraceError::Notrace {
            function: site.function.clone(),
        });
    }
    let mut hooks = HOOKS.lock();
    if !is_enabled() {
        return Err(FtraceError::Disabled {
            function: site.function.clone(),
        });
    }
    let Some(hook) = hooks.get_mut(&site.address) else {
        let hook = Hook::new(site.clone(), Vec::from([ops.clone()]))?;
        hooks.insert(site.address, hook);
        return Ok(());
    };
    if hook.ops().iter().any(|other| Arc::ptr_eq(other, ops)) {
        return Err(FtraceError::AlreadyThere {
            function: site.function.clone(),
            ops: ops.name,
        });
    }
    let redirects = |ops: &&Arc<FtraceOps>| ops.flags.contains(OpsFlags::IPMODIFY);
    if let Some(other) = hook.ops().iter().find(redirects).filter(|_| redirects(&ops)) {
        return Err(FtraceError::AlreadyRedirected {
            function: site.function.clone(),
            by: other.name,
        });
    }
    let mut list = hook.ops().to_vec();
    match place {
        Place::First => list.insert(0, ops.clone()),
        Place::Last => list.push(ops.clone()),
    }
    hook.set_ops(list)
}

/// Takes `ops` out of the hook of `site`; with its last ops the hook goes. On an error nothing has changed.
pub fn unregister(site: &Site, ops: &Arc<FtraceOps>) -> Result<(), FtraceError> {
    let mut hooks = HOOKS.lock();
    let not_there = || FtraceError::NotThere {
        function: site.function.clone(),
        ops: ops.name,
    };
    let hook = hooks.get_mut(&site.address).ok_or_else(not_there)?;
    let mut list = hook.ops().to_vec();
    let index = list
        .iter()
        .position(|other| Arc::ptr_eq(other, ops))
        .ok_or_else(not_there)?;
    list.remove(index);
    if list.is_empty() {
        hook.disable()?;
        hooks.remove(&site.address).into_iter().for_each(retire);
        if hooks.is_empty() {
            // An empty map keeps memory that a new one does not have.
            *hooks = BTreeMap::new();
        }
    } else {
        hook.set_ops(list)?;
    }
    Ok(())
}

/// The word in an ops that says where the site may lead directly has changed: leads the site there, if there is no other ops. Every
/// CPU executes the new word when this returns. On an error nothing has changed.
pub fn lead(site: &Site) -> Result<(), FtraceError> {
    HOOKS.lock().get_mut(&site.address).map_or(Ok(()), Hook::lead)
}

/// Whether functions can be hooked.
pub fn is_enabled() -> bool {
    IS_ENABLED.load(Ordering::Relaxed)
}

/// Turns all hooks on or off, and whether there can be new ones.
///
/// # Errors
/// A live patch is enabled, so they must not be turned off; or a site does not hold what it should. Then nothing has changed.
pub fn set_enabled(on: bool) -> Result<(), Errno> {
    let mut hooks = HOOKS.lock();
    let redirects = |ops: &Arc<FtraceOps>| ops.flags.contains(OpsFlags::IPMODIFY);
    if !on && hooks.values().flat_map(Hook::ops).any(redirects) {
        return Err(Errno::Busy);
    }
    if hooks.values_mut().try_for_each(|hook| hook.switch(on)).is_err() {
        // Those that could be switched can be switched back.
        hooks.values_mut().for_each(|hook| drop(hook.switch(!on)));
        return Err(Errno::Busy);
    }
    IS_ENABLED.store(on, Ordering::Relaxed);
    Ok(())
}

/// The functions that are hooked, in the order of their sites, each with its ops: their names, and what they need.
pub fn enabled_functions() -> Vec<(Site, Vec<(&'static str, OpsFlags)>)> {
    let ops = |hook: &Hook| hook.ops().iter().map(|ops| (ops.name, ops.flags)).collect();
    HOOKS
        .lock()
        .values()
        .map(|hook| (hook.site().clone(), ops(hook)))
        .collect()
}

/// How many functions are hooked.
pub fn hook_count() -> usize {
    HOOKS.lock().len()
}

/// The first site in `range` that is hooked by somebody who does not let go when its module does: what keeps the module
/// from going. Who redirects calls, which is live patching, does let go.
pub fn hooked_in(range: Range<u64>) -> Option<Site> {
    let stays = |hook: &&Hook| {
        let mut ops = hook.ops().iter();
        ops.any(|ops| !ops.flags.contains(OpsFlags::IPMODIFY))
    };
    let hooks = HOOKS.lock();
    let found = hooks.range(range).map(|(_, hook)| hook).find(stays);
    found.map(|hook| hook.site().clone())
}

/// A global entry of the hooked function at `site` that does not pass the hook; `None` when it is not hooked, or there is no
/// room. It lives as long as somebody hooks the function.
pub fn original(site: &Site) -> Option<u64> {
    HOOKS.lock().get_mut(&site.address).and_then(Hook::original)
}

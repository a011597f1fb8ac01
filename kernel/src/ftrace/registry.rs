//! All hooks, by the address of their site.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::ftrace::{FtraceOps, OpsFlags};
use kernel_core::errno::Errno;

use super::hook::Hook;
use super::retired::retire_all;
use super::{FtraceError, Site};
use crate::cpu;
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
    register_all(&[(site, ops)], place)
}

/// The same for many, each site once: all new hooks together cost as many synchronisations of all CPUs as one. On an error
/// nothing has changed.
#[allow(unsafe_code, reason = "changes live sites")]
pub fn register_all(pairs: &[(&Site, &Arc<FtraceOps>)], place: Place) -> Result<(), FtraceError> {
    let mut hooks = HOOKS.lock();
    let (mut new, mut words) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
    for (site, ops) in pairs {
        check(&hooks, site, ops)?;
        if !hooks.contains_key(&site.address) {
            let hook = Hook::new((*site).clone(), Vec::from([(*ops).clone()]))?;
            words.extend(hook.change(true)?);
            new.push(hook);
        }
    }
    let has_hook = |site: &Site| hooks.contains_key(&site.address);
    let others: Vec<_> = pairs.iter().copied().filter(|(site, _)| has_hook(site)).collect();
    for (done, (site, ops)) in others.iter().enumerate() {
        let hook = hooks.get_mut(&site.address);
        if let Some(Err(error)) = hook.map(|hook| add(hook, ops, place)) {
            for (site, ops) in &others[..done] {
                // What could be added a moment ago can be taken back.
                let hook = hooks.get_mut(&site.address);
                hook.map(|hook| take_out(hook, ops)).transpose()?;
            }
            return Err(error);
        }
    }
    if !new.is_empty() {
        // The stubs, to which nothing leads yet.
        cpu::synchronise();
        // SAFETY: they are sites, each of which is right with its nop and with its branch: all stubs are complete.
        unsafe { cpu::change_words(&words) };
    }
    hooks.extend(new.into_iter().map(|hook| (hook.site().address, hook)));
    Ok(())
}

/// Whether `ops` can come to this site.
fn check(hooks: &BTreeMap<u64, Hook>, site: &Site, ops: &Arc<FtraceOps>) -> Result<(), FtraceError> {
    let function = || site.name();
    if arch::image::notrace().contains(&site.address) {
        return Err(FtraceError::Notrace { function: function() });
    }
    if !is_enabled() {
        return Err(FtraceError::Disabled { function: function() });
    }
    let Some(hook) = hooks.get(&site.address) else {
        return Ok(());
    };
    if hook.ops().iter().any(|other| Arc::ptr_eq(other, ops)) {
        return Err(FtraceError::AlreadyThere {
            function: function(),
            ops: ops.name,
        });
    }
    let redirects = |ops: &&Arc<FtraceOps>| ops.flags.contains(OpsFlags::IPMODIFY);
    match hook.ops().iter().find(redirects).filter(|_| redirects(&ops)) {
        Some(other) => Err(FtraceError::AlreadyRedirected {
            function: function(),
            by: other.name,
        }),
        None => Ok(()),
    }
}

/// Adds an ops to a hook that has others.
fn add(hook: &mut Hook, ops: &Arc<FtraceOps>, place: Place) -> Result<(), FtraceError> {
    let mut list = hook.ops().to_vec();
    match place {
        Place::First => list.insert(0, ops.clone()),
        Place::Last => list.push(ops.clone()),
    }
    hook.set_ops(list)
}

/// Takes an ops out of a hook that has others.
fn take_out(hook: &mut Hook, ops: &Arc<FtraceOps>) -> Result<(), FtraceError> {
    let mut list = hook.ops().to_vec();
    list.retain(|other| !Arc::ptr_eq(other, ops));
    hook.set_ops(list)
}

/// Takes `ops` out of the hook of `site`; with its last ops the hook goes. On an error nothing has changed.
pub fn unregister(site: &Site, ops: &Arc<FtraceOps>) -> Result<(), FtraceError> {
    unregister_all(&[(site, ops)])
}

/// The same for many, each site once: all hooks that go together cost as many synchronisations of all CPUs as one. On an error the
/// ops may have been taken out of hooks that have others.
#[allow(unsafe_code, reason = "changes live sites")]
pub fn unregister_all(pairs: &[(&Site, &Arc<FtraceOps>)]) -> Result<(), FtraceError> {
    let mut hooks = HOOKS.lock();
    let (mut go, mut words) = (Vec::new(), Vec::new());
    for (site, ops) in pairs {
        let hook = hooks.get(&site.address);
        let found = hook.filter(|hook| hook.ops().iter().any(|other| Arc::ptr_eq(other, ops)));
        let hook = found.ok_or_else(|| FtraceError::NotThere {
            function: site.name(),
            ops: ops.name,
        })?;
        if hook.ops().len() == 1 {
            words.extend(hook.change(false)?);
            go.push(site.address);
        }
    }
    for (site, ops) in pairs {
        match hooks.get_mut(&site.address) {
            Some(hook) if hook.ops().len() > 1 => take_out(hook, ops)?,
            _ => {}
        }
    }
    if !words.is_empty() {
        // SAFETY: they are sites, each of which is right with its nop and with its branch: the stubs stay for now.
        unsafe { cpu::change_words(&words) };
    }
    let gone: Vec<Hook> = go.iter().filter_map(|site| hooks.remove(site)).collect();
    if hooks.is_empty() {
        // An empty map keeps memory that a new one does not have.
        *hooks = BTreeMap::new();
    }
    retire_all(gone);
    Ok(())
}

/// The word in an ops that says where the site may lead directly has changed: leads the site there, if there is no other ops. Every
/// CPU executes the new word when this returns. On an error nothing has changed.
pub fn lead(site: &Site) -> Result<(), FtraceError> {
    lead_all(&[site])
}

/// The same for many: all together cost as many synchronisations of all CPUs as one.
#[allow(unsafe_code, reason = "changes live sites")]
pub fn lead_all(sites: &[&Site]) -> Result<(), FtraceError> {
    let mut hooks = HOOKS.lock();
    let mut words = Vec::with_capacity(sites.len());
    for site in sites {
        if let Some(hook) = hooks.get(&site.address) {
            words.extend(hook.leading()?);
        }
    }
    if !words.is_empty() {
        // What they lead to is new.
        cpu::synchronise();
        // SAFETY: they are sites, each of which is right with either word: all that they lead to is complete.
        unsafe { cpu::change_words(&words) };
    }
    for site in sites {
        if let Some(hook) = hooks.get_mut(&site.address) {
            hook.is_led();
        }
    }
    Ok(())
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

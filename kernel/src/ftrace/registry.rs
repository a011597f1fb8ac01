//! All hooks, by the address of their site.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::ftrace::{FtraceOps, OpsFlags};
use kernel_core::address_map::AddressMap;
use kernel_core::errno::Errno;

use super::batch::Batch;
use super::hook::Hook;
use super::plan::Plan;
use super::{FtraceError, Site};
use crate::sync::{Mutex, Rank};

/// Whether functions can be hooked: `ftrace_enabled`. It changes while [`HOOKS`] is held.
static IS_ENABLED: AtomicBool = AtomicBool::new(true);

/// Threads wait for other CPUs while they hold it, so it must sleep.
static HOOKS: Mutex<AddressMap<Hook>> = Mutex::new(Rank::Hooks, AddressMap::new());

/// Where among the ops of a hook a new one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Called before all others.
    First,
    /// Called after all others.
    Last,
}

/// Sites, each with an ops.
pub(super) type Pairs<'a> = &'a [(&'a Site, &'a Arc<FtraceOps>)];

/// Adds `ops` to the hook of `site`, and makes the hook if there is none. On an error nothing has changed.
pub fn register(site: &Site, ops: &Arc<FtraceOps>, place: Place) -> Result<(), FtraceError> {
    register_all(&[(site, ops)], place)
}

/// The same for many: as [`change_all`].
pub fn register_all(pairs: Pairs<'_>, place: Place) -> Result<(), FtraceError> {
    change_all(pairs, place, &[], &[])
}

/// Takes `ops` out of the hook of `site`; with its last ops the hook goes. On an error nothing has changed.
pub fn unregister(site: &Site, ops: &Arc<FtraceOps>) -> Result<(), FtraceError> {
    unregister_all(&[(site, ops)])
}

/// The same for many: as [`change_all`].
pub fn unregister_all(pairs: Pairs<'_>) -> Result<(), FtraceError> {
    change_all(&[], Place::Last, pairs, &[])
}

/// The word in an ops that says where the sites may lead directly has changed: leads each there, if there is no other ops. As
/// [`change_all`].
pub fn lead_all(sites: &[&Site]) -> Result<(), FtraceError> {
    change_all(&[], Place::Last, &[], sites)
}

/// Adds an ops to the hook of each site in `come`, takes one out of that of each in `go`, and leads those in `lead` to where their
/// only ops wants them; each site is in one of the three, once. All together cost as many synchronisations of all CPUs as one, and
/// every CPU executes the new words when this returns. On an error nothing has changed.
pub fn change_all(come: Pairs<'_>, place: Place, go: Pairs<'_>, lead: &[&Site]) -> Result<(), FtraceError> {
    let most = come.len() + go.len() + lead.len();
    if most == 0 {
        return Ok(());
    }
    let mut hooks = HOOKS.lock();
    let before = hooks.len();
    let mut plan = Plan::new(most);
    let planned = plan.come(&mut hooks, come, place);
    let planned = planned.and_then(|()| plan.go(&hooks, go));
    if let Err(error) = planned.and_then(|()| plan.lead(&hooks, lead)) {
        hooks.truncate(before);
        return Err(error);
    }
    plan.carry_out(&mut hooks);
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
    let hooks = HOOKS.lock();
    let redirects = |ops: &Arc<FtraceOps>| ops.flags.contains(OpsFlags::IPMODIFY);
    if !on && hooks.values().flat_map(Hook::ops).any(redirects) {
        return Err(Errno::Busy);
    }
    if is_enabled() != on {
        let mut batch = Batch::new(true, hooks.len());
        let mut all = hooks.values();
        all.try_for_each(|hook| hook.switch(on, &mut batch))
            .map_err(|_| Errno::Busy)?;
        batch.make();
        IS_ENABLED.store(on, Ordering::Relaxed);
    }
    Ok(())
}

/// The functions that are hooked, in the order of their sites, each with its ops: their names, and what they need.
pub fn enabled_functions() -> Vec<(Site, Vec<(&'static str, OpsFlags)>)> {
    let ops = |hook: &Hook| hook.ops().iter().map(|ops| (ops.name, ops.flags)).collect();
    let mut functions: Vec<(Site, Vec<_>)> = HOOKS
        .lock()
        .values()
        .map(|hook| (hook.site().clone(), ops(hook)))
        .collect();
    functions.sort_unstable_by_key(|(site, _)| site.address);
    functions
}

/// How many functions are hooked.
pub fn hook_count() -> usize {
    HOOKS.lock().len()
}

/// The first site in `range` that is hooked by somebody who does not let go when its module does: what keeps the module
/// from going.
pub fn hooked_in(range: Range<u64>) -> Option<Site> {
    let stays = |hook: &&Hook| {
        let mut ops = hook.ops().iter();
        ops.any(|ops| !ops.flags.contains(OpsFlags::LETS_GO))
    };
    let hooks = HOOKS.lock();
    let inside = hooks.values().filter(|hook| range.contains(&hook.site().address));
    let first = inside.filter(stays).min_by_key(|hook| hook.site().address);
    first.map(|hook| hook.site().clone())
}

/// A global entry of the hooked function at `site` that does not pass the hook; `None` when it is not hooked, or there is no
/// room. It lives as long as somebody hooks the function.
pub fn original(site: &Site) -> Option<u64> {
    HOOKS.lock().get_mut(site.address).and_then(Hook::original)
}

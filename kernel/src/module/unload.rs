//! Unloading: only when nobody uses the module, and only when nobody can come back to it.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::c::workqueue;
use super::load::call_exit;
use super::registry::{Module, State, get, remove};
use super::{Error, Reason};
use crate::{ftrace, livepatch, thread, trace};

/// Runs the module's `cleanup_module` and frees its memory.
///
/// # Errors
/// The module is not there, is in use (the user is named), or has no `cleanup_module`. When a thread turns out to be in the
/// module only after `cleanup_module`, the module lingers: unloading it again frees it once the thread has left.
pub fn unload(name: &str) -> Result<(), Error> {
    let fail = |reason| Error::new(name, reason);
    let module = get(name).ok_or_else(|| fail(Reason::NotLoaded))?;
    if module.state() != State::Lingering {
        let exit = module.exit;
        if exit.is_none() && module.init.is_some() {
            return Err(fail(Reason::Permanent));
        }
        // Work that the module has scheduled is its own to stop, which `cleanup_module` is for.
        in_use(&module, &workqueue::workers()).map_err(fail)?;
        module.begin_going().map_err(fail)?;
        if let Some(exit) = exit {
            call_exit(exit);
        }
        module.set_state(State::Lingering);
        livepatch::module_going(&module);
        trace::module_going(&module);
    }
    in_use(&module, &[]).map_err(fail)?;
    free(&module);
    log::trace!(target: "module", "'{name}' is gone");
    Ok(())
}

/// After `init_module` said no: takes back what it has left behind, and frees the module unless somebody is still in it.
pub(super) fn after_failed_init(module: &Arc<Module>) {
    while let Some(patch) = livepatch::user_of(&module.info.name) {
        if livepatch::disable(&patch).is_err() {
            break;
        }
        livepatch::settle();
    }
    module.set_state(State::Lingering);
    livepatch::module_going(module);
    trace::module_going(module);
    match in_use(module, &[]) {
        Ok(()) => free(module),
        Err(reason) => log::warn!(target: "module", "{}", Error::new(&module.info.name, reason)),
    }
}

fn free(module: &Arc<Module>) {
    remove(module);
    // Only now may the place be taken by another module.
    let holds = module.holds.lock().take();
    drop(holds);
}

/// Who uses the module, in words; the threads with the numbers `own` do not count.
fn in_use(module: &Module, own: &[u32]) -> Result<(), Reason> {
    ftrace::reap();
    let user = None
        .or_else(|| module.users().into_iter().next())
        .or_else(|| hooked(module))
        .or_else(|| {
            let thread = thread::find_stack_word_in(module.range.clone(), own)?;
            Some(format!(
                "thread '{thread}', which has an address of it on its stack"
            ))
        });
    user.map_or(Ok(()), |user| Err(Reason::InUse { user }))
}

fn hooked(module: &Module) -> Option<String> {
    let site = ftrace::hooked_in(module.range.clone())?;
    Some(format!("the hook of its function '{}'", site.function))
}

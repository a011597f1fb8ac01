//! Which tracer is on, of which functions.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::filter::{self, Change, changed};
use super::{TraceError, Tracer, record};
use crate::ftrace::{self, FtraceOps, Place, Site};
use crate::module::Module;
use crate::sync::{Mutex, Rank};

/// What is traced.
pub(super) struct Session {
    tracer: Tracer,
    /// What the tracer hooks functions with.
    ops: Option<Arc<FtraceOps>>,
    /// The functions that are chosen, by their addresses; `None`: all.
    filter: Option<Vec<Site>>,
    /// Those that are hooked, by their addresses.
    hooked: Vec<Site>,
    /// `tracing_on`.
    is_on: bool,
}

static SESSION: Mutex<Session> = Mutex::new(
    Rank::Tracing,
    Session {
        tracer: Tracer::Nop,
        ops: None,
        filter: None,
        hooked: Vec::new(),
        is_on: true,
    },
);

/// Those of `sites` that `others` has not; both are in order.
fn without<'a>(sites: &'a [Site], others: &'a [Site]) -> impl Iterator<Item = &'a Site> {
    let is_there = |site: &Site| {
        others
            .binary_search_by_key(&site.address, |other| other.address)
            .is_ok()
    };
    sites.iter().filter(move |site| !is_there(site))
}

/// Each site with the ops; none without one.
fn pairs<'a>(sites: &'a [Site], ops: &'a Option<Arc<FtraceOps>>) -> Vec<(&'a Site, &'a Arc<FtraceOps>)> {
    let pair = |ops| sites.iter().map(move |site| (site, ops));
    ops.iter().flat_map(pair).collect()
}

impl Session {
    /// The functions that a tracer is to hook when these are chosen.
    fn wanted(tracer: Tracer, filter: Option<&[Site]>) -> Vec<Site> {
        match (tracer, filter) {
            (Tracer::Nop, _) => Vec::new(),
            (_, Some(filter)) => filter.to_vec(),
            (_, None) => filter::traceable(),
        }
    }

    /// Hooks these instead of those that are hooked.
    fn hook(&mut self, wanted: Vec<Site>) -> Result<(), TraceError> {
        if let Some(ops) = &self.ops {
            let come: Vec<_> = without(&wanted, &self.hooked).map(|site| (site, ops)).collect();
            let go: Vec<_> = without(&self.hooked, &wanted).map(|site| (site, ops)).collect();
            ftrace::change_all(&come, Place::Last, &go, &[])?;
        }
        self.hooked = wanted;
        Ok(())
    }

    fn set_tracer(&mut self, tracer: Tracer) -> Result<(), TraceError> {
        if tracer == self.tracer {
            return Ok(());
        }
        let ops = record::ops(tracer).map(Arc::new);
        if ops.is_some() {
            record::make_rings()?;
        }
        let wanted = Session::wanted(tracer, self.filter.as_deref());
        let (come, go) = (pairs(&wanted, &ops), pairs(&self.hooked, &self.ops));
        ftrace::register_all(&come, Place::Last)?;
        if let Err(error) = ftrace::unregister_all(&go) {
            // What has come a moment ago can go.
            let _ = ftrace::unregister_all(&come);
            return Err(error.into());
        }
        (self.tracer, self.ops, self.hooked) = (tracer, ops, wanted);
        record::quiet(self.is_on, || record::rings().for_each(|(_, ring)| ring.clear()));
        ftrace::reap();
        Ok(())
    }

    /// Whether events are recorded while nobody reads.
    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.tracer
    }
}

/// What is traced stays so while `body` runs.
pub(super) fn with<R>(body: impl FnOnce(&Session) -> R) -> R {
    body(&SESSION.lock())
}

/// The tracer that is on.
pub fn tracer() -> Tracer {
    with(Session::tracer)
}

/// Turns a tracer on in place of the one that is; the events of that are forgotten.
///
/// # Errors
/// A function cannot be hooked, or there is no memory.
pub fn set_tracer(tracer: Tracer) -> Result<(), TraceError> {
    SESSION.lock().set_tracer(tracer)
}

/// The functions that are chosen; `None`: all.
pub fn filter() -> Option<Vec<Site>> {
    with(|session| session.filter.clone())
}

/// Chooses functions: a path or a pattern a line, with `!` in front for those that are not meant.
///
/// # Errors
/// A line names no function, or one cannot be hooked.
pub fn change_filter(change: Change, text: &str) -> Result<(), TraceError> {
    let mut session = SESSION.lock();
    let filter = changed(session.filter.as_deref(), change, text)?;
    let wanted = Session::wanted(session.tracer, filter.as_deref());
    session.hook(wanted)?;
    session.filter = filter;
    Ok(())
}

/// Whether events are recorded: `tracing_on`.
pub fn is_on() -> bool {
    with(Session::is_on)
}

/// Records events, or none. Hooks stay.
pub fn set_on(on: bool) {
    let mut session = SESSION.lock();
    session.is_on = on;
    record::set_recording(on);
}

/// A module is about to run: when all functions are traced, its are, too. If they cannot be, it runs without.
pub(crate) fn module_coming(module: &Module) {
    let mut session = SESSION.lock();
    if session.tracer == Tracer::Nop || session.filter.is_some() {
        return;
    }
    let wanted = filter::traceable();
    if let Err(error) = session.hook(wanted) {
        log::warn!(target: "ftrace", "functions of module '{}' are not traced: {error}", module.info.name);
    }
}

/// A module goes: nothing of it is traced or chosen any more.
pub(crate) fn module_going(module: &Module) {
    let mut session = SESSION.lock();
    let is_outside = |site: &Site| !module.range.contains(&site.address);
    if let Some(filter) = &mut session.filter {
        filter.retain(is_outside);
    }
    let mut wanted = session.hooked.clone();
    wanted.retain(is_outside);
    if wanted.len() == session.hooked.len() {
        return;
    }
    if let Err(error) = session.hook(wanted) {
        log::warn!(target: "ftrace", "functions of module '{}' stay traced: {error}", module.info.name);
    }
}

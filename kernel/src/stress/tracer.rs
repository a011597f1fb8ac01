//! A thread that hooks functions which may be patched as well: ops that look, ops that take all registers, the graph tracer, and
//! the tracers that a user can choose, of one function or of all.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::time::TICKS_PER_SECOND;
use kernel_core::random::Random;
use kernel_core::stress::Digest;

use super::cast::{Group, Objects, groups};
use super::counts::CHANGES;
use super::events::{self, What};
use super::failure;
use super::turns::Together;
use crate::ftrace::{self, FtraceOps, FtraceRegs, GraphOps, GraphTracer, OpsFlags, Place, Site};
use crate::livepatch::find_function;
use crate::matrix::Language;
use crate::matrix::subjects::argument;
use crate::thread;
use crate::trace::{self as tracing, Change, TraceError, Tracer};

/// Functions that the graph tracer saw begin, and end.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);

static GRAPH: GraphOps = GraphOps {
    entry: |_| {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        0
    },
    exit: |_, _| {
        ENDED.fetch_add(1, Ordering::Relaxed);
    },
};

extern "C" fn look(_: u64, _: u64, ops: &FtraceOps, _: &mut FtraceRegs) {
    ops.data.fetch_add(1, Ordering::Relaxed);
}

/// Destroys the first argument and a register that only an ops with full registers gets to change.
extern "C" fn spoil(_: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    regs.gpr[3] = 0;
    regs.cr = 0;
}

/// Puts the first argument back.
extern "C" fn mend(_: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    regs.gpr[3] = argument(1);
}

/// Functions whose first argument is what [`mend`] makes of it.
const MENDABLE: [&str; 4] = ["local", "pointer", "no_toc", "integers_8"];

/// Hooks until it is over.
pub(super) fn work(mut random: Random) -> Digest {
    let mut digest = Digest::default();
    while !failure::is_over() {
        if let Err(error) = trace(&mut random) {
            failure::fail(error);
        }
        digest.add(arch::time::timebase());
        thread::sleep(random.below(TICKS_PER_SECOND / 500));
    }
    digest
}

/// Hooks some function for a while.
fn trace(random: &mut Random) -> Result<(), String> {
    let _turn = Together::enter();
    let place = random.index(groups().len());
    let group = &groups()[place];
    if group.language == Language::C && !Objects::C_TARGET.are_available() {
        return Ok(());
    }
    let site = site_of(group, random)?;
    if random.one_in(4) {
        return trace_as_a_user(place, &site, random);
    }
    let is_mendable = MENDABLE.contains(&group.name());
    let full = |name, function| FtraceOps::new(name, function, OpsFlags::SAVE_REGS);
    // Each is first when it is added: the one that mends comes before the one that spoils, and is called behind it.
    let ops = match random.below(4) {
        0 if is_mendable => Vec::from([full("mend", mend), full("spoil", spoil)]),
        1 => Vec::from([full("look", look)]),
        2 => Vec::from([FtraceOps::new("look", look, OpsFlags::empty())]),
        _ => Vec::from([GraphTracer::ops(&GRAPH)]),
    };
    let order = if ops.len() > 1 || random.one_in(2) {
        Place::First
    } else {
        Place::Last
    };
    events::note(What::Trace, place as u64, ops.len() as u64, 0);
    let mut registered = Vec::new();
    for ops in ops {
        let ops = Arc::new(ops);
        ftrace::register(&site, &ops, order).map_err(|error| error.to_string())?;
        registered.push(ops);
    }
    thread::sleep(random.below(TICKS_PER_SECOND / 200));
    for ops in registered.iter().rev() {
        ftrace::unregister(&site, ops).map_err(|error| error.to_string())?;
    }
    events::note(What::Untrace, place as u64, 0, 0);
    CHANGES.traced.up();
    Ok(())
}

/// Chooses a tracer for a while, of this function; now and then of all functions that there are.
fn trace_as_a_user(place: usize, site: &Site, random: &mut Random) -> Result<(), String> {
    let fail = |error: TraceError| error.to_string();
    let tracer = [Tracer::Function, Tracer::FunctionGraph][random.index(2)];
    let of_all = random.one_in(8);
    let lines = if of_all { String::new() } else { site.name() };
    events::note(What::Choose, place as u64, of_all.into(), 0);
    tracing::change_filter(Change::Replace, &lines).map_err(fail)?;
    tracing::set_tracer(tracer).map_err(fail)?;
    thread::sleep(random.below(TICKS_PER_SECOND / 200));
    tracing::set_tracer(Tracer::Nop).map_err(fail)?;
    tracing::change_filter(Change::Replace, "").map_err(fail)?;
    events::note(What::Untrace, place as u64, 0, 0);
    CHANGES.traced_by_users.up();
    if of_all {
        CHANGES.traced_all.up();
    }
    Ok(())
}

fn site_of(group: &Group, random: &mut Random) -> Result<Site, String> {
    let (_, name) = &group.functions[random.index(group.functions.len())];
    let function = find_function(group.language.target(), name, 0).map_err(|error| error.to_string())?;
    function.site.ok_or_else(|| format!("'{name}' has no site"))
}

/// How many functions the graph tracer saw begin, and end.
///
/// # Errors
/// It is not as many, though nobody calls any more: only what ends its thread does not end itself.
pub(super) fn graphed() -> Result<(u64, u64), String> {
    let (begun, ended) = (BEGUN.load(Ordering::Relaxed), ENDED.load(Ordering::Relaxed));
    let killed = CHANGES.killed.get();
    if (ended..=ended + killed).contains(&begun) {
        Ok((begun, ended))
    } else {
        Err(format!(
            "the graph tracer saw {begun} functions begin and {ended} end, but only {killed} threads were ended"
        ))
    }
}

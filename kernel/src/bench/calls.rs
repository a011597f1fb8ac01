//! What a call costs more than the same call of a function that nobody hooks.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;

use arch::ftrace::ftrace_stub;
use arch::livepatch::ReturnDesign;

use super::cast::{self, Function, Ten, of_b, of_many, patch, site_of};
use super::meter::{more_than, ticks_of};
use super::{Unit, tell};
use crate::ftrace::{self, FtraceOps, GraphOps, GraphTracer, OpsFlags, Place, Site, reap};
use crate::livepatch::{KlpFunc, KlpPatch, disable, enable, is_in_transition, settle};
use crate::situations::GATE;
use crate::trace::{self, Change, TraceError, Tracer};
use crate::{ensure, ensure_eq, ktest, thread};

/// Measures.
///
/// # Errors
/// A call did not come out as it should, or did not take the same number of instructions each time.
pub(super) fn measure() -> ktest::Result {
    not_hooked()?;
    ops("arguments", trivial(OpsFlags::empty()))?;
    ops("registers", trivial(OpsFlags::SAVE_REGS))?;
    ops("graph", graph())?;
    traced(Tracer::Function)?;
    traced(Tracer::FunctionGraph)?;
    for design in ReturnDesign::for_kernel() {
        patched(design, "1", Vec::new())?;
        patched(design, "10", of_many(9)?)?;
        patched(design, "100", of_many(99)?)?;
        pending(design)?;
    }
    with_all_hooked(|| ReturnDesign::for_kernel().try_for_each(|design| patched(design, "all", Vec::new())))?;
    with_ops_as_well("arguments", trivial(OpsFlags::empty()))?;
    with_ops_as_well("registers", trivial(OpsFlags::SAVE_REGS))?;
    with_ops_as_well("graph", graph())?;
    patched_and_traced()?;
    two_stacked()?;
    replaced()?;
    ten_arguments()
}

/// A function to call that the compiler knows nothing of.
fn call(function: Function) -> impl Fn() {
    let function = black_box(function);
    move || {
        black_box(function(1));
    }
}

/// What B answers just now.
fn answer() -> u64 {
    black_box(cast::b as Function)(1)
}

fn tell_call(id: &str, instructions: u64) {
    tell(&format!("call/{id}"), Unit::Instructions, instructions);
}

fn not_hooked() -> ktest::Result {
    let plain = ticks_of(&call(cast::b_without_a_site));
    tell_call(
        "not-hooked",
        more_than(plain, &call(cast::b), "a site that is not hooked")?,
    );
    Ok(())
}

/// An ops that does nothing.
fn trivial(flags: OpsFlags) -> FtraceOps {
    FtraceOps::new("bench", ftrace_stub, flags)
}

/// A graph tracer that does nothing.
fn graph() -> FtraceOps {
    static GRAPH: GraphOps = GraphOps {
        entry: |_| 0,
        exit: |_, _| {},
    };
    GraphTracer::ops(&GRAPH)
}

/// Runs `body` while `ops` is on these sites.
fn hooked(sites: &[Site], ops: FtraceOps, body: impl FnOnce() -> ktest::Result) -> ktest::Result {
    let ops = Arc::new(ops);
    let fail = |error: ftrace::FtraceError| error.to_string();
    let pairs: Vec<_> = sites.iter().map(|site| (site, &ops)).collect();
    ftrace::register_all(&pairs, Place::Last).map_err(fail)?;
    let result = body();
    ftrace::unregister_all(&pairs).map_err(fail)?;
    reap();
    result
}

fn ops(name: &str, ops: FtraceOps) -> ktest::Result {
    let plain = ticks_of(&call(cast::b));
    hooked(&[site_of(cast::b as *const () as usize)?], ops, || {
        tell_call(&format!("ops/{name}"), more_than(plain, &call(cast::b), name)?);
        Ok(())
    })
}

/// Runs `body` while a tracer is on B.
fn with_tracer(tracer: Tracer, body: impl FnOnce() -> ktest::Result) -> ktest::Result {
    let fail = |error: TraceError| error.to_string();
    let b = site_of(cast::b as *const () as usize)?.name();
    trace::change_filter(Change::Replace, &b).map_err(fail)?;
    trace::set_tracer(tracer).map_err(fail)?;
    let result = body();
    trace::set_tracer(Tracer::Nop).map_err(fail)?;
    trace::change_filter(Change::Replace, "").map_err(fail)?;
    result
}

/// Events into the ring.
fn traced(tracer: Tracer) -> ktest::Result {
    let plain = ticks_of(&call(cast::b));
    with_tracer(tracer, || {
        let instructions = more_than(plain, &call(cast::b), tracer.name())?;
        tell_call(&format!("traced/{tracer}"), instructions);
        Ok(())
    })
}

fn patched_and_traced() -> ktest::Result {
    let plain = ticks_of(&call(cast::b));
    enable_and_settle(patch("bench", Vec::from([of_b()?])))?;
    let measured = with_tracer(Tracer::Function, || {
        let instructions = more_than(plain, &call(cast::b), "patched and traced")?;
        ensure_eq!(answer(), 3, "what the patched and traced function answered");
        tell_call("patched-and-traced/function", instructions);
        Ok(())
    });
    disable_and_settle("bench")?;
    measured
}

fn enable_and_settle(patch: KlpPatch) -> ktest::Result {
    enable(patch).map_err(|error| error.to_string())?;
    settle();
    Ok(())
}

fn disable_and_settle(name: &str) -> ktest::Result {
    disable(name).map_err(|error| error.to_string())?;
    settle();
    reap();
    Ok(())
}

/// Instructions of a call of B while the patch, of B and of others, is enabled and all threads have moved.
fn settled(patch: KlpPatch, what: &str) -> Result<u64, String> {
    let name = patch.name.clone();
    let plain = ticks_of(&call(cast::b));
    enable_and_settle(patch)?;
    let instructions = more_than(plain, &call(cast::b), what);
    let answered = answer();
    disable_and_settle(&name)?;
    ensure_eq!(answered, 3, "{what}: what the patched function answered");
    instructions
}

/// B patched, and as many others as make up `count`.
fn patched(design: ReturnDesign, count: &str, others: Vec<KlpFunc>) -> ktest::Result {
    let funcs = [of_b()?].into_iter().chain(others).collect();
    let what = format!("patched/{design}/{count}");
    tell_call(&what, settled(patch("bench", funcs).under(design), &what)?);
    Ok(())
}

/// B patched, while a thread sleeps in another function of the same patch.
fn pending(design: ReturnDesign) -> ktest::Result {
    let what = format!("pending/{design}");
    let waits = cast::func(cast::b_waits as *const () as usize, cast::c as *const () as usize)?;
    GATE.close();
    let sleeper = thread::spawn("sleeper", || black_box(cast::b_waits as Function)(1));
    GATE.wait_for(sleeper.thread());
    let plain = ticks_of(&call(cast::b));
    let patch = patch("bench", Vec::from([of_b()?, waits])).under(design);
    let enabled = enable(patch).map_err(|error| error.to_string());
    let is_pending = is_in_transition();
    let instructions = more_than(plain, &call(cast::b), &what);
    let answered = answer();
    GATE.open();
    sleeper.join().map_err(|outcome| outcome.to_string())?;
    enabled?;
    settle();
    disable_and_settle("bench")?;
    ensure!(is_pending, "{what}: nobody was waited for");
    ensure_eq!(answered, 3, "{what}: what the patched function answered");
    tell_call(&what, instructions?);
    Ok(())
}

/// Hooks every function that is not the bench's own.
fn with_all_hooked(body: impl FnOnce() -> ktest::Result) -> ktest::Result {
    hooked(&super::hooks::all_sites(), trivial(OpsFlags::empty()), body)
}

/// B patched, with an ops on it besides.
fn with_ops_as_well(name: &str, ops: FtraceOps) -> ktest::Result {
    let what = format!("patched-and-ops/{name}");
    let plain = ticks_of(&call(cast::b));
    enable_and_settle(patch("bench", Vec::from([of_b()?])))?;
    let measured = hooked(&[site_of(cast::b as *const () as usize)?], ops, || {
        let instructions = more_than(plain, &call(cast::b), &what)?;
        ensure_eq!(answer(), 3, "{what}: what the patched function answered");
        tell_call(&what, instructions);
        Ok(())
    });
    disable_and_settle("bench")?;
    measured
}

/// The second of two patches wins.
fn second() -> Result<KlpPatch, String> {
    let func = cast::func(
        cast::b as *const () as usize,
        cast::c_second as *const () as usize,
    )?;
    Ok(patch("second", Vec::from([func])))
}

/// B patched by the second of two patches, which `replaces` the first or not.
fn twice(what: &str, replace: bool) -> ktest::Result {
    let plain = ticks_of(&call(cast::b));
    enable_and_settle(patch("bench", Vec::from([of_b()?])))?;
    enable_and_settle(KlpPatch { replace, ..second()? })?;
    let instructions = more_than(plain, &call(cast::b), what);
    let answered = answer();
    disable_and_settle("second")?;
    if !replace {
        disable_and_settle("bench")?;
    }
    ensure_eq!(answered, 4, "{what}: what the patched function answered");
    tell_call(what, instructions?);
    Ok(())
}

fn two_stacked() -> ktest::Result {
    twice("stacked", false)
}

fn replaced() -> ktest::Result {
    twice("replaced", true)
}

/// A function with arguments on the stack, under the default design.
fn ten_arguments() -> ktest::Result {
    let function = black_box(cast::b_ten as Ten);
    let answer = || function(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    let call = || {
        black_box(answer());
    };
    let plain = ticks_of(&call);
    let func = cast::func(
        cast::b_ten as *const () as usize,
        cast::c_ten as *const () as usize,
    )?;
    enable_and_settle(patch("bench", Vec::from([func])))?;
    let instructions = more_than(plain, &call, "ten arguments");
    let answered = answer();
    disable_and_settle("bench")?;
    ensure_eq!(
        answered,
        35,
        "what the patched function of ten arguments answered"
    );
    tell_call("ten-arguments", instructions?);
    Ok(())
}

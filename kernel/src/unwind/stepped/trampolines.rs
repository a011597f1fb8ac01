//! Every trampoline under every design, from A's call of B to the instruction behind it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::livepatch::ReturnDesign;

use super::{Stepped, must_be_exact, run_stepped, run_stepped_with, without_helpers};
use crate::ftrace::{self, FtraceOps, FtraceRegs, GraphOps, GraphTracer, OpsFlags, Place, Site};
use crate::livepatch::{self, KlpPatch, Route, find_function};
use crate::sync::{IrqLock, Rank};
use crate::unwind::{Frame, Kind, here};
use crate::{ensure, ktest, symbols};

static EVENTS: AtomicU64 = AtomicU64::new(0);

fn note(_: u64) {
    EVENTS.store(EVENTS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

static GRAPH: GraphOps = GraphOps {
    entry: |site| {
        note(site);
        0
    },
    exit: |site, _| note(site),
};

#[inline(never)]
extern "C" fn b(argument: u64) -> u64 {
    note(0);
    argument + 1
}

/// Calls something, and leaves the trace of itself behind when an interrupt's handler has called it.
#[inline(never)]
extern "C" fn c(argument: u64) -> u64 {
    note(0);
    if IN_HANDLER.load(Ordering::Relaxed) {
        let mut trace = here();
        let frames: Vec<Frame> = trace.by_ref().collect();
        *FOUND.lock() = Some(
            trace
                .check()
                .map(|()| frames)
                .map_err(|reason| reason.to_string()),
        );
    }
    black_box(leaf as extern "C" fn(u64) -> u64)(argument) + 2
}

#[inline(never)]
extern "C" fn leaf(argument: u64) -> u64 {
    EVENTS.load(Ordering::Relaxed) ^ argument
}

/// Calls the patched function twice, once in a nested call.
#[inline(never)]
fn a() {
    black_box(b(black_box(b(black_box(1)))));
}

const B: &str = "kernel::unwind::stepped::trampolines::b";
const LEAF: &str = "kernel::unwind::stepped::trampolines::leaf";

/// The probe calls A, and C is to find out who is on the stack.
static IN_HANDLER: AtomicBool = AtomicBool::new(false);
/// What C found.
static FOUND: IrqLock<Option<Result<Vec<Frame>, String>>> = IrqLock::new(Rank::Case, None);

/// What an interrupt does at each stop: the same call. C must find the interrupted thread's true trace, behind the exception.
fn call_in_handler(truth: &[u64]) -> Result<(), String> {
    IN_HANDLER.store(true, Ordering::Relaxed);
    a();
    IN_HANDLER.store(false, Ordering::Relaxed);
    let found = FOUND.lock().take().ok_or("C was not called")??;
    let is_interrupted = |frame: &Frame| matches!(frame.kind, Kind::Interrupted { .. });
    let first = found
        .iter()
        .position(is_interrupted)
        .ok_or("there is no exception")?;
    if without_helpers(&found[first..]).eq(truth.iter().copied()) {
        Ok(())
    } else {
        Err(format!(
            "from C in a handler: {found:#x?}, the truth is {truth:#x?}"
        ))
    }
}

fn site_of(function: &str) -> Result<Site, String> {
    let found = find_function(None, function, 0).map_err(|error| error.to_string())?;
    found.site.ok_or_else(|| format!("{function} has no site"))
}

/// Hooks, and a patch of B, which go when this does.
struct Patched {
    design: Option<ReturnDesign>,
    ops: Vec<(Site, Arc<FtraceOps>)>,
}

impl Patched {
    fn new(design: Option<ReturnDesign>, ops: Vec<(&str, FtraceOps)>) -> Result<Patched, String> {
        let mut patched = Patched {
            design: None,
            ops: Vec::new(),
        };
        for (function, ops) in ops {
            let (site, ops) = (site_of(function)?, Arc::new(ops));
            ftrace::register(&site, &ops, Place::First).map_err(|error| error.to_string())?;
            patched.ops.push((site, ops));
        }
        if let Some(design) = design {
            let patch = KlpPatch::of_kernel("stepped", &[(B, c as *const () as u64)]).under(design);
            livepatch::enable(patch).map_err(|error| error.to_string())?;
            livepatch::settle();
            patched.design = Some(design);
        }
        Ok(patched)
    }
}

impl Drop for Patched {
    fn drop(&mut self) {
        if self.design.is_some() {
            // The next case finds out where something is left.
            let _ = livepatch::disable("stepped");
            livepatch::settle();
        }
        for (site, ops) in &self.ops {
            let _ = ftrace::unregister(site, ops);
        }
    }
}

/// Steps through calls of B with these ops on its hook, and patched under `design`.
fn patched(design: Option<ReturnDesign>, ops: Vec<FtraceOps>) -> Result<Stepped, String> {
    let _patched = Patched::new(design, ops.into_iter().map(|ops| (B, ops)).collect())?;
    run_stepped(a)
}

/// An ops that calls something itself.
extern "C" fn watch(site: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    black_box(leaf as extern "C" fn(u64) -> u64)(site ^ regs.lr);
}

fn watching(flags: OpsFlags) -> FtraceOps {
    FtraceOps::new("watch", watch, flags)
}

ktest! {
    fn one_ops() {
        must_be_exact("ftrace_one_caller", &patched(None, [watching(OpsFlags::empty())].into())?)?;
        must_be_exact("ftrace_regs_one_caller", &patched(None, [watching(OpsFlags::SAVE_REGS)].into())?)
    }

    fn two_ops() {
        let two = |flags| [watching(flags), watching(OpsFlags::empty())].into();
        must_be_exact("ftrace_caller", &patched(None, two(OpsFlags::empty()))?)?;
        must_be_exact("ftrace_regs_caller", &patched(None, two(OpsFlags::SAVE_REGS))?)
    }

    fn return_to_handler() {
        must_be_exact("return_to_handler", &patched(None, [GraphTracer::ops(&GRAPH)].into())?)
    }

    /// An ops calls a hooked function: the trampoline counts it and goes on.
    fn recursion_that_is_missed() {
        for flags in [OpsFlags::empty(), OpsFlags::SAVE_REGS] {
            let ops = [(B, watching(flags)), (LEAF, watching(flags))];
            let _patched = Patched::new(None, ops.into())?;
            let was_there = Arc::new(AtomicBool::new(false));
            let seen = was_there.clone();
            let result = run_stepped_with(a, move |truth| {
                symbols::resolve(truth[0], &mut |location| {
                    if location.name == "ftrace_recursion" {
                        seen.store(true, Ordering::Relaxed);
                    }
                });
                Ok(())
            });
            must_be_exact("ftrace_recursion", &result?)?;
            ensure!(was_there.load(Ordering::Relaxed), "nothing was missed");
        }
        Ok(())
    }

    fn every_design() {
        for design in ReturnDesign::for_kernel() {
            must_be_exact(design.name(), &patched(Some(design), Vec::new())?)?;
            must_be_exact(&format!("{design}, all registers"), &patched(Some(design), [watching(OpsFlags::SAVE_REGS)].into())?)?;
            must_be_exact(&format!("{design}, graph"), &patched(Some(design), [GraphTracer::ops(&GRAPH)].into())?)?;
            let both = [GraphTracer::ops(&GRAPH), watching(OpsFlags::SAVE_REGS)];
            must_be_exact(&format!("{design}, graph, all registers"), &patched(Some(design), both.into())?)?;
        }
        Ok(())
    }

    fn every_route_of_return_stack() {
        let design = ReturnDesign::ReturnStack;
        for result in Route::each(|route| must_be_exact(&format!("{design}, {route}"), &patched(Some(design), Vec::new())?)) {
            result?;
        }
        for result in Route::each(|route| {
            let _patched = Patched::new(Some(design), Vec::new())?;
            let what = format!("{design}, {route}, an interrupt at each instruction");
            must_be_exact(&what, &run_stepped_with(a, call_in_handler)?)
        }) {
            result?;
        }
        Ok(())
    }

    /// At every instruction an interrupt comes, whose handler calls the patched function too.
    fn every_design_under_interrupts() {
        for design in ReturnDesign::for_kernel() {
            let _patched = Patched::new(Some(design), Vec::new())?;
            let what = format!("{design}, an interrupt at each instruction");
            must_be_exact(&what, &run_stepped_with(a, call_in_handler)?)?;
        }
        Ok(())
    }

    fn the_kernels_own_code() {
        let result = run_stepped(|| {
            let mut text = heapless::String::<512>::new();
            let symbol = "_RNvNtNtCsjJU0to1Eb4F_6kernel6unwind7stepped20the_kernels_own_code";
            // What does not fit is cut off: it is not looked at.
            let _ = write!(text, "{:#} {:#?} {:>8.3x}", rustc_demangle::demangle(symbol), Some([1u8, 2]), 0xabcdu64);
            let mut numbers: [u64; 32] = core::array::from_fn(|i| i as u64 * 7919 % 31);
            numbers.sort_unstable();
            black_box((text, numbers));
        })?;
        must_be_exact("formatting and sorting", &result)
    }
}

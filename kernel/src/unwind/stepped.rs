//! Cases: at every single instruction the trace is compared with the true one, which is kept by watching calls and returns.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::entry::ExceptionFrame;
use arch::image;
use arch::livepatch::ReturnDesign;

use super::{Frame, Kind, Reason, here, trace_from};
use crate::ftrace::{self, FtraceOps, FtraceRegs, GraphOps, GraphTracer, OpsFlags, Place};
use crate::livepatch::{self, KlpPatch, find_function};
use crate::matrix::subjects::Seen;
use crate::matrix::{Language, Stage};
use crate::thread::Builder;
use crate::{ensure, ktest, println, step};

/// What a stepped run may take, in ticks of the timebase: 60 s.
const TIME_LIMIT: u64 = 60 * arch::time::TICKS_PER_SECOND;

/// Keeps the true trace of a stepped thread.
#[derive(Default)]
struct Witness {
    /// Return addresses of the calls that were seen, the innermost last.
    calls: Vec<u64>,
    /// Return addresses above the function in which stepping began.
    outer: Vec<u64>,
    /// The instruction at the last stop.
    last: Option<u64>,
}

#[allow(unsafe_code, reason = "reads the instruction that was executed")]
fn word_at(address: u64) -> u32 {
    // SAFETY: the stepped thread has executed it.
    unsafe { arch::text::read_word(address) }
}

/// Whether an address is one that a return design puts in the place of A's.
fn is_helper(address: u64) -> bool {
    let helpers = ReturnDesign::ALL.into_iter().filter_map(ReturnDesign::helper);
    address == arch::ftrace::return_to_handler_entry() || helpers.into_iter().any(|helper| helper == address)
}

impl Witness {
    /// Takes notice of the instruction that was executed since the last stop.
    fn saw(&mut self, nip: u64) {
        let Some(last) = self.last.replace(nip) else {
            return;
        };
        let word = word_at(last);
        let went_on = nip == last + 4;
        if arch::unwind::is_call(word) {
            // A site of the classic shape calls its stub, but that does not come back.
            if !went_on && !image::stub_area().contains(&nip) {
                self.calls.push(last + 4);
            }
        } else if word >> 26 == 19 && word >> 1 & 0x3ff == 16 && !went_on {
            // C returns to a helper, and the helper to A.
            if self.calls.last() == Some(&nip) {
                self.calls.pop();
            }
        }
    }

    /// The true addresses: where the thread is, and all return addresses, without those of helpers.
    fn truth(&self, nip: u64) -> impl Iterator<Item = u64> {
        let calls = self.calls.iter().rev().chain(&self.outer).copied();
        core::iter::once(nip).chain(calls.filter(|address| !is_helper(*address)))
    }
}

/// What came out of a stepped run.
#[derive(Debug, Default)]
struct Result {
    stops: u64,
    frames: u64,
    /// Stops at which the trace was not reliable, and the first of them.
    doubts: u64,
    first_doubt: Option<(u64, Reason)>,
    /// The first stop at which a trace was called reliable and was not the true one.
    mismatch: Option<String>,
}

/// Compares, at one stop.
fn compare(witness: &Witness, frame: &ExceptionFrame, result: &mut Result) {
    result.stops += 1;
    let mut trace = trace_from(frame);
    let found: Vec<Frame> = trace.by_ref().collect();
    // From here, through the exception's frame, it is the same.
    let is_interrupted = |frame: &Frame| matches!(frame.kind, Kind::Interrupted { .. });
    let same = here()
        .skip_while(|frame| !is_interrupted(frame))
        .eq(found.iter().copied());
    if !same {
        let text = format!("at {:#x}: not the same through the exception's frame", frame.nip);
        result.mismatch.get_or_insert(text);
    }
    result.frames += found.len() as u64;
    if let Err(reason) = trace.check() {
        result.doubts += 1;
        result.first_doubt.get_or_insert((frame.nip, reason));
        return;
    }
    // Where the thread is may be a helper's first instruction: only return addresses are left out.
    let innermost = found.iter().take(1).map(|frame| frame.address);
    let callers = found
        .iter()
        .skip(1)
        .map(|frame| frame.address)
        .filter(|address| !is_helper(*address));
    let addresses = innermost.chain(callers);
    if result.mismatch.is_none() && !addresses.eq(witness.truth(frame.nip)) {
        let found: Vec<u64> = found.iter().map(|frame| frame.address).collect();
        let truth: Vec<u64> = witness.truth(frame.nip).collect();
        result.mismatch = Some(format!(
            "at {:#x}: found {found:#x?}, the truth is {truth:#x?}",
            frame.nip
        ));
    }
}

/// Runs `body` instruction by instruction.
fn run_stepped(body: impl FnOnce() + Send + 'static) -> core::result::Result<Result, String> {
    let thread = Builder::new("stepped").time_limit(TIME_LIMIT).spawn(move || {
        let mut witness = Witness::default();
        let mut result = Result::default();
        let mut observer = |frame: &mut ExceptionFrame| {
            if witness.last.is_none() {
                let callers: Vec<Frame> = trace_from(frame).collect();
                witness.outer = callers.iter().skip(1).map(|frame| frame.address).collect();
            }
            witness.saw(frame.nip);
            compare(&witness, frame, &mut result);
        };
        step::run(&mut observer, body);
        result
    });
    thread.join().map_err(|outcome| outcome.to_string())
}

/// Fails unless every stop had a reliable trace, the true one.
fn must_be_exact(what: &str, result: &Result) -> ktest::Result {
    println!(
        "# {what}: {} stops, {} frames, {} not reliable",
        result.stops, result.frames, result.doubts
    );
    if let Some(mismatch) = &result.mismatch {
        return Err(format!("{what}: {mismatch}"));
    }
    if let Some((nip, reason)) = result.first_doubt {
        let place = crate::symbols::Symbolized(nip);
        return Err(format!(
            "{what}: {} stops were not reliable, first {place}: {reason}",
            result.doubts
        ));
    }
    ensure!(result.stops > 30, "{what}: only {} stops", result.stops);
    Ok(())
}

static EVENTS: AtomicU64 = AtomicU64::new(0);

fn note(_: u64) {
    EVENTS.store(EVENTS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

static GRAPH: GraphOps = GraphOps {
    entry: note,
    exit: note,
};

#[inline(never)]
extern "C" fn b(argument: u64) -> u64 {
    note(0);
    argument + 1
}

#[inline(never)]
extern "C" fn c(argument: u64) -> u64 {
    note(0);
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

const B: &str = "kernel::unwind::stepped::b";

/// Steps through calls of B with these ops on its hook, and patched under `design`.
fn patched(design: Option<ReturnDesign>, ops: Vec<FtraceOps>) -> core::result::Result<Result, String> {
    let site = find_function(None, B, 0)
        .map_err(|error| error.to_string())?
        .site
        .ok_or("B has no site")?;
    let ops: Vec<Arc<FtraceOps>> = ops.into_iter().map(Arc::new).collect();
    for ops in &ops {
        ftrace::register(&site, ops, Place::First).map_err(|error| error.to_string())?;
    }
    if let Some(design) = design {
        let patch = KlpPatch::of_kernel("stepped", &[(B, c as *const () as u64)]).under(design);
        livepatch::enable(patch).map_err(|error| error.to_string())?;
    }
    let result = run_stepped(a);
    // Whatever came out, the next case finds everything as it was.
    if design.is_some() {
        livepatch::disable("stepped").map_err(|error| error.to_string())?;
    }
    for ops in &ops {
        ftrace::unregister(&site, ops).map_err(|error| error.to_string())?;
    }
    result
}

/// An ops that calls something itself. No load-and-reserve loop is in it: nobody could step through one.
extern "C" fn watch(site: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    black_box(leaf as extern "C" fn(u64) -> u64)(site ^ regs.lr);
}

fn watching(flags: OpsFlags) -> FtraceOps {
    FtraceOps::new("watch", watch, flags)
}

ktest! {
    fn ftrace_caller() {
        must_be_exact("ftrace_caller", &patched(None, [watching(OpsFlags::empty())].into())?)
    }

    fn ftrace_regs_caller() {
        must_be_exact("ftrace_regs_caller", &patched(None, [watching(OpsFlags::SAVE_REGS)].into())?)
    }

    fn return_to_handler() {
        must_be_exact("return_to_handler", &patched(None, [GraphTracer::ops(&GRAPH)].into())?)
    }

    fn none() {
        must_be_exact("none", &patched(Some(ReturnDesign::None), Vec::new())?)
    }

    fn mini_frame() {
        must_be_exact("mini-frame", &patched(Some(ReturnDesign::MiniFrame), Vec::new())?)
    }

    fn return_stack() {
        must_be_exact("return-stack", &patched(Some(ReturnDesign::ReturnStack), Vec::new())?)
    }

    fn return_stack_behind_full_registers() {
        must_be_exact("return-stack, all registers", &patched(Some(ReturnDesign::ReturnStack), [watching(OpsFlags::SAVE_REGS)].into())?)
    }

    fn return_stack_with_graph_tracer() {
        must_be_exact("return-stack, graph", &patched(Some(ReturnDesign::ReturnStack), [GraphTracer::ops(&GRAPH)].into())?)
    }

    fn return_stack_in_every_shape_of_call() {
        const SHAPES: [&[&str]; 7] = [
            &["local"], &["no_toc"], &["leaf"], &["non_leaf"], &["recursion_10"], &["sibling"], &["chain_1", "chain_2", "chain_3"],
        ];
        for language in [Language::Rust, Language::C] {
            for ids in SHAPES {
                let stage = Stage::new(language, ReturnDesign::ReturnStack)?;
                stage.enable(ids)?;
                let a = stage.a(ids[0])?;
                let result = run_stepped(move || a(&mut Seen::default()))?;
                must_be_exact(&format!("{language:?}, {}", ids[0]), &result)?;
            }
        }
        Ok(())
    }

    fn every_design() {
        for design in ReturnDesign::for_kernel() {
            must_be_exact(design.name(), &patched(Some(design), Vec::new())?)?;
            must_be_exact(&format!("{design}, all registers"), &patched(Some(design), [watching(OpsFlags::SAVE_REGS)].into())?)?;
            must_be_exact(&format!("{design}, graph"), &patched(Some(design), [GraphTracer::ops(&GRAPH)].into())?)?;
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

//! What one patched call costs: guest instructions more than the same call unpatched, and bytes of stacks.
//!
//! The same loop of calls is timed with B as it is and with B hooked, with interrupts off; what differs is the call's. A
//! machine that lets time pass by instructions (`clock`) makes that exact: what is not a whole number of instructions a
//! call, or not the same the second time, is an error. On any other machine nothing is said of instructions.
//!
//! B and C are a nop and a return each, and both are the kernel's: the designs do the same wherever C is.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;
use core::mem::size_of;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::abi::FRAME_HEADER_SIZE;
use arch::interrupts;
use arch::livepatch::{LivepatchRecord, ReturnDesign, ReturnRecord};
use arch::time::timebase;

use super::clock::InstructionClock;
use crate::ftrace::{self, FtraceOps, FtraceRegs, OpsFlags, Place};
use crate::livepatch::{self, KlpPatch, Route, find_function};
use crate::sync::{IrqLock, Rank};
use crate::{ensure, ensure_eq, ktest, logging, thread};

/// What a return design costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DesignCost {
    pub(super) design: ReturnDesign,
    /// Instructions of a patched call more than unpatched; `None` where nobody counts them.
    pub(super) instructions: Option<u64>,
    pub(super) bytes: Bytes,
}

/// Bytes in use while C runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Of A's stack, between A's frame and C's.
    pub(super) stack: u64,
    /// Of a stack of the design's own.
    pub(super) record: u64,
}

/// What a hook costs that is no live patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallCost {
    pub(super) hooked: &'static str,
    pub(super) instructions: Option<u64>,
}

static DESIGNS: IrqLock<Vec<DesignCost>> = IrqLock::new(Rank::Case, Vec::new());
static CALLS: IrqLock<Vec<CallCost>> = IrqLock::new(Rank::Case, Vec::new());

/// What was measured of the designs in this boot.
pub(super) fn designs() -> Vec<DesignCost> {
    DESIGNS.lock().clone()
}

/// What was measured of other hooks in this boot.
pub(super) fn calls() -> Vec<CallCost> {
    CALLS.lock().clone()
}

type Function = extern "C" fn(u64) -> u64;

/// B of the calls that are counted.
#[inline(never)]
extern "C" fn b_counted(one: u64) -> u64 {
    one
}

/// C of the calls that are counted.
#[inline(never)]
extern "C" fn c_counted(one: u64) -> u64 {
    one
}

/// B, had it no site.
#[inline(never)]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
extern "C" fn b_without_a_site(one: u64) -> u64 {
    one
}

/// Calls in a measurement: with interrupts off, so not too many.
const CALLS_A_LOOP: u64 = 1000;

/// Ticks that the calls take, and the loop around them.
#[inline(never)]
fn time_of_calls(function: Function) -> u64 {
    let function = black_box(function);
    interrupts::without(|| {
        let start = timebase();
        for _ in 0..CALLS_A_LOOP {
            black_box(function(1));
        }
        timebase() - start
    })
}

/// Instructions of a call of `hooked` as it is now, more than `plain` ticks for all calls; `None` where nobody counts.
fn count(hooked: Function, plain: u64, what: &dyn core::fmt::Display) -> Result<Option<u64>, String> {
    let Some(clock) = InstructionClock::get()? else {
        return Ok(None);
    };
    let once = || {
        let ticks = time_of_calls(hooked).saturating_sub(plain);
        clock.instructions(ticks, CALLS_A_LOOP).ok_or_else(|| {
            format!("{what}: {CALLS_A_LOOP} calls took {ticks} ticks more, so not all the same")
        })
    };
    let [first, second] = [once()?, once()?];
    ensure!(
        first == second,
        "{what}: {first} instructions a call, and {second} the second time"
    );
    Ok(Some(first))
}

/// Where a function finds its stacks.
#[derive(Default)]
struct Stacks {
    pointer: u64,
    records: [u64; 2],
}

#[inline(always)]
fn stacks() -> Stacks {
    let head = thread::current_head();
    Stacks {
        pointer: arch::abi::stack_pointer(),
        records: [&head.livepatch_sp, &head.return_sp].map(|pointer| pointer.load(Ordering::Relaxed)),
    }
}

/// B of the calls whose bytes are measured: notes where its stacks are.
#[inline(never)]
extern "C" fn b_measured(seen: &mut Stacks) {
    *seen = stacks();
}

/// C of the same calls. B's code, so its own frame is as large as B's.
#[inline(never)]
extern "C" fn c_measured(seen: &mut Stacks) {
    *seen = stacks();
}

/// B may have no TOC pointer, which caller-frame does not take on trust: but its caller is the kernel.
fn enable(b: &str, c: u64, design: ReturnDesign) -> Result<(), String> {
    let b = format!("kernel::matrix::cost::{b}");
    let patch = KlpPatch {
        unchecked: true,
        ..KlpPatch::of_kernel("cost", &[(&b, c)])
    };
    livepatch::enable(patch.under(design)).map_err(|error| error.to_string())
}

fn disable() -> Result<(), String> {
    livepatch::disable("cost").map_err(|error| error.to_string())
}

/// What is in use of the stacks while C runs, more than while B does.
fn bytes(design: ReturnDesign) -> Result<Bytes, String> {
    let [mut b, mut c] = <[Stacks; 2]>::default();
    let call = |seen: &mut Stacks| black_box(b_measured as extern "C" fn(&mut Stacks))(seen);
    call(&mut b);
    enable("b_measured", c_measured as *const () as u64, design)?;
    call(&mut c);
    disable()?;
    let records = b.records.iter().zip(c.records);
    Ok(Bytes {
        stack: b.pointer - c.pointer,
        record: records.map(|(b, c)| c - b).sum(),
    })
}

/// What the design's own structures say that it should take.
fn bytes_by_layout(design: ReturnDesign) -> Bytes {
    let (stack, record) = match design {
        ReturnDesign::None | ReturnDesign::CallerFrame => (0, 0),
        ReturnDesign::MiniFrame => (FRAME_HEADER_SIZE, 0),
        ReturnDesign::LivepatchStack => (0, size_of::<LivepatchRecord>()),
        ReturnDesign::ReturnStack => (0, size_of::<ReturnRecord>()),
    };
    Bytes {
        stack: stack as u64,
        record: record as u64,
    }
}

/// An ops that counts its calls.
extern "C" fn count_call(_: u64, _: u64, ops: &FtraceOps, _: &mut FtraceRegs) {
    ops.data.fetch_add(1, Ordering::Relaxed);
}

/// What an ops on B's hook costs.
fn with_ops(hooked: &'static str, ops: FtraceOps) -> Result<CallCost, String> {
    let plain = time_of_calls(b_counted);
    let site = find_function(None, "kernel::matrix::cost::b_counted", 0)
        .map_err(|error| error.to_string())?
        .site
        .ok_or("b_counted has no site")?;
    let ops = Arc::new(ops);
    ftrace::register(&site, &ops, Place::Last).map_err(|error| error.to_string())?;
    let instructions = count(b_counted, plain, &hooked);
    ftrace::unregister(&site, &ops).map_err(|error| error.to_string())?;
    Ok(CallCost {
        hooked,
        instructions: instructions?,
    })
}

ktest! {
    fn of_every_return_design() {
        let mut costs = Vec::new();
        for design in ReturnDesign::for_kernel() {
            let plain = time_of_calls(b_counted);
            enable("b_counted", c_counted as *const () as u64, design)?;
            let instructions = count(b_counted, plain, &design);
            disable()?;
            let bytes = bytes(design)?;
            ensure_eq!(bytes, bytes_by_layout(design), "bytes of stack under {design}");
            costs.push(DesignCost { design, instructions: instructions?, bytes });
        }
        *DESIGNS.lock() = costs;
        Ok(())
    }

    /// A transition makes calls go by a choice, and another ops on the hook sends them through a trampoline.
    fn of_return_stack_by_every_route() {
        let plain = time_of_calls(b_counted);
        let routes = [
            (Route::Choice, "a patch under return-stack that comes or goes"),
            (Route::Trampoline, "a patch under return-stack and somebody else"),
        ];
        for (route, hooked) in routes {
            route.during(|| enable("b_counted", c_counted as *const () as u64, ReturnDesign::ReturnStack))?;
            let instructions = count(b_counted, plain, &hooked);
            disable()?;
            CALLS.lock().push(CallCost { hooked, instructions: instructions? });
        }
        Ok(())
    }

    fn of_hooks_without_a_live_patch() {
        let no_site = time_of_calls(b_without_a_site);
        let unhooked = CallCost { hooked: "nobody: a site's nop", instructions: count(b_counted, no_site, &"a site")? };
        let stub = |flags| FtraceOps::new("cost", arch::ftrace::ftrace_stub, flags);
        let calls = [
            unhooked,
            with_ops("an ops that does nothing, arguments only", stub(OpsFlags::empty()))?,
            with_ops("an ops that does nothing, all registers", stub(OpsFlags::SAVE_REGS))?,
            with_ops("an ops that counts, arguments only", FtraceOps::new("cost", count_call, OpsFlags::empty()))?,
        ];
        CALLS.lock().extend(calls);
        Ok(())
    }
}

/// When the first case began, in ticks since the kernel started.
static FIRST_CASE: AtomicU64 = AtomicU64::new(0);

/// Notes that the cases begin.
pub fn first_case_begins() {
    FIRST_CASE.store(logging::uptime(), Ordering::Relaxed);
}

/// Instructions from the kernel's start to the first case, where they are counted.
pub(super) fn start() -> Option<u64> {
    let clock = InstructionClock::get().ok()??;
    Some(clock.estimate(FIRST_CASE.load(Ordering::Relaxed)))
}

//! What is done at a call: an event goes into the CPU's ring. Nothing here waits, allocates, panics or is hooked.
#![allow(
    unsafe_code,
    reason = "keeps itself out of all hooks, and finds the rings by their addresses"
)]

use alloc::boxed::Box;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use arch::cpu::MAXIMUM;
use arch::ftrace::{FtraceOps, FtraceRegs, OpsFlags};
use arch::interrupts;
use arch::time::timebase;
use kernel_core::trace::{Event, Kind, Ring};

use super::{TraceError, Tracer};
use crate::ftrace::{GraphOps, GraphTracer};
use crate::{cpu, thread};

/// Events that a CPU keeps: 128 KiB.
pub(super) const EVENTS: usize = 4096;

/// A ring for each CPU, from when a tracer is chosen first, for ever; null before.
static RINGS: [AtomicPtr<Ring<EVENTS>>; MAXIMUM] = [const { AtomicPtr::new(ptr::null_mut()) }; MAXIMUM];

/// Whether events are recorded: `tracing_on`, and nobody reads just now.
static IS_RECORDING: AtomicBool = AtomicBool::new(true);

/// Makes the rings, if there are none. One thread at a time does.
///
/// # Errors
/// There is no memory.
pub(super) fn make_rings() -> Result<(), TraceError> {
    for cpu in cpu::online() {
        if ring(cpu.number()).is_none() {
            let ring = Ring::new().ok_or(TraceError::NoMemory)?;
            RINGS[cpu.number()].store(Box::leak(Box::new(ring)), Ordering::Release);
        }
    }
    Ok(())
}

/// The ring of a CPU, if there is one. Who is called by a hook needs no order: the hook came later than the ring.
#[inline(always)]
fn ring(cpu: usize) -> Option<&'static Ring<EVENTS>> {
    let ring = RINGS.get(cpu)?.load(Ordering::Relaxed);
    // SAFETY: it is null, or was leaked.
    unsafe { ring.as_ref() }
}

/// The rings that there are, with the numbers of their CPUs. They stand still while [`quiet`] says so.
pub(super) fn rings() -> impl Iterator<Item = (usize, &'static Ring<EVENTS>)> + Clone {
    (0..MAXIMUM).filter_map(|cpu| Some((cpu, ring(cpu)?)))
}

/// Records, or not, from here on.
pub(super) fn set_recording(on: bool) {
    IS_RECORDING.store(on, Ordering::Release);
}

/// Runs `body` while nobody records; then `is_on` says whether there is recording again.
pub(super) fn quiet<R>(is_on: bool, body: impl FnOnce() -> R) -> R {
    set_recording(false);
    // Who is in the middle of an event has interrupts off, so when every CPU has answered there is nobody.
    cpu::synchronise();
    let result = body();
    set_recording(is_on);
    result
}

/// Interrupts are off so that the thread stays on the CPU, and no other writes between its words. It answers the event's time.
#[inline(always)]
fn record(kind: Kind, site: u64, other: u64) -> u64 {
    interrupts::without(|| {
        let time = timebase();
        if !IS_RECORDING.load(Ordering::Relaxed) {
            return time;
        }
        if let Some(ring) = ring(cpu::number()) {
            // The function itself has a record already, or still.
            let depth = match kind {
                Kind::Call => 0,
                _ => thread::current_graph_stack().map_or(0, |stack| stack.depth().wrapping_sub(1)),
            };
            ring.push(&Event {
                time,
                site,
                other,
                thread: thread::current_id(),
                depth: depth as u32,
                kind,
            });
        }
        time
    })
}

#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
extern "C" fn function_trace_call(site: u64, parent: u64, _: &FtraceOps, _: &mut FtraceRegs) {
    record(Kind::Call, site, parent);
}

#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
fn trace_graph_entry(site: u64) -> u64 {
    record(Kind::Entry, site, 0)
}

#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
fn trace_graph_return(site: u64, called: u64) {
    record(Kind::Return, site, called);
}

static GRAPH: GraphOps = GraphOps {
    entry: trace_graph_entry,
    exit: trace_graph_return,
};

/// What a tracer hooks functions with.
pub(super) fn ops(tracer: Tracer) -> Option<FtraceOps> {
    match tracer {
        Tracer::Nop => None,
        Tracer::Function => Some(FtraceOps::new(
            tracer.name(),
            function_trace_call,
            OpsFlags::LETS_GO,
        )),
        Tracer::FunctionGraph => Some(FtraceOps {
            name: tracer.name(),
            flags: OpsFlags::LETS_GO,
            ..GraphTracer::ops(&GRAPH)
        }),
    }
}

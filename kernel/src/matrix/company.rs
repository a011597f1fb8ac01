//! Situations in which C is not alone: tracers and other patches on the same hook, the scheduler, faults.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use super::players::CallA;
use super::stage::{MILLISECOND, PATCH, Stage, TIME_LIMIT, judge, run, take_away};
use super::subjects::{Seen, argument};
use super::{Outcome, Wrong};
use crate::ftrace::{self, FtraceOps, FtraceRegs, GraphOps, GraphTracer, OpsFlags, Place, Site};
use crate::situations::GATE;
use crate::thread::{self, Builder, JoinHandle};

type Cell = Result<Outcome, String>;

/// What was seen, one decimal digit an event.
static EVENTS: AtomicU64 = AtomicU64::new(0);

fn note(digit: u64) {
    EVENTS.store(EVENTS.load(Ordering::Relaxed) * 10 + digit, Ordering::Relaxed);
}

/// The site that the running cell's tracers must see; any other is an event of its own.
static SITE: AtomicU64 = AtomicU64::new(0);

fn note_at(site: u64, digit: u64) {
    note(if site == SITE.load(Ordering::Relaxed) {
        digit
    } else {
        9
    });
}

static GRAPH: GraphOps = GraphOps {
    entry: |site| {
        note_at(site, 1);
        0
    },
    exit: |site, _| note_at(site, 2),
};

extern "C" fn note_own_digit(site: u64, _: u64, ops: &FtraceOps, _: &mut FtraceRegs) {
    note_at(site, ops.data.load(Ordering::Relaxed));
}

/// Destroys the first argument and a register that only an ops with full registers gets to change.
extern "C" fn spoil(site: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    note_at(site, 1);
    regs.gpr[3] = 0;
    regs.cr = 0;
}

/// Puts the first argument back.
extern "C" fn mend(site: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    note_at(site, 2);
    regs.gpr[3] = argument(1);
}

/// The site of the cell's B; from here on the tracers' events are counted anew.
fn watched_site(stage: &Stage) -> Result<Site, String> {
    let site = stage.b("local")?.site.ok_or("B has no site")?;
    SITE.store(site.address, Ordering::Relaxed);
    EVENTS.store(0, Ordering::Relaxed);
    Ok(site)
}

/// Calls A while `ops` are on B's hook as well, each at its place; right if the call is and the tracers saw `events`.
fn call_with(stage: &Stage, ops: &[(FtraceOps, Place)], events: u64) -> Cell {
    let a = stage.a("local")?;
    let site = watched_site(stage)?;
    stage.enable(&["local"])?;
    let mut registered = alloc::vec::Vec::new();
    for (ops, place) in ops {
        let copy = FtraceOps::new(ops.name, ops.function, ops.flags);
        copy.data
            .store(ops.data.load(Ordering::Relaxed), Ordering::Relaxed);
        let ops = Arc::new(copy);
        ftrace::register(&site, &ops, *place).map_err(|error| error.to_string())?;
        registered.push(ops);
    }
    let outcome = stage.call(a);
    for ops in &registered {
        ftrace::unregister(&site, ops).map_err(|error| error.to_string())?;
    }
    let seen = EVENTS.load(Ordering::Relaxed);
    Ok(if outcome == Outcome::Right && seen != events {
        Outcome::Wrong(Wrong::Events)
    } else {
        outcome
    })
}

fn digit(digit: u64) -> FtraceOps {
    let ops = FtraceOps::new("digit", note_own_digit, OpsFlags::empty());
    ops.data.store(digit, Ordering::Relaxed);
    ops
}

/// The graph tracer on the same function: B begins once and ends once.
pub(super) fn graph(stage: &Stage) -> Cell {
    let before = call_with(stage, &[(GraphTracer::ops(&GRAPH), Place::First)], 12)?;
    stage.disable()?;
    let after = call_with(stage, &[(GraphTracer::ops(&GRAPH), Place::Last)], 12)?;
    Ok(if before == Outcome::Right { after } else { before })
}

/// One ops before the live patch and one after it, on the same hook.
pub(super) fn ops_around(stage: &Stage) -> Cell {
    call_with(stage, &[(digit(1), Place::First), (digit(2), Place::Last)], 12)
}

/// Ops with full registers: one spoils an argument, one puts it back, one changes the return address.
pub(super) fn full_registers(stage: &Stage) -> Cell {
    let full = |function| FtraceOps::new("full", function, OpsFlags::SAVE_REGS);
    let graph = GraphTracer::ops(&GRAPH);
    // First, First, Last: mend is called behind spoil, and the graph tracer, which replaces LR, last.
    call_with(
        stage,
        &[
            (full(mend), Place::First),
            (full(spoil), Place::First),
            (graph, Place::Last),
        ],
        1212,
    )
}

/// Starts A in a thread; returns when that sleeps in C.
fn start(a: CallA) -> JoinHandle<Seen> {
    GATE.close();
    let thread = Builder::new("A asleep in C")
        .time_limit(TIME_LIMIT)
        .spawn(move || {
            let mut seen = Seen::default();
            a(&mut seen);
            seen
        });
    GATE.wait_for(thread.thread());
    thread
}

/// The worse of two outcomes.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    if one == Outcome::Right { other } else { one }
}

/// C sleeps; meanwhile other threads make the same call, and sleep in C as well.
pub(super) fn sleeping(stage: &Stage) -> Cell {
    let a = stage.a("local")?;
    stage.enable_pairs(PATCH, &[("local", "sleeps")])?;
    let threads: [JoinHandle<Seen>; 4] = core::array::from_fn(|_| start(a));
    GATE.open();
    Ok(threads
        .map(|thread| judge(thread.join()))
        .into_iter()
        .fold(Outcome::Right, worse))
}

/// The patch is disabled while C sleeps: who is in C comes back as if it were not, who calls now gets B.
pub(super) fn disabled(stage: &Stage) -> Cell {
    let a = stage.a("local")?;
    stage.enable_pairs(PATCH, &[("local", "sleeps")])?;
    let asleep = start(a);
    stage.disable()?;
    GATE.open();
    Ok(judge(asleep.join()))
}

/// Another patch comes on top while C sleeps, and C's own goes.
pub(super) fn replaced(stage: &Stage) -> Cell {
    const OTHER: &str = "matrix-other";
    let a = stage.a("local")?;
    stage.enable_pairs(PATCH, &[("local", "sleeps")])?;
    let asleep = start(a);
    stage.enable_pairs(OTHER, &[("local", "local")])?;
    let other = stage.call(a);
    stage.disable()?;
    GATE.open();
    let asleep = judge(asleep.join());
    take_away(OTHER)?;
    Ok(worse(asleep, other))
}

/// Ends a thread inside C in a way of its own, and then makes the same call in another.
fn one_ends_another_calls(stage: &Stage, c: &str, ends_so: fn(&thread::Outcome) -> bool) -> Cell {
    let a = stage.a("local")?;
    stage.enable_pairs(PATCH, &[("local", c)])?;
    let first = Builder::new("A that ends in C")
        .time_limit(5 * MILLISECOND)
        .spawn(move || a(&mut Seen::default()))
        .join();
    stage.disable()?;
    if !first.is_err_and(|outcome| ends_so(&outcome)) {
        return Err(String::from("the thread did not end in C"));
    }
    stage.enable(&["local"])?;
    Ok(judge(run(move || {
        let mut seen = Seen::default();
        a(&mut seen);
        seen
    })))
}

/// C faults, and its thread is ended there.
pub(super) fn faulting(stage: &Stage) -> Cell {
    one_ends_another_calls(
        stage,
        "faults",
        |outcome| matches!(outcome, thread::Outcome::Faulted(fault) if fault.what == "trap"),
    )
}

/// C does not come back, and its thread is ended from outside.
pub(super) fn ended(stage: &Stage) -> Cell {
    one_ends_another_calls(stage, "spins", |outcome| {
        matches!(outcome, thread::Outcome::OutOfTime { .. })
    })
}

//! Threads that are somewhere deep in calls, so that there is something to spoil.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use arch::livepatch::ReturnDesign;

use crate::ftrace::{self, FtraceOps, GraphOps, GraphTracer, Place, Site};
use crate::livepatch::{self, KlpPatch, find_function};
use crate::thread::{Builder, JoinHandle, State, WaitQueue, sleep};

static GATE: WaitQueue = WaitQueue::new();
static OPEN: AtomicBool = AtomicBool::new(false);
static IS_SPINNING: AtomicBool = AtomicBool::new(false);

/// How the thread comes to stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It waits.
    Asleep,
    /// It spins, and the timer's interrupt has taken the CPU from it.
    Preempted,
}

/// How one function calls the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    /// The callee is patched under this design.
    Patched(ReturnDesign),
    /// The callee is hooked by the graph tracer.
    Graph,
}

/// How deep the calls of the function that is patched are nested.
const DEPTH: u64 = 3;

const B: &str = "kernel::unwind::corrupt::subject::b";

#[inline(never)]
extern "C" fn b(depth: u64) -> u64 {
    black_box(descend as fn(u64) -> u64)(depth) + 1
}

/// In the place of B.
extern "C" fn c(depth: u64) -> u64 {
    black_box(descend as fn(u64) -> u64)(depth) + 1
}

/// Calls B until it is deep enough, and rests there.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    match depth & 0xff {
        0 if depth == 0 => GATE.wait_until(|| OPEN.load(Ordering::Relaxed)),
        0 => {
            while !OPEN.load(Ordering::Relaxed) {
                IS_SPINNING.store(true, Ordering::Relaxed);
            }
        }
        _ => return black_box(b as extern "C" fn(u64) -> u64)(depth - 1) + 1,
    }
    0
}

static GRAPH: GraphOps = GraphOps {
    entry: |_| 0,
    exit: |_, _| {},
};

/// A thread at rest, and how its calls are diverted. It goes on when this is dropped.
pub(super) struct Subject {
    pub(super) thread: Option<JoinHandle<u64>>,
    hook: Option<(Site, Arc<FtraceOps>)>,
    is_patched: bool,
}

impl Subject {
    pub(super) fn new(way: Way, rest: Rest) -> Result<Subject, String> {
        let mut subject = Subject {
            thread: None,
            hook: None,
            is_patched: false,
        };
        match way {
            Way::Plain => {}
            Way::Patched(design) => {
                let patch = KlpPatch::of_kernel("subject", &[(B, c as *const () as u64)]).under(design);
                livepatch::enable(patch).map_err(|error| error.to_string())?;
                livepatch::settle();
                subject.is_patched = true;
            }
            Way::Graph => {
                let site = find_function(None, B, 0).map_err(|error| error.to_string())?.site;
                let (site, ops) = (site.ok_or("B has no site")?, Arc::new(GraphTracer::ops(&GRAPH)));
                ftrace::register(&site, &ops, Place::First).map_err(|error| error.to_string())?;
                subject.hook = Some((site, ops));
            }
        }
        OPEN.store(false, Ordering::Relaxed);
        IS_SPINNING.store(false, Ordering::Relaxed);
        let depth = DEPTH | if rest == Rest::Preempted { 0x100 } else { 0 };
        let thread = Builder::new("subject").spawn(move || descend(depth));
        let rests = || match rest {
            Rest::Asleep => thread.thread().state() == State::Blocked,
            Rest::Preempted => IS_SPINNING.load(Ordering::Relaxed),
        };
        while !rests() {
            sleep(arch::time::TICKS_PER_SECOND / 10_000);
        }
        subject.thread = Some(thread);
        Ok(subject)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        OPEN.store(true, Ordering::Relaxed);
        GATE.wake_all();
        if let Some(thread) = self.thread.take() {
            // What it answers is looked at nowhere: its stack was only read.
            let _ = thread.join();
        }
        if self.is_patched {
            // The next subject finds out where something is left.
            let _ = livepatch::disable("subject");
            livepatch::settle();
        }
        if let Some((site, ops)) = self.hook.take() {
            let _ = ftrace::unregister(&site, &ops);
        }
    }
}

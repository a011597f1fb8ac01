//! The graph tracer's hooks: an ops that sees a function begin, and makes it return through `return_to_handler` so that
//! its end is seen too. What a tracer does with it comes on top.

use alloc::boxed::Box;
use alloc::vec;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arch::barrier::compiler_barrier;
use arch::ftrace::{FtraceOps, FtraceRegs, OpsFlags, return_to_handler_entry};

use crate::thread;

/// How many functions a thread may be inside of that the tracer follows; deeper ones are not followed.
const DEPTH: usize = 64;

/// Who wants to see functions begin and end. Called on the calling thread, inside a trampoline: no lock, no allocation.
#[derive(Debug)]
pub struct GraphOps {
    /// A function begins; its site. Answers what is to be known when it returns.
    pub entry: fn(site: u64) -> u64,
    /// The function whose site this is returns; `note` is what `entry` has answered.
    pub exit: fn(site: u64, note: u64),
}

/// An ops for hooks that serves a [`GraphOps`].
#[derive(Debug)]
pub struct GraphTracer;

impl GraphTracer {
    /// The ops to register. `graph` is for ever: records of it may outlive the registration.
    pub fn ops(graph: &'static GraphOps) -> FtraceOps {
        let ops = FtraceOps::new("graph", ftrace_graph_caller, OpsFlags::empty());
        ops.data.store(graph as *const GraphOps as u64, Ordering::Relaxed);
        ops
    }
}

/// A function that was entered and has not returned.
#[derive(Debug, Default)]
struct Record {
    return_address: AtomicU64,
    site: AtomicU64,
    graph: AtomicU64,
    /// What the tracer has answered at the entry.
    note: AtomicU64,
    /// r1 of who called the function: for the unwinder. The record is complete when this is right.
    stack_pointer: AtomicU64,
}

/// A thread's functions that have not returned, the innermost last.
#[derive(Debug)]
pub struct GraphStack {
    records: Box<[Record]>,
    depth: AtomicUsize,
}

impl GraphStack {
    /// An empty stack.
    pub(crate) fn new() -> Self {
        let records = vec![(); DEPTH].into_iter().map(|()| Record::default()).collect();
        GraphStack {
            records,
            depth: AtomicUsize::new(0),
        }
    }

    /// Where the functions that have not returned will return to in the end.
    pub(crate) fn return_addresses(&self) -> impl Iterator<Item = u64> {
        let depth = self.depth.load(Ordering::Relaxed).min(self.records.len());
        self.records[..depth]
            .iter()
            .map(|record| record.return_address.load(Ordering::Relaxed))
    }

    /// How many records there are.
    #[inline(always)]
    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// The return address of a record, and r1 of who called the function.
    pub(crate) fn record(&self, index: usize) -> Option<(u64, u64)> {
        let record = self.records.get(index)?;
        let words = [&record.return_address, &record.stack_pointer].map(|word| word.load(Ordering::Relaxed));
        Some((words[0], words[1]))
    }

    /// Writes the records to another stack, addresses of frames as `moved` says: for who makes a copy of a thread's stack.
    pub(crate) fn copy_to(&self, other: &GraphStack, moved: impl Fn(u64) -> u64) {
        other.depth.store(self.depth(), Ordering::Relaxed);
        for (from, to) in self.records.iter().zip(&other.records) {
            let [return_address, stack_pointer] =
                [&from.return_address, &from.stack_pointer].map(|word| word.load(Ordering::Relaxed));
            to.return_address.store(return_address, Ordering::Relaxed);
            to.stack_pointer.store(moved(stack_pointer), Ordering::Relaxed);
        }
    }

    /// First the depth, then the record: an interrupt in between uses the room above. The stack pointer comes last, and none
    /// stands there before: a record that is half written belongs to no frame.
    #[inline(always)]
    fn push(&self, return_address: u64, site: u64, graph: u64, stack_pointer: u64) -> Option<&Record> {
        let depth = self.depth.load(Ordering::Relaxed);
        let record = self.records.get(depth)?;
        record.stack_pointer.store(0, Ordering::Relaxed);
        compiler_barrier();
        self.depth.store(depth + 1, Ordering::Relaxed);
        compiler_barrier();
        record.return_address.store(return_address, Ordering::Relaxed);
        record.site.store(site, Ordering::Relaxed);
        record.graph.store(graph, Ordering::Relaxed);
        compiler_barrier();
        record.stack_pointer.store(stack_pointer, Ordering::Relaxed);
        Some(record)
    }

    /// The newest record.
    #[inline(always)]
    fn newest(&self) -> Option<&Record> {
        let depth = self.depth.load(Ordering::Relaxed).checked_sub(1)?;
        self.records.get(depth)
    }

    /// Gives the newest record back, after everything else: an unwinder finds A through it.
    #[inline(always)]
    fn pop(&self) {
        compiler_barrier();
        let depth = self.depth.load(Ordering::Relaxed);
        self.depth.store(depth.saturating_sub(1), Ordering::Relaxed);
    }
}

/// Notes where the function returns to, and makes it return to `return_to_handler`.
#[allow(
    unsafe_code,
    reason = "reads the GraphOps through the ops' word, and keeps itself out of all hooks"
)]
#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
extern "C" fn ftrace_graph_caller(site: u64, _parent: u64, ops: &FtraceOps, regs: &mut FtraceRegs) {
    let data = ops.data.load(Ordering::Relaxed);
    let stack_pointer = regs.stack_pointer();
    let stack = thread::current_graph_stack();
    if let Some(record) = stack.and_then(|stack| stack.push(regs.lr, site, data, stack_pointer)) {
        regs.lr = return_to_handler_entry();
        // SAFETY: `GraphTracer::ops` has stored a `&'static GraphOps`.
        let graph = unsafe { &*(data as *const GraphOps) };
        record.note.store((graph.entry)(site), Ordering::Relaxed);
    }
}

/// The function returned: tells the tracer, and answers where it really returns to.
#[allow(unsafe_code, reason = "the upcall's symbol is declared in arch::upcalls")]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.notrace")]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
extern "C" fn ftrace_return_to_handler() -> u64 {
    let stack = thread::current_graph_stack();
    let Some(record) = stack.and_then(GraphStack::newest) else {
        // Nobody can have come here without a record; address 0 ends the thread at a place that says so.
        return 0;
    };
    let words = [&record.return_address, &record.site, &record.graph, &record.note];
    let [return_address, site, graph, note] = words.map(|word| word.load(Ordering::Relaxed));
    let head = thread::current_head();
    // Nobody else writes it, and who single-steps cannot get through a load-and-reserve loop.
    let depth = head.trace_depth.load(Ordering::Relaxed);
    head.trace_depth.store(1, Ordering::Relaxed);
    // SAFETY: `GraphTracer::ops` has stored a `&'static GraphOps`.
    let graph = unsafe { &*(graph as *const GraphOps) };
    (graph.exit)(site, note);
    head.trace_depth.store(depth, Ordering::Relaxed);
    if let Some(stack) = stack {
        stack.pop();
    }
    return_address
}

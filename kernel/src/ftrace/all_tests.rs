//! A case for all functions of the kernel, which come and go together while every CPU calls some.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::{text, time};

use super::{
    FtraceOps, FtraceRegs, OpsFlags, Place, Site, hook_count, reap, register_all, slots_in_use,
    traceable_kernel_sites, unregister_all,
};
use crate::cpu::{self, Cpu};
use crate::thread::{Builder, yield_now};
use crate::{ensure, ensure_eq, ktest, memory, println};

/// How often all are hooked and let go.
const CYCLES: usize = 4;
/// Calls of each CPU that are waited for while all are hooked.
const CALLS: u64 = 20;
/// How long they may take: 5 s.
const PATIENCE: u64 = 5 * time::TICKS_PER_SECOND;

#[inline(never)]
extern "C" fn twice(number: u64) -> u64 {
    core::hint::black_box(number) * 2
}

extern "C" fn count(_: u64, _: u64, ops: &FtraceOps, _: &mut FtraceRegs) {
    ops.data.fetch_add(1, Ordering::Relaxed);
}

/// What a CPU has called, and how often the answer was wrong.
#[derive(Default)]
struct Caller {
    calls: AtomicU64,
    wrong: AtomicU64,
}

fn call_on(caller: &Caller, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let number = caller.calls.fetch_add(1, Ordering::Relaxed);
        let answer = core::hint::black_box(twice as extern "C" fn(u64) -> u64)(number);
        // With the heap's functions, the scheduler's, and those that format.
        let text = format!("{answer}");
        let is_wrong = text != (2 * number).to_string();
        caller.wrong.fetch_add(is_wrong.into(), Ordering::Relaxed);
        yield_now();
    }
}

fn wait_for_calls(callers: &[Arc<Caller>]) -> Result<(), String> {
    let calls = || callers.iter().map(|caller| caller.calls.load(Ordering::Relaxed));
    let (first, start): (Vec<u64>, _) = (calls().collect(), time::timebase());
    while calls().zip(&first).any(|(now, first)| now < first + CALLS) {
        ensure!(
            time::timebase() - start < PATIENCE,
            "a CPU makes no calls: {first:?}"
        );
        yield_now();
    }
    Ok(())
}

/// Hooks all, and lets all go.
fn cycle(sites: &[Site], callers: &[Arc<Caller>]) -> Result<(), String> {
    for flags in [OpsFlags::empty(), OpsFlags::SAVE_REGS]
        .iter()
        .cycle()
        .take(CYCLES)
    {
        let ops = Arc::new(FtraceOps::new("count", count, *flags));
        let pairs: Vec<_> = sites.iter().map(|site| (site, &ops)).collect();
        register_all(&pairs, Place::Last).map_err(|error| error.to_string())?;
        ensure!(
            hook_count() >= sites.len(),
            "only {} functions are hooked",
            hook_count()
        );
        let waited = wait_for_calls(callers);
        unregister_all(&pairs).map_err(|error| error.to_string())?;
        waited?;
        let seen = ops.data.load(Ordering::Relaxed);
        ensure!(
            seen > CALLS * callers.len() as u64,
            "the ops has seen only {seen} calls"
        );
    }
    Ok(())
}

#[allow(unsafe_code, reason = "reads instructions")]
fn words(sites: &[Site]) -> Vec<u32> {
    // SAFETY: they are sites.
    sites
        .iter()
        .map(|site| unsafe { text::read_word(site.address) })
        .collect()
}

ktest! {
    fn all_functions_come_and_go_together_while_every_cpu_calls() {
        let sites: Vec<_> = traceable_kernel_sites().collect();
        let (before, hooks) = (words(&sites), hook_count());
        reap();
        let (slots, heap) = (slots_in_use(), memory::heap_at_rest());
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = cpu::online().map(|_| Arc::new(Caller::default())).collect();
        let threads: Vec<_> = cpu::online().map(Cpu::number).zip(&callers).map(|(number, caller)| {
            let (caller, stop) = (caller.clone(), stop.clone());
            Builder::new(&format!("caller {number}")).affinity(1 << number).spawn(move || call_on(&caller, &stop))
        }).collect();
        let result = cycle(&sites, &callers);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|outcome| outcome.to_string())?;
        }
        result?;
        let wrong: u64 = callers.iter().map(|caller| caller.wrong.load(Ordering::Relaxed)).sum();
        let calls: Vec<u64> = callers.iter().map(|caller| caller.calls.load(Ordering::Relaxed)).collect();
        println!("# ftrace: {} functions {CYCLES} times hooked and let go, calls of each CPU {calls:?}", sites.len());
        drop((callers, calls, stop));
        ensure_eq!((wrong, reap()), (0, 0), "wrong answers, and what still waits to be freed");
        ensure!(words(&sites) == before, "the words of the sites are not what they were");
        ensure_eq!((hook_count(), slots_in_use(), memory::heap_at_rest()), (hooks, slots, heap), "hooks, slots, bytes of the heap");
        Ok(())
    }
}

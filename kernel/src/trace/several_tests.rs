//! All functions traced at once, on every CPU, and modules that come and go meanwhile.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::time::{TICKS_PER_SECOND, timebase};

use super::tests::{Tracing, lines};
use super::{Tracer, clear, set_on, traceable};
use crate::cpu::{self, Cpu};
use crate::ftrace::hook_count;
use crate::thread::{Builder, sleep, yield_now};
use crate::{ensure, ensure_eq, initrd, ktest, module};

/// How long all functions are traced: 20 ms of guest time.
const WHILE: u64 = TICKS_PER_SECOND / 50;
/// How long a caller may take for a call while they are: 5 s.
const PATIENCE: u64 = 5 * TICKS_PER_SECOND;

#[inline(never)]
extern "C" fn marked(number: u64) -> u64 {
    core::hint::black_box(number) * 3
}

/// Calls, formats and sleeps on one CPU until it is told to stop; answers how often something was wrong.
fn call_on(calls: &AtomicU64, stop: &AtomicBool) -> u64 {
    let mut wrong = 0;
    while !stop.load(Ordering::Relaxed) {
        let number = calls.load(Ordering::Relaxed);
        let answer = core::hint::black_box(marked as extern "C" fn(u64) -> u64)(number);
        wrong += u64::from(format!("{answer}") != (3 * number).to_string());
        sleep(TICKS_PER_SECOND / 10_000);
        calls.store(number + 1, Ordering::Relaxed);
    }
    wrong
}

/// A module while it is loaded and unloaded again.
fn module_life(name: &str) -> Result<(), String> {
    let path = format!("modules/{name}.ko");
    let bytes = initrd::file(&path).ok_or_else(|| format!("{path} is not in the initrd"))?;
    module::load(name, bytes).map_err(|error| error.to_string())?;
    module::unload(name).map_err(|error| error.to_string())
}

/// Traces everything while every CPU calls, and answers what each CPU has recorded of [`marked`].
fn trace_all(tracer: Tracer, calls: &[Arc<AtomicU64>]) -> Result<(usize, Vec<String>), String> {
    let tracing = Tracing::of(tracer, "")?;
    sleep(WHILE);
    clear();
    let before: Vec<u64> = calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
    let start = timebase();
    let has_called = |(calls, before): (&Arc<AtomicU64>, &u64)| calls.load(Ordering::Relaxed) > before + 1;
    while !calls.iter().zip(&before).all(has_called) {
        ensure!(
            timebase() - start < PATIENCE,
            "a CPU makes no calls under {tracer}"
        );
        yield_now();
    }
    let hooked = hook_count();
    let lines = lines();
    drop(tracing);
    Ok((hooked, lines?))
}

ktest! {
    fn all_functions_are_traced_while_every_cpu_calls() {
        let hooks = hook_count();
        let stop = Arc::new(AtomicBool::new(false));
        let calls: Vec<_> = cpu::online().map(|_| Arc::new(AtomicU64::new(0))).collect();
        let threads: Vec<_> = cpu::online().map(Cpu::number).zip(&calls).map(|(number, calls)| {
            let (calls, stop) = (calls.clone(), stop.clone());
            Builder::new(&format!("traced {number}")).affinity(1 << number).spawn(move || call_on(&calls, &stop))
        }).collect();
        let results = [Tracer::Function, Tracer::FunctionGraph].map(|tracer| trace_all(tracer, &calls));
        stop.store(true, Ordering::Relaxed);
        let mut wrong = 0;
        for thread in threads {
            wrong += thread.join().map_err(|outcome| outcome.to_string())?;
        }
        ensure_eq!(wrong, 0, "wrong answers");
        let [function, graph] = results;
        let all = traceable().len();
        for (tracer, (hooked, lines)) in [(Tracer::Function, function?), (Tracer::FunctionGraph, graph?)] {
            ensure!(hooked >= all, "only {hooked} of {all} functions are hooked by {tracer}");
            for cpu in cpu::online().map(Cpu::number) {
                let head = match tracer {
                    Tracer::FunctionGraph => format!("{cpu:>2}) "),
                    _ => format!("[{cpu:03}] "),
                };
                let of_cpu = lines.iter().filter(|line| line.contains(&head));
                ensure!(of_cpu.clone().count() > 100, "{tracer} shows only {} events of CPU {cpu}", of_cpu.count());
            }
            let is_marked = |line: &&String| line.contains("trace::several_tests::marked");
            ensure!(lines.iter().any(|line| is_marked(&line)), "{tracer} shows no call of the callers' own function");
        }
        ensure_eq!(hook_count(), hooks, "hooks afterwards");
        Ok(())
    }

    fn modules_come_and_go_while_all_functions_are_traced() {
        let hooks = hook_count();
        for tracer in [Tracer::Function, Tracer::FunctionGraph] {
            let tracing = Tracing::of(tracer, "")?;
            let hooked = hook_count();
            let life = module_life("c_library");
            let after = hook_count();
            let lines = lines();
            drop(tracing);
            life?;
            ensure_eq!(after, hooked, "hooks under {tracer} when the module is gone");
            ensure!(!lines?.is_empty(), "{tracer} shows nothing");
        }
        ensure_eq!(hook_count(), hooks, "hooks afterwards");
        Ok(())
    }

    fn a_modules_functions_are_traced_from_its_first_instruction() {
        let tracing = Tracing::of(Tracer::Function, "")?;
        let path = "modules/klp_target.ko";
        let bytes = initrd::file(path).ok_or("modules/klp_target.ko is not in the initrd")?;
        let loaded = module::load("klp_target", bytes).map_err(|error| error.to_string());
        // What follows would drive it out of the ring.
        set_on(false);
        let names: Vec<String> = traceable().iter().map(|site| site.function.to_string()).collect();
        let lines = lines();
        let unloaded = module::unload("klp_target").map_err(|error| error.to_string());
        drop(tracing);
        loaded?;
        unloaded?;
        ensure!(names.iter().any(|name| name == "call_plain"), "call_plain cannot be traced");
        ensure!(lines?.iter().any(|line| line.contains("init_module")), "its init_module is not in the trace");
        Ok(())
    }
}

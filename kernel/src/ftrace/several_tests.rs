//! A case for sites that change while every CPU calls through them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::time;

use super::{FtraceOps, FtraceRegs, OpsFlags, Place, Site, reap, register, register_all, unregister};
use crate::cpu::{self, Cpu};
use crate::symbols;
use crate::thread::{Builder, yield_now};
use crate::{ensure, ensure_eq, ktest, println};

/// How often the site is hooked and left alone again.
const CYCLES: u64 = 100;
/// How long the callers may take for a few calls: 2 s.
const PATIENCE: u64 = 2 * time::TICKS_PER_SECOND;

/// What a call may answer: an epoch in all bits but the lowest two, and there one of these.
static MOMENT: AtomicU64 = AtomicU64::new(EITHER);
const EITHER: u64 = 0;
const PLAIN: u64 = 1;
const HOOKED: u64 = 2;

#[inline(never)]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 3)]
extern "C" fn answers(what: u64) -> u64 {
    core::hint::black_box(what)
}

extern "C" fn say_hooked(_: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    regs.gpr[3] = HOOKED;
}

/// What one CPU has seen.
struct Caller {
    calls: AtomicU64,
    wrong: AtomicU64,
}

/// Calls until it is told to stop. A call that begins after the hook was there, and ends before it goes, sees it.
fn call_on(caller: &Caller, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let before = MOMENT.load(Ordering::Acquire);
        let answer = core::hint::black_box(answers as extern "C" fn(u64) -> u64)(PLAIN);
        let after = MOMENT.load(Ordering::Acquire);
        let wanted = before & 3;
        let is_wrong = if before == after && wanted != EITHER {
            answer != wanted
        } else {
            answer != PLAIN && answer != HOOKED
        };
        caller.wrong.fetch_add(is_wrong.into(), Ordering::Relaxed);
        caller.calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// From here on every call answers `what`, until each caller has made some.
fn settle_on(what: u64, epoch: u64, callers: &[Arc<Caller>]) -> Result<(), String> {
    let calls = || callers.iter().map(|caller| caller.calls.load(Ordering::Relaxed));
    MOMENT.store(epoch << 2 | what, Ordering::SeqCst);
    let first: Vec<u64> = calls().collect();
    let start = time::timebase();
    while calls().zip(&first).any(|(now, first)| now < first + 3) {
        ensure!(
            time::timebase() - start < PATIENCE,
            "a caller makes no calls: {first:?}"
        );
        yield_now();
    }
    MOMENT.store(epoch << 2 | EITHER, Ordering::SeqCst);
    Ok(())
}

ktest! {
    fn a_site_changes_for_all_cpus_before_the_change_returns() {
        let symbol = symbols::kernel().at(answers as extern "C" fn(u64) -> u64 as usize as u64).ok_or("no symbol")?.0;
        let site = Site::of_kernel_symbol(&symbol).ok_or("no site")?;
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = cpu::online().map(|_| Arc::new(Caller { calls: AtomicU64::new(0), wrong: AtomicU64::new(0) })).collect();
        MOMENT.store(EITHER, Ordering::Relaxed);
        let threads: Vec<_> = cpu::online().map(Cpu::number).zip(&callers).map(|(number, caller)| {
            let (caller, stop) = (caller.clone(), stop.clone());
            Builder::new(&format!("caller {number}")).affinity(1 << number).spawn(move || call_on(&caller, &stop))
        }).collect();

        let cycle = || {
            for epoch in 0..CYCLES {
                // A new ops, and with it a new stub, each time: what the callers still use of the old ones must stay.
                let ops = Arc::new(FtraceOps::new("say hooked", say_hooked, OpsFlags::empty()));
                let hooked = match epoch % 2 {
                    0 => register(&site, &ops, Place::Last),
                    _ => register_all(&[(&site, &ops)], Place::Last),
                };
                hooked.map_err(|error| error.to_string())?;
                settle_on(HOOKED, 2 * epoch, &callers)?;
                unregister(&site, &ops).map_err(|error| error.to_string())?;
                settle_on(PLAIN, 2 * epoch + 1, &callers)?;
            }
            Ok::<(), String>(())
        };
        let result = cycle();
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|outcome| outcome.to_string())?;
        }
        result?;
        let sum = |count: fn(&Caller) -> &AtomicU64| callers.iter().map(|caller| count(caller).load(Ordering::Relaxed)).collect::<Vec<_>>();
        let (calls, wrong) = (sum(|caller| &caller.calls), sum(|caller| &caller.wrong));
        println!("# ftrace: {CYCLES} times hooked and unhooked, calls of each CPU {calls:?}, wrong ones {wrong:?}");
        ensure_eq!(wrong.iter().sum::<u64>(), 0, "wrong answers");
        ensure_eq!(reap(), 0, "what still waits to be freed");
        Ok(())
    }
}

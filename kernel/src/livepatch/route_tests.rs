//! Cases for the ways from a site to C: which one calls take, and that a live system changes from one to another by one store.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::text;
use kernel_core::insn;

use super::{KlpPatch, ReturnDesign, Route, disable, enable, find_function, is_in_transition, settle};
use crate::cpu::{self, Cpu};
use crate::ftrace::{FtraceOps, FtraceRegs, OpsFlags, Place, Site, reap, register, slot_at, unregister};
use crate::situations::GATE;
use crate::thread::{Builder, spawn, yield_now};
use crate::unwind::return_stub;
use crate::{ensure, ensure_eq, ktest, println};

const B: &str = "kernel::livepatch::route_tests::b";
const B_WAITS: &str = "kernel::livepatch::route_tests::b_waits";
/// How often another ops comes and goes.
const CYCLES: u64 = 50;

static ONE: AtomicU64 = AtomicU64::new(1);

type Function = extern "C" fn() -> u64;

#[inline(never)]
extern "C" fn b() -> u64 {
    ONE.load(Ordering::Relaxed)
}

#[inline(never)]
extern "C" fn b_waits() -> u64 {
    GATE.wait();
    ONE.load(Ordering::Relaxed)
}

extern "C" fn c() -> u64 {
    2 * ONE.load(Ordering::Relaxed)
}

fn call() -> u64 {
    black_box(b as Function)()
}

fn patch() -> KlpPatch {
    let c = c as *const () as u64;
    KlpPatch::of_kernel("routes", &[(B, c), (B_WAITS, c)]).under(ReturnDesign::ReturnStack)
}

fn text_of(error: impl ToString) -> String {
    error.to_string()
}

fn site() -> Result<Site, String> {
    find_function(None, B, 0)
        .map_err(text_of)?
        .site
        .ok_or("B has no site".into())
}

/// Where the site leads, if it is a branch.
#[allow(unsafe_code, reason = "reads the site")]
fn led_to(site: &Site) -> Option<u64> {
    // SAFETY: it is code of the kernel.
    let word = unsafe { text::read_word(site.address) };
    insn::branch_target(word, site.address).map(|(target, _)| target)
}

/// What B's calls go by: `None` for a nop.
fn route(site: &Site) -> Option<Route> {
    let to = led_to(site)?;
    Some(match (return_stub(to).is_some(), starts_with_mflr(to)) {
        (true, _) => Route::Shortest,
        (false, true) => Route::Trampoline,
        (false, false) => Route::Choice,
    })
}

#[allow(unsafe_code, reason = "reads a stub")]
fn starts_with_mflr(address: u64) -> bool {
    // SAFETY: where an enabled site leads there is a slot in use.
    slot_at(address).is_some() && unsafe { text::read_word(address) } == insn::mflr(insn::R0)
}

extern "C" fn count(_: u64, _: u64, ops: &FtraceOps, _: &mut FtraceRegs) {
    ops.data.fetch_add(1, Ordering::Relaxed);
}

fn counting() -> Arc<FtraceOps> {
    Arc::new(FtraceOps::new("count", count, OpsFlags::empty()))
}

/// Puts everything back, also where a case ended early.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        GATE.open();
        settle();
        let _ = disable("routes");
        settle();
        reap();
    }
}

ktest! {
    fn calls_take_the_shortest_way_there_is() {
        let (_cleanup, site, ops) = (Cleanup, site()?, counting());
        ensure_eq!(route(&site), None, "unpatched");
        GATE.close();
        let sleeper = spawn("sleeper", || black_box(b_waits as Function)());
        GATE.wait_for(sleeper.thread());
        enable(patch()).map_err(text_of)?;
        ensure!(is_in_transition(), "nobody was waited for");
        ensure_eq!((route(&site), call()), (Some(Route::Choice), 2), "while threads move");
        GATE.open();
        ensure_eq!(sleeper.join(), Ok(1), "the thread that was waited for");
        settle();
        ensure_eq!((route(&site), call()), (Some(Route::Shortest), 2), "settled");
        register(&site, &ops, Place::First).map_err(text_of)?;
        ensure_eq!((route(&site), call()), (Some(Route::Trampoline), 2), "with another ops");
        unregister(&site, &ops).map_err(text_of)?;
        ensure_eq!((route(&site), call()), (Some(Route::Shortest), 2), "without it");
        ensure_eq!(ops.data.load(Ordering::Relaxed), 1, "calls that the other ops saw");
        disable("routes").map_err(text_of)?;
        settle();
        ensure_eq!((route(&site), call()), (None, 1), "afterwards");
        Ok(())
    }

    fn a_settled_patch_takes_and_loses_company_while_all_cpus_call() {
        let (_cleanup, site) = (Cleanup, site()?);
        enable(patch()).map_err(text_of)?;
        settle();
        let (stop, wrong) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let calls: Vec<Arc<AtomicU64>> = cpu::online().map(|_| Arc::default()).collect();
        let threads: Vec<_> = cpu::online().map(Cpu::number).zip(&calls).map(|(number, calls)| {
            let (stop, wrong, calls) = (stop.clone(), wrong.clone(), calls.clone());
            Builder::new(&format!("caller {number}")).affinity(1 << number).spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    wrong.fetch_add(u64::from(call() != 2), Ordering::Relaxed);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        }).collect();
        let all_have_called = || {
            let first: Vec<u64> = calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
            while calls.iter().zip(&first).any(|(now, first)| now.load(Ordering::Relaxed) < first + 2) {
                yield_now();
            }
        };
        let cycle = || {
            for _ in 0..CYCLES {
                let ops = counting();
                register(&site, &ops, Place::First).map_err(text_of)?;
                all_have_called();
                unregister(&site, &ops).map_err(text_of)?;
                ensure!(ops.data.load(Ordering::Relaxed) >= calls.len() as u64, "a CPU went past the ops");
                all_have_called();
            }
            Ok::<(), String>(())
        };
        let result = cycle();
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(text_of)?;
        }
        result?;
        let calls: Vec<u64> = calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
        println!("# livepatch: {CYCLES} times from the settled stub to a trampoline and back, calls of each CPU {calls:?}");
        ensure_eq!(wrong.load(Ordering::Relaxed), 0, "calls that did not come to C");
        Ok(())
    }
}

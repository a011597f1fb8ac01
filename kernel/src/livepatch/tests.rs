//! Cases for the registry: what wins, what is refused, and that nothing is left behind. The replacements are kernel
//! functions here; what another TOC does is the situations' affair.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{KlpError, KlpFunc, KlpObject, KlpPatch, ReturnDesign, disable, enable, enabled, find_function};
use crate::exceptions::Fault;
use crate::ftrace::{FtraceError, GraphOps, GraphTracer, Place, hook_count, reap, register, unregister};
use crate::thread::{Builder, Outcome};
use crate::{ensure, ensure_eq, ktest};

static TEN: AtomicU64 = AtomicU64::new(10);

#[inline(never)]
extern "C" fn victim(argument: u64) -> u64 {
    TEN.load(Ordering::Relaxed) + argument
}

#[used]
static KEEP: extern "C" fn(u64) -> u64 = victim_without_a_site;

#[inline(never)]
#[patchable_function_entry(prefix_nops = 0, entry_nops = 0)]
extern "C" fn victim_without_a_site(argument: u64) -> u64 {
    TEN.load(Ordering::Relaxed) * argument
}

extern "C" fn times_three(argument: u64) -> u64 {
    TEN.load(Ordering::Relaxed) + 3 * argument
}

extern "C" fn times_five(argument: u64) -> u64 {
    TEN.load(Ordering::Relaxed) + 5 * argument
}

/// Its replacement calls it again: every level is patched.
#[inline(never)]
extern "C" fn sum_to(n: u64) -> u64 {
    if n == 0 {
        TEN.load(Ordering::Relaxed)
    } else {
        n + core::hint::black_box(sum_to as extern "C" fn(u64) -> u64)(n - 1)
    }
}

extern "C" fn sum_of_doubles_to(n: u64) -> u64 {
    if n == 0 {
        TEN.load(Ordering::Relaxed)
    } else {
        2 * n + core::hint::black_box(sum_to as extern "C" fn(u64) -> u64)(n - 1)
    }
}

/// Calls two functions of one name: they differ in the block that they stand in, which no name shows.
fn call_namesakes() -> u64 {
    let first = {
        #[inline(never)]
        extern "C" fn namesake(argument: u64) -> u64 {
            TEN.load(Ordering::Relaxed) + argument + 100
        }
        core::hint::black_box(namesake as extern "C" fn(u64) -> u64)(1)
    };
    let second = {
        #[inline(never)]
        extern "C" fn namesake(argument: u64) -> u64 {
            TEN.load(Ordering::Relaxed) + argument + 200
        }
        core::hint::black_box(namesake as extern "C" fn(u64) -> u64)(1)
    };
    first * 1000 + second
}

const VICTIM: &str = "kernel::livepatch::tests::victim";
const NAMESAKE: &str = "kernel::livepatch::tests::call_namesakes::namesake";
const SUM_TO: &str = "kernel::livepatch::tests::sum_to";

static EVENTS: AtomicU64 = AtomicU64::new(0);

/// Entry: the site and a 1.
fn note_entry(site: u64) -> u64 {
    EVENTS.fetch_add(site << 4 | 1, Ordering::Relaxed);
    !site
}

/// Exit: a 2 if exactly the entry of the same function came before and left its note, rubbish otherwise.
fn note_exit(site: u64, note: u64) {
    let before = EVENTS.swap(u64::MAX, Ordering::Relaxed);
    if before == site << 4 | 1 && note == !site {
        EVENTS.store(before + 1, Ordering::Relaxed);
    }
}

fn address(function: extern "C" fn(u64) -> u64) -> u64 {
    function as usize as u64
}

fn call(argument: u64) -> u64 {
    core::hint::black_box(victim as extern "C" fn(u64) -> u64)(argument)
}

fn patch(name: &str, replacement: extern "C" fn(u64) -> u64) -> KlpPatch {
    KlpPatch::of_kernel(name, &[(VICTIM, address(replacement))])
}

fn text(error: KlpError) -> String {
    error.to_string()
}

/// What enabling a patch of this function answers.
fn refusal(old_name: &str, sympos: usize) -> Result<KlpError, String> {
    let func = KlpFunc {
        old_name: old_name.to_string(),
        sympos,
        new_function: address(times_three),
    };
    let objects = [KlpObject {
        funcs: [func].into(),
        ..KlpObject::default()
    }]
    .into();
    let patch = KlpPatch {
        name: "refused".to_string(),
        objects,
        ..KlpPatch::default()
    };
    reap();
    let before = (hook_count(), enabled(), crate::memory::heap_at_rest());
    let answer = enable(patch);
    reap();
    let after = (hook_count(), enabled());
    let result = answer.err().ok_or_else(|| format!("'{old_name}' was patched"))?;
    ensure_eq!(after, (before.0, before.1), "hooks and patches after a refusal");
    Ok(result)
}

ktest! {
    fn a_patch_comes_and_goes_under_every_design() {
        let before = hook_count();
        for design in ReturnDesign::for_kernel() {
            enable(patch("one", times_three).under(design)).map_err(text)?;
            let during = call(7);
            disable("one").map_err(text)?;
            ensure_eq!(during, 31, "patched, under {design}");
            ensure_eq!(call(7), 17, "afterwards, under {design}");
        }
        ensure_eq!(hook_count(), before, "hooks, afterwards");
        Ok(())
    }

    fn the_last_patch_wins_and_uncovers_the_one_below() {
        enable(patch("lower", times_three)).map_err(text)?;
        enable(patch("upper", times_five)).map_err(text)?;
        let ours = |info: &super::PatchInfo| ["lower", "upper"].contains(&info.name.as_str());
        let list: alloc::vec::Vec<_> = enabled().into_iter().filter(ours).map(|info| (info.name, info.wins)).collect();
        let both = call(1);
        disable("upper").map_err(text)?;
        let lower = call(1);
        enable(patch("upper", times_five)).map_err(text)?;
        disable("lower").map_err(text)?;
        let upper = call(1);
        disable("upper").map_err(text)?;
        ensure_eq!(list, [("lower".to_string(), 0), ("upper".to_string(), 1)], "the list");
        ensure_eq!((both, lower, upper, call(1)), (15, 13, 15, 11), "both, lower, upper, none");
        Ok(())
    }

    fn recursion_with_the_patch_at_every_level() {
        for design in ReturnDesign::for_kernel() {
            for depth in [1, 10, 200] {
                enable(KlpPatch::of_kernel("sum", &[(SUM_TO, address(sum_of_doubles_to))]).under(design)).map_err(text)?;
                let sum = sum_to(depth);
                disable("sum").map_err(text)?;
                ensure_eq!(sum, depth * (depth + 1) + 10, "depth {depth} under {design}");
            }
        }
        Ok(())
    }

    fn the_graph_tracer_sees_a_patched_function_begin_and_end_once() {
        static GRAPH: GraphOps = GraphOps { entry: note_entry, exit: note_exit };
        let site = find_function(None, VICTIM, 0).map_err(text)?.site.ok_or("the victim has no site")?;
        for place in [Place::First, Place::Last] {
            for design in ReturnDesign::for_kernel() {
                enable(patch("one", times_three).under(design)).map_err(text)?;
                let ops = Arc::new(GraphTracer::ops(&GRAPH));
                EVENTS.store(0, Ordering::Relaxed);
                register(&site, &ops, place).map_err(|error| error.to_string())?;
                let during = call(7);
                unregister(&site, &ops).map_err(|error| error.to_string())?;
                disable("one").map_err(text)?;
                ensure_eq!(during, 31, "the result under {design}, {place:?}");
                ensure_eq!(EVENTS.load(Ordering::Relaxed), site.address << 4 | 2, "entry and exit under {design}, {place:?}");
            }
        }
        Ok(())
    }

    fn a_full_return_stack_ends_only_its_thread() {
        enable(KlpPatch::of_kernel("sum", &[(SUM_TO, address(sum_of_doubles_to))]).under(ReturnDesign::ReturnStack)).map_err(text)?;
        let deep = Builder::new("deep").sacrificial().spawn(|| sum_to(600)).join();
        let shallow = Builder::new("shallow").sacrificial().spawn(|| sum_to(500)).join();
        disable("sum").map_err(text)?;
        let Err(Outcome::Faulted(Fault { cause: Some(cause), .. })) = deep else {
            return Err(format!("600 deep ended otherwise: {deep:?}"));
        };
        ensure_eq!(cause.as_str(), "return stack of thread 'deep' is full at depth 512, in function kernel::livepatch::tests::sum_of_doubles_to", "the message");
        ensure_eq!(shallow, Ok(500 * 501 + 10), "500 deep, afterwards");
        Ok(())
    }

    fn what_cannot_be_patched_is_refused_by_name() {
        ensure_eq!(refusal("kernel::no_such_function", 0)?, KlpError::NoFunction { object: "vmlinux".to_string(), function: "kernel::no_such_function".to_string() }, "no such function");
        let error = refusal("kernel::livepatch::tests::victim_without_a_site", 0)?;
        ensure!(matches!(error, KlpError::Hook(FtraceError::NoSite { .. })), "a function without site: {error}");
        let error = refusal("kernel::livepatch::func_stack::klp_ftrace_handler", 0)?;
        ensure!(matches!(error, KlpError::Hook(FtraceError::Notrace { .. })), "the handler itself: {error}");
        let error = refusal("ftrace_caller", 0)?;
        ensure!(matches!(error, KlpError::Hook(FtraceError::Notrace { .. })), "a trampoline: {error}");
        let error = refusal(VICTIM, 2)?;
        ensure!(matches!(error, KlpError::NoSuchPosition { sympos: 2, count: 1, .. }), "position 2 of 1: {error}");
        Ok(())
    }

    fn an_ambiguous_name_needs_a_position() {
        let error = refusal(NAMESAKE, 0)?;
        ensure!(matches!(error, KlpError::Ambiguous { count: 2, .. }), "no position: {error}");
        let error = refusal(NAMESAKE, 3)?;
        ensure!(matches!(error, KlpError::NoSuchPosition { sympos: 3, count: 2, .. }), "position 3 of 2: {error}");
        let mut results = [call_namesakes(); 3];
        for (index, result) in results.iter_mut().enumerate().skip(1) {
            let mut patch = KlpPatch::of_kernel("second", &[(NAMESAKE, address(times_three))]);
            patch.objects[0].funcs[0].sympos = index;
            enable(patch).map_err(text)?;
            *result = call_namesakes();
            disable("second").map_err(text)?;
        }
        ensure_eq!(results[0], 111_211, "no patch");
        let [one, two] = [13_211, 111_013];
        ensure!(results[1..] == [one, two] || results[1..] == [two, one], "each position patches one of the two: {results:?}");
        Ok(())
    }

    fn empty_double_and_unknown_patches_are_refused() {
        let before = hook_count();
        let nothing = KlpPatch::of_kernel("nothing", &[]);
        ensure_eq!(enable(nothing), Err(KlpError::Empty { patch: "nothing".to_string() }), "an empty patch");
        let twice = KlpPatch::of_kernel("twice", &[(VICTIM, address(times_three)), (VICTIM, address(times_five))]);
        ensure_eq!(enable(twice), Err(KlpError::Twice { object: "vmlinux".to_string(), function: VICTIM.to_string() }), "the same function twice");
        ensure_eq!(disable("never"), Err(KlpError::NotEnabled { patch: "never".to_string() }), "disabling what is not enabled");
        enable(patch("one", times_three)).map_err(text)?;
        let again = enable(patch("one", times_five));
        let still = call(1);
        disable("one").map_err(text)?;
        ensure_eq!(again, Err(KlpError::AlreadyEnabled { patch: "one".to_string() }), "the same name twice");
        ensure_eq!(still, 13, "the first patch's result");
        ensure_eq!(hook_count(), before, "hooks, afterwards");
        Ok(())
    }
}

//! Cases for hooks: every site, every shape, every register, and the order of things.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use arch::ftrace::{ftrace_stub, ftrace_trash};

use super::{
    ClassicSite, FtraceError, FtraceOps, FtraceRegs, FunctionName, OpsFlags, Place, Site, SiteShape,
    hook_count, kernel_sites, reap, register, unregister,
};
use crate::symbols;
use crate::{ensure, ensure_eq, ktest};

/// Nine arguments, all in different places of the result, so that any wrong one shows.
macro_rules! test_functions {
    ($($slots:literal $name:ident $shape:ident;)+) => {$(
        #[inline(never)]
        #[patchable_function_entry(prefix_nops = 0, entry_nops = $slots)]
        extern "C" fn $name(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64) -> u64 {
            SEEN.fetch_add(1, Ordering::Relaxed);
            [a, b, c, d, e, f, g, h, i].iter().fold(0, |sum: u64, x| sum.wrapping_mul(10) + x)
        }
    )+
    #[used]
    #[allow(unsafe_code, reason = "a link section collects the table")]
    #[unsafe(link_section = ".classic_sites")]
    static CLASSIC: [ClassicSite; 2] = [
        ClassicSite { function: two_slots as *const (), shape: SiteShape::MflrBl },
        ClassicSite { function: three_slots as *const (), shape: SiteShape::MflrStdBl },
    ];
    };
}

test_functions! {
    1 one_slot OneNop;
    2 two_slots MflrBl;
    3 three_slots MflrStdBl;
}

type TestFunction = extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64) -> u64;
const TEST_FUNCTIONS: [TestFunction; 3] = [one_slot, two_slots, three_slots];
static SEEN: AtomicU64 = AtomicU64::new(0);

fn call(function: TestFunction) -> u64 {
    core::hint::black_box(function)(1, 2, 3, 4, 5, 6, 7, 8, 9)
}

fn site_of(function: TestFunction) -> Result<Site, alloc::string::String> {
    let symbol = symbols::kernel()
        .at(function as usize as u64)
        .ok_or("the function has no symbol")?
        .0;
    Site::of_kernel_symbol(&symbol).ok_or_else(|| alloc::format!("{} has no site", symbol.path()))
}

fn refused(error: FtraceError) -> alloc::string::String {
    error.to_string()
}

static ORDER: AtomicU64 = AtomicU64::new(0);
static PARENT: AtomicU64 = AtomicU64::new(0);

extern "C" fn note_in_order(site: u64, parent: u64, ops: &FtraceOps, regs: &mut FtraceRegs) {
    let order = ORDER.load(Ordering::Relaxed) * 10 + ops.data.load(Ordering::Relaxed);
    ORDER.store(order, Ordering::Relaxed);
    PARENT.store(parent, Ordering::Relaxed);
    if regs.nip() != site + 4 || regs.lr != parent {
        ORDER.store(u64::MAX, Ordering::Relaxed);
    }
}

extern "C" fn change_arguments(_: u64, _: u64, _: &FtraceOps, regs: &mut FtraceRegs) {
    regs.gpr[3..11].reverse();
}

/// Calls a hooked function from inside an ops.
extern "C" fn call_again(_: u64, _: u64, _: &FtraceOps, _: &mut FtraceRegs) {
    call(one_slot);
}

fn numbered(number: u64, flags: OpsFlags) -> Arc<FtraceOps> {
    let ops = FtraceOps::new("numbered", note_in_order, flags);
    ops.data.store(number, Ordering::Relaxed);
    Arc::new(ops)
}

#[allow(unsafe_code, reason = "reads text")]
fn word_at(address: u64) -> u32 {
    // SAFETY: the address of a site is readable text.
    unsafe { arch::text::read_word(address) }
}

fn words() -> BTreeMap<u64, u32> {
    kernel_sites()
        .map(|site| (site.address, word_at(site.address)))
        .collect()
}

ktest! {
    fn each_shape_is_seen_by_each_trampoline() {
        for function in TEST_FUNCTIONS {
            let site = site_of(function)?;
            for flags in [OpsFlags::empty(), OpsFlags::SAVE_REGS] {
                let ops = Arc::new(FtraceOps::new("trash", ftrace_trash, flags));
                register(&site, &ops, Place::Last).map_err(refused)?;
                let result = call(function);
                unregister(&site, &ops).map_err(refused)?;
                ensure_eq!(result, 123_456_789, "{} under {flags:?}", site.function);
                ensure_eq!(call(function), 123_456_789, "{} afterwards", site.function);
                ensure_eq!(ops.data.load(Ordering::Relaxed), 1, "calls that the ops of {} saw", site.function);
            }
        }
        Ok(())
    }

    fn ops_are_called_in_order_with_the_parent() {
        let site = site_of(three_slots)?;
        let ops: Vec<_> = [2, 3, 1].into_iter().map(|number| numbered(number, OpsFlags::empty())).collect();
        ORDER.store(0, Ordering::Relaxed);
        register(&site, &ops[0], Place::Last).map_err(refused)?;
        register(&site, &ops[1], Place::Last).map_err(refused)?;
        register(&site, &ops[2], Place::First).map_err(refused)?;
        let result = call(three_slots);
        for one in &ops {
            unregister(&site, one).map_err(refused)?;
        }
        ensure_eq!(result, 123_456_789, "the function's result");
        ensure_eq!(ORDER.load(Ordering::Relaxed), 123, "the order of the calls");
        let parent = symbols::kernel().at(PARENT.load(Ordering::Relaxed)).map_or_else(|| "nowhere".to_string(), |(symbol, _)| symbol.path().to_string());
        ensure!(parent.contains("ftrace::tests"), "the parent is in {parent}");
        Ok(())
    }

    fn an_ops_changes_arguments() {
        for function in TEST_FUNCTIONS {
            for flags in [OpsFlags::empty(), OpsFlags::SAVE_REGS] {
                let site = site_of(function)?;
                let ops = Arc::new(FtraceOps::new("reverse", change_arguments, flags));
                register(&site, &ops, Place::Last).map_err(refused)?;
                let result = call(function);
                unregister(&site, &ops).map_err(refused)?;
                ensure_eq!(result, 876_543_219, "{} under {flags:?}", site.function);
            }
        }
        Ok(())
    }

    fn an_ops_that_calls_a_hooked_function_does_not_recurse() {
        let site = site_of(one_slot)?;
        let ops = Arc::new(FtraceOps::new("again", call_again, OpsFlags::empty()));
        SEEN.store(0, Ordering::Relaxed);
        register(&site, &ops, Place::Last).map_err(refused)?;
        let result = call(one_slot);
        unregister(&site, &ops).map_err(refused)?;
        ensure_eq!(result, 123_456_789, "the function's result");
        ensure_eq!(SEEN.load(Ordering::Relaxed), 2, "how often the function ran");
        Ok(())
    }

    fn ftrace_stub_and_an_empty_mcount_do_nothing() {
        let site = site_of(two_slots)?;
        let ops = Arc::new(FtraceOps::new("stub", ftrace_stub, OpsFlags::SAVE_REGS));
        register(&site, &ops, Place::Last).map_err(refused)?;
        let result = call(two_slots);
        unregister(&site, &ops).map_err(refused)?;
        ensure_eq!(result, 123_456_789, "the function's result");
        Ok(())
    }

    fn all_sites_hooked_by_an_ops_that_trashes_every_register() {
        let before = words();
        ensure!(before.len() > 500, "only {} sites", before.len());
        for flags in [OpsFlags::empty(), OpsFlags::SAVE_REGS] {
            let ops = Arc::new(FtraceOps::new("trash", ftrace_trash, flags));
            let sites: Vec<_> = kernel_sites().collect();
            for site in &sites {
                register(site, &ops, Place::Last).map_err(refused)?;
            }
            ensure!(hook_count() >= sites.len(), "only {} of {} functions are hooked", hook_count(), sites.len());
            let work = crate::thread::spawn("work", || {
                let texts: Vec<_> = (0..200u64).map(|n| alloc::format!("{n:>5}{:x}", n * n)).collect();
                crate::thread::sleep(arch::time::TICKS_PER_SECOND / 200);
                texts.concat().len()
            }).join();
            let still_right = call(two_slots);
            for site in &sites {
                unregister(site, &ops).map_err(refused)?;
            }
            ensure_eq!(work, Ok(200 * 5 + (0..200u64).map(|n| alloc::format!("{:x}", n * n).len()).sum::<usize>()), "the work's result");
            ensure_eq!(still_right, 123_456_789, "a test function's result");
            let calls = ops.data.load(Ordering::Relaxed);
            ensure!(calls > 10_000, "the ops saw only {calls} calls");
        }
        ensure_eq!(words(), before, "the words of all sites");
        Ok(())
    }

    fn a_site_with_another_word_is_refused() {
        let hooks = hook_count();
        let site = site_of(one_slot)?;
        let ops = numbered(1, OpsFlags::empty());
        let other = Site { address: site.address + 4, ..site.clone() };
        let error = register(&other, &ops, Place::Last).err();
        ensure!(matches!(&error, Some(FtraceError::UnexpectedWord { mismatch, .. }) if mismatch.address == other.address), "it was {error:?}");
        ensure_eq!(hook_count(), hooks, "hooks, afterwards");
        Ok(())
    }

    fn the_trampolines_own_functions_are_refused() {
        let site = Site { function: FunctionName::Path("ftrace_stub".into()), entry: ftrace_stub as *const () as u64, address: ftrace_stub as *const () as u64, shape: SiteShape::OneNop };
        let error = register(&site, &numbered(1, OpsFlags::empty()), Place::Last);
        ensure_eq!(error, Err(FtraceError::Notrace { function: "ftrace_stub".to_string() }), "the answer");
        Ok(())
    }

    fn registering_twice_and_unregistering_twice_are_refused() {
        let site = site_of(one_slot)?;
        let ops = numbered(1, OpsFlags::empty());
        register(&site, &ops, Place::Last).map_err(refused)?;
        let twice = register(&site, &ops, Place::Last);
        unregister(&site, &ops).map_err(refused)?;
        let never = unregister(&site, &ops);
        ensure!(matches!(twice, Err(FtraceError::AlreadyThere { .. })), "the second register: {twice:?}");
        ensure!(matches!(never, Err(FtraceError::NotThere { .. })), "the second unregister: {never:?}");
        Ok(())
    }

    fn only_one_ops_of_a_hook_redirects() {
        let site = site_of(one_slot)?;
        let ops = [numbered(1, OpsFlags::IPMODIFY), numbered(2, OpsFlags::IPMODIFY)];
        register(&site, &ops[0], Place::Last).map_err(refused)?;
        let second = register(&site, &ops[1], Place::First);
        unregister(&site, &ops[0]).map_err(refused)?;
        ensure!(matches!(second, Err(FtraceError::AlreadyRedirected { by: "numbered", .. })), "the second: {second:?}");
        Ok(())
    }

    fn hooks_give_their_memory_back() {
        let site = site_of(one_slot)?;
        let come_and_go = || {
            for _ in 0..100 {
                let ops = numbered(1, OpsFlags::empty());
                register(&site, &ops, Place::Last).map_err(refused)?;
                unregister(&site, &ops).map_err(refused)?;
            }
            ensure_eq!(reap(), 0, "what still waits to be freed");
            Ok(())
        };
        // Which slots are free is kept track of in memory that stays.
        come_and_go()?;
        let before = crate::memory::heap_at_rest();
        come_and_go()?;
        ensure_eq!(crate::memory::heap_at_rest(), before, "heap in use");
        Ok(())
    }
}

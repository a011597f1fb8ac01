//! Cases for hooks that come and go together.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::Ordering;

use kernel_core::insn;

use super::{
    FtraceError, FtraceOps, FtraceRegs, OpsFlags, Place, Site, hook_count, lead_all, reap, register,
    register_all, slots_in_use, unregister, unregister_all,
};
use crate::cpu;
use crate::symbols;
use crate::{ensure, ensure_eq, ktest};

#[inline(never)]
extern "C" fn function<const N: u64>(x: u64) -> u64 {
    x + N
}

const FUNCTIONS: [extern "C" fn(u64) -> u64; 3] = [function::<1>, function::<2>, function::<3>];

fn sites() -> Result<Vec<Site>, String> {
    let site = |function: &extern "C" fn(u64) -> u64| {
        let (symbol, _) = symbols::kernel().at(*function as usize as u64)?;
        Site::of_kernel_symbol(&symbol)
    };
    let sites: Option<Vec<Site>> = FUNCTIONS.iter().map(site).collect();
    sites.ok_or_else(|| "a function has no site".into())
}

fn call_all() {
    for function in FUNCTIONS {
        black_box(black_box(function)(1));
    }
}

extern "C" fn count(_: u64, _: u64, ops: &FtraceOps, _: &mut FtraceRegs) {
    ops.data.fetch_add(1, Ordering::Relaxed);
}

fn counter(flags: OpsFlags) -> Arc<FtraceOps> {
    Arc::new(FtraceOps::new("counter", count, flags))
}

/// How many of the functions an ops sees, when each is called once.
fn seen(ops: &FtraceOps) -> u64 {
    ops.data.store(0, Ordering::Relaxed);
    call_all();
    ops.data.load(Ordering::Relaxed)
}

fn text(error: FtraceError) -> String {
    error.to_string()
}

/// What `body` answers while the site holds `word`, which does nothing or is what the site may hold.
#[allow(unsafe_code, reason = "changes a site")]
fn with_word<T>(site: &Site, word: u32, body: impl FnOnce() -> T) -> T {
    // SAFETY: it is a site.
    let before = unsafe { arch::text::read_word(site.address) };
    // SAFETY: as the caller says.
    unsafe { cpu::change_words(&[(site.address, word)]) };
    let answer = body();
    // SAFETY: the site's own word.
    unsafe { cpu::change_words(&[(site.address, before)]) };
    answer
}

ktest! {
    fn many_are_hooked_and_let_go_together() {
        let (sites, before) = (sites()?, hook_count());
        let (other, ops) = (counter(OpsFlags::empty()), counter(OpsFlags::SAVE_REGS));
        register(&sites[1], &other, Place::Last).map_err(text)?;
        let pairs: Vec<_> = sites.iter().map(|site| (site, &ops)).collect();
        register_all(&pairs, Place::First).map_err(text)?;
        ensure_eq!((seen(&ops), seen(&other), hook_count()), (3, 1, before + 3), "hooked together");
        lead_all(&sites.iter().collect::<Vec<_>>()).map_err(text)?;
        ensure_eq!((seen(&ops), seen(&other)), (3, 1), "led where they lead already");
        unregister_all(&pairs).map_err(text)?;
        ensure_eq!((seen(&ops), seen(&other), hook_count()), (0, 1, before + 1), "let go together");
        unregister(&sites[1], &other).map_err(text)?;
        ensure_eq!((seen(&other), hook_count(), reap()), (0, before, 0), "nothing is left");
        Ok(())
    }

    fn on_an_error_none_of_many_is_changed() {
        let (sites, before) = (sites()?, hook_count());
        let ops = counter(OpsFlags::empty());
        register(&sites[2], &ops, Place::Last).map_err(text)?;
        let pairs: Vec<_> = sites.iter().map(|site| (site, &ops)).collect();
        let refused = register_all(&pairs, Place::Last);
        ensure!(matches!(refused, Err(FtraceError::AlreadyThere { .. })), "hooked twice: {refused:?}");
        ensure_eq!((seen(&ops), hook_count()), (1, before + 1), "after hooking was refused");
        let refused = unregister_all(&[pairs[2], pairs[0]]);
        ensure!(matches!(refused, Err(FtraceError::NotThere { .. })), "let go twice: {refused:?}");
        ensure_eq!((seen(&ops), hook_count()), (1, before + 1), "after letting go was refused");
        unregister_all(&pairs[2..]).map_err(text)?;
        ensure_eq!((seen(&ops), hook_count(), reap()), (0, before, 0), "nothing is left");
        Ok(())
    }

    fn a_wrong_word_among_many_leaves_all_as_they_are() {
        /// `ori r1,r1,0`: does nothing, as a nop does.
        const OTHER: u32 = 0x6021_0000;
        let (sites, hooks) = (sites()?, hook_count());
        let (other, ops) = (counter(OpsFlags::empty()), counter(OpsFlags::SAVE_REGS));
        register(&sites[0], &other, Place::Last).map_err(text)?;
        let pairs: Vec<_> = sites.iter().map(|site| (site, &ops)).collect();
        let is_refused = |result: &Result<(), FtraceError>| matches!(result, Err(FtraceError::UnexpectedWord { .. }));
        reap();
        let slots = slots_in_use();
        let refused = with_word(&sites[2], OTHER, || register_all(&pairs, Place::First));
        ensure!(is_refused(&refused), "hooking: {refused:?}");
        ensure_eq!((seen(&ops), seen(&other), hook_count(), slots_in_use()), (0, 1, hooks + 1, slots), "after hooking was refused");
        register_all(&pairs, Place::First).map_err(text)?;
        reap();
        let slots = slots_in_use();
        let refused = with_word(&sites[2], insn::NOP, || unregister_all(&pairs));
        ensure!(is_refused(&refused), "letting go: {refused:?}");
        ensure_eq!((seen(&ops), seen(&other), hook_count(), slots_in_use()), (3, 1, hooks + 3, slots), "after letting go was refused");
        unregister_all(&pairs).map_err(text)?;
        unregister(&sites[0], &other).map_err(text)?;
        ensure_eq!((seen(&ops), seen(&other), hook_count(), reap()), (0, 0, hooks, 0), "nothing is left");
        Ok(())
    }
}

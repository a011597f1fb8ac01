//! Coming, being used, and going.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arch::ftrace::ftrace_trash;
use kernel_core::errno::Errno;

use super::super::{Module, Reason, Snapshot, State, get, hold, list, unload, used_bytes};
use super::{Loaded, call, function, refused};
use crate::ftrace::{self, FtraceOps, OpsFlags, Place};
use crate::livepatch;
use crate::sync::{IrqLock, Rank};
use crate::thread::{self, Builder, JoinHandle};
use crate::{ensure, ensure_eq, ktest, memory, module};

/// The statics of tests/modules, as their sources have them.
const A_TARGET: u64 = 0xaaaa_0000_0000_0001;
const A_CALLER: u64 = 0xaaaa_0000_0000_0002;
const A_SLOTS: u64 = 0xaaaa_0000_0000_0003;
const A_LINGERING: u64 = 0xaaaa_0000_0000_0004;
const B_TARGET: u64 = 0xbbbb_0000_0000_0001;
const B_SLOTS: u64 = 0xbbbb_0000_0000_0003;
const C_PATCH: u64 = 0xcccc_0000_0000_0001;

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn counter(flags: OpsFlags) -> Arc<FtraceOps> {
    Arc::new(FtraceOps::new("counter", ftrace_trash, flags))
}

/// Loaded, traced, live patched, unloaded.
fn one_life() -> Result<(), String> {
    let target = Loaded::new("klp_target")?;
    let site = target
        .module
        .site(function(&target.module, "target_plain")?)
        .ok_or("target_plain has no site")?;
    let seen = call(&target.module, "call_plain", 5)?;
    ensure_eq!((seen.result, seen.own), (B_TARGET + 5, A_TARGET), "untouched");

    let ops = counter(OpsFlags::SAVE_REGS);
    ftrace::register(&site, &ops, Place::First).map_err(text)?;
    let seen = call(&target.module, "call_plain", 6)?;
    ensure_eq!((seen.result, seen.own), (B_TARGET + 6, A_TARGET), "traced");

    let patch = Loaded::new("klp_patch")?;
    let seen = call(&target.module, "call_plain", 7)?;
    ensure_eq!(
        (seen.result, seen.own),
        (C_PATCH + 7, A_TARGET),
        "traced and live patched"
    );
    ensure_eq!(ops.data.load(Ordering::Relaxed), 2, "calls that the tracer saw");

    livepatch::disable("klp_patch").map_err(text)?;
    let seen = call(&target.module, "call_plain", 8)?;
    ensure_eq!(
        (seen.result, seen.own),
        (B_TARGET + 8, A_TARGET),
        "no longer live patched"
    );
    patch.unload()?;
    ftrace::unregister(&site, &ops).map_err(text)?;
    let seen = call(&target.module, "call_plain", 9)?;
    ensure_eq!(
        (seen.result, seen.own),
        (B_TARGET + 9, A_TARGET),
        "no longer traced"
    );
    target.unload()
}

static INSIDE: AtomicBool = AtomicBool::new(false);
static LEAVE: AtomicBool = AtomicBool::new(false);

extern "C" fn wait_inside() {
    INSIDE.store(true, Ordering::Release);
    while !LEAVE.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

/// `call_back` of klp_target, which calls what it is given.
#[allow(unsafe_code, reason = "calls into a module by address")]
fn call_back(address: u64) -> u64 {
    // SAFETY: the type of `call_back` in tests/modules/klp_target.c; the module is not unloaded while a thread is in it.
    let function: extern "C" fn(extern "C" fn()) -> u64 = unsafe { core::mem::transmute(address) };
    function(wait_inside)
}

static VISITOR: IrqLock<Option<JoinHandle<u64>>> = IrqLock::new(Rank::Case, None);
static CALL_BACK: AtomicU64 = AtomicU64::new(0);

/// Lets a thread into the module whose `call_back` is at [`CALL_BACK`], and returns when it is inside.
extern "C" fn let_visitor_in() {
    INSIDE.store(false, Ordering::Relaxed);
    LEAVE.store(false, Ordering::Relaxed);
    let visitor = Builder::new("visitor")
        .sacrificial()
        .spawn(|| call_back(CALL_BACK.load(Ordering::Relaxed)));
    *VISITOR.lock() = Some(visitor);
    while !INSIDE.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

/// Lets the visitor out: what it read when it was back in the module.
fn let_visitor_out() -> Result<u64, String> {
    LEAVE.store(true, Ordering::Release);
    let visitor = VISITOR.lock().take().ok_or("nobody was let in")?;
    visitor.join().map_err(text)
}

/// Sets a variable of a module.
#[allow(unsafe_code, reason = "writes a module's variable by address")]
fn set(module: &Module, name: &str, value: u64) -> Result<(), String> {
    let symbol = module.symbol(name).filter(|symbol| symbol.size == 8);
    let address = symbol
        .ok_or_else(|| alloc::format!("no variable '{name}' of 8 bytes"))?
        .address;
    // SAFETY: eight bytes of the module's data, which nobody else looks at until `cleanup_module`.
    unsafe { (address as *mut u64).write_volatile(value) };
    Ok(())
}

/// What a module has at an address.
fn symbol_at(address: u64) -> Option<String> {
    let mut found = None;
    module::locate(address, &mut |location| {
        let name = location.module.unwrap_or_default();
        found = Some(format!("{}+{:#x} [{name}]", location.path(), location.offset));
    });
    found
}

ktest! {
    fn three_lives_of_a_c_module() {
        // The first life warms up what is made once.
        one_life()?;
        let before = Snapshot::take();
        for life in 1..=3 {
            one_life().map_err(|reason| alloc::format!("life {life}: {reason}"))?;
            before.check().map_err(|change| alloc::format!("after life {life}: {change}"))?;
        }
        Ok(())
    }

    fn a_module_has_its_place_symbols_and_sites() {
        let used = used_bytes();
        let target = Loaded::new("klp_target")?;
        let module = target.module.clone();
        ensure!(memory::module_area().contains(&module.range.start), "it is at {:#x}", module.range.start);
        ensure_eq!(used_bytes() - used, module.range.end - module.range.start, "bytes of the area");
        ensure!(list().iter().any(|other| other.id == module.id), "it is not in the list");
        ensure_eq!(module.state(), State::Live, "its state");
        let entry = function(&target.module, "target_plain")?;
        ensure_eq!(symbol_at(entry + 4).as_deref(), Some("target_plain+0x4 [klp_target]"), "what is there");
        ensure!(module.sites.len() >= 10, "{} sites", module.sites.len());
        target.unload()?;
        ensure!(get("klp_target").is_none() && symbol_at(entry).is_none(), "it is still there");
        ensure_eq!(used_bytes(), used, "bytes of the area afterwards");
        Ok(())
    }

    fn modules_call_each_other() {
        let target = Loaded::new("klp_target")?;
        let caller = Loaded::new("klp_caller")?;
        let seen = call(&caller.module, "call_from_outside", 3)?;
        ensure_eq!((seen.result, seen.own), (B_TARGET + 3, A_CALLER), "a call between modules");
        let error = refused(|| unload("klp_target"))?;
        ensure_eq!(error.to_string(), "module 'klp_target': it is in use by module 'klp_caller'", "the message");
        ensure_eq!(error.errno(), Errno::Busy, "the number");
        caller.unload()?;
        ensure_eq!(target.module.use_count(), 0, "uses of klp_target");
        target.unload()
    }

    fn three_slots_are_hooked() {
        let module = Loaded::new("three_slots")?;
        let site = module.module.site(function(&module.module, "three_slots")?).ok_or("three_slots has no site")?;
        ensure_eq!(site.shape, ftrace::SiteShape::MflrStdBl, "its shape");
        for flags in [OpsFlags::empty(), OpsFlags::SAVE_REGS] {
            let ops = counter(flags);
            ftrace::register(&site, &ops, Place::Last).map_err(text)?;
            let seen = call(&module.module, "call_three_slots", 7);
            ftrace::unregister(&site, &ops).map_err(text)?;
            let seen = seen?;
            ensure_eq!((seen.result, seen.own), (B_SLOTS + 8, A_SLOTS), "hooked under {flags:?}");
            ensure_eq!(ops.data.load(Ordering::Relaxed), 1, "calls that the ops saw");
        }
        let seen = call(&module.module, "call_three_slots", 7)?;
        ensure_eq!((seen.result, seen.own), (B_SLOTS + 8, A_SLOTS), "not hooked");
        module.unload()
    }

    fn a_hooked_module_stays() {
        let target = Loaded::new("klp_target")?;
        let site = target.module.site(function(&target.module, "target_ten")?).ok_or("target_ten has no site")?;
        let ops = counter(OpsFlags::empty());
        ftrace::register(&site, &ops, Place::Last).map_err(text)?;
        let error = refused(|| unload("klp_target"));
        ftrace::unregister(&site, &ops).map_err(text)?;
        let wanted = "module 'klp_target': it is in use by the hook of its function 'target_ten'";
        ensure_eq!(error?.to_string(), wanted, "the message");
        target.unload()
    }

    fn a_live_patch_stays_and_what_it_patches_may_go_and_come() {
        let patch = Loaded::new("klp_patch")?;
        for round in 0..2 {
            let target = Loaded::new("klp_target")?;
            let seen = call(&target.module, "call_plain", 7)?;
            ensure_eq!((seen.result, seen.own), (C_PATCH + 7, A_TARGET), "live patched, life {round}");
            let error = refused(|| unload("klp_patch"))?;
            ensure_eq!(error.to_string(), "module 'klp_patch': it is in use by live patch 'klp_patch'", "the message");
            target.unload()?;
        }
        livepatch::disable("klp_patch").map_err(text)?;
        patch.unload()
    }

    fn a_module_with_a_thread_in_it_stays() {
        let target = Loaded::new("klp_target")?;
        CALL_BACK.store(function(&target.module, "call_back")?, Ordering::Relaxed);
        let_visitor_in();
        let error = unload("klp_target").err();
        let read = let_visitor_out()?;
        let error = error.ok_or("it was unloaded")?;
        let wanted = "module 'klp_target': it is in use by thread 'visitor', which has an address of it on its stack";
        ensure_eq!(error.to_string(), wanted, "the message");
        ensure_eq!(read, A_TARGET, "what the visitor read when it was back");
        target.unload()
    }

    fn a_module_stops_its_own_work() {
        let before = Snapshot::take();
        for _ in 0..2 {
            let working = Loaded::new("working")?;
            let busy = thread::find_stack_word_in(working.module.range.clone(), &[]);
            ensure_eq!(busy.as_deref(), Some("kworker"), "who is in it");
            working.unload()?;
        }
        before.check()
    }

    fn a_module_lingers_for_who_came_during_its_exit() {
        let module = Loaded::new("lingering")?;
        CALL_BACK.store(function(&module.module, "call_back")?, Ordering::Relaxed);
        set(&module.module, "at_exit", let_visitor_in as extern "C" fn() as usize as u64)?;
        let error = unload("lingering").err();
        let state = module.module.state();
        let again = hold("lingering", "the suite").err();
        let read = let_visitor_out()?;
        let text = error.ok_or("it was unloaded")?.to_string();
        ensure!(text.contains("in use by thread 'visitor'"), "{text}");
        ensure_eq!(state, State::Lingering, "its state");
        ensure_eq!(again.map(|error| error.reason), Some(Reason::OnItsWay), "holding it");
        ensure_eq!(read, A_LINGERING, "what the visitor read when it was back");
        // The second time does not run its exit again.
        module.unload()?;
        ensure!(VISITOR.lock().is_none(), "its exit was run twice");
        Ok(())
    }

    fn a_held_module_stays() {
        let target = Loaded::new("klp_target")?;
        let held = hold("klp_target", "the suite").map_err(text)?;
        let error = refused(|| unload("klp_target"))?;
        ensure_eq!(error.reason, Reason::InUse { user: "the suite".into() }, "the reason");
        drop(held);
        target.unload()?;
        let error = hold("klp_target", "the suite").err().ok_or("it was held")?;
        ensure_eq!(error.to_string(), "module 'klp_target': it is not loaded", "the message");
        Ok(())
    }
}

//! The showcase: the same call between two TOCs under each return design, wrong where it must be wrong.
//!
//! A is called in a sacrificial thread, because what goes wrong may go anywhere. Each case says on the console what A
//! read after the call, and with which r2.

use alloc::format;
use alloc::string::{String, ToString};
use core::sync::atomic::Ordering;

use arch::abi;
use arch::livepatch::ReturnDesign;

use super::{A_OWN, A_TEN_OWN, GATE, Seen, a_calls_b, a_calls_b_that_waits, a_calls_ten, b_ten_integers};
use crate::livepatch::KlpPatch;
use crate::thread::{Builder, JoinHandle, Outcome, spawn};
use crate::{ensure, ensure_eq, initrd, ktest, livepatch, module, println};

const MILLISECOND: u64 = arch::time::TICKS_PER_SECOND / 1000;

/// Whether the design is right where nothing but A's TOC is at stake, which a kernel without TOCs does not have.
fn keeps_toc(design: ReturnDesign) -> bool {
    !abi::HAS_TOC || design != ReturnDesign::None
}

/// The folder of the suite's modules whose code is of the kernel's own kind.
pub(super) const PLAIN: &str = "modules";

/// A module of the suite, unloaded at the end of the scope.
pub(super) struct Loaded(&'static str);

impl Loaded {
    fn new(name: &'static str) -> Result<Self, String> {
        Self::from(PLAIN, name)
    }

    /// The module of this name in a folder of the initrd.
    pub(super) fn from(folder: &str, name: &'static str) -> Result<Self, String> {
        let file = format!("{folder}/{name}.ko");
        let bytes = initrd::file(&file).ok_or_else(|| format!("'{file}' is not in the initrd"))?;
        module::load(&file, bytes).map_err(|error| error.to_string())?;
        Ok(Loaded(name))
    }

    /// Loads a live-patch module whose patch goes under `design`, whether that can carry it or not.
    fn under(name: &'static str, design: ReturnDesign) -> Result<Self, String> {
        Self::from_under(PLAIN, name, design)
    }

    /// The same for a folder of the initrd.
    pub(super) fn from_under(folder: &str, name: &'static str, design: ReturnDesign) -> Result<Self, String> {
        let before = livepatch::is_unsafe();
        livepatch::set_unsafe(true);
        let loaded = Self::from_checked_under(folder, name, design);
        livepatch::set_unsafe(before);
        loaded
    }

    /// Loads a live-patch module whose patch goes under `design`, if that can carry it.
    fn checked_under(name: &'static str, design: ReturnDesign) -> Result<Self, String> {
        Self::from_checked_under(PLAIN, name, design)
    }

    /// The same for a folder of the initrd.
    pub(super) fn from_checked_under(
        folder: &str,
        name: &'static str,
        design: ReturnDesign,
    ) -> Result<Self, String> {
        let before = livepatch::default_design();
        livepatch::set_default_design(design);
        let loaded = Loaded::from(folder, name);
        livepatch::set_default_design(before);
        loaded
    }

    pub(super) fn function(&self, name: &str) -> Result<u64, String> {
        let module = module::get(self.0).ok_or_else(|| format!("module '{}' is gone", self.0))?;
        let symbol = module
            .symbol(name)
            .ok_or_else(|| format!("module '{}' has no '{name}'", self.0))?;
        Ok(symbol.address)
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // A module that is no enabled live patch says so, which is no news.
        let _ = livepatch::disable(self.0);
        livepatch::settle();
        if let Err(error) = module::unload(self.0) {
            println!("# {error}");
        }
    }
}

/// Runs A where it can do no harm.
pub(super) fn in_sacrificial_thread<T: Send + 'static>(
    a: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Outcome> {
    Builder::new("A").time_limit(200 * MILLISECOND).spawn(a).join()
}

/// What a C function A answers: what it read of its own, and what B returned.
type CallInC = extern "C" fn(u64, &mut u64) -> u64;

/// Calls `A(x, &result)` of a module in C; answers what A read of its own and what B returned.
#[allow(
    unsafe_code,
    reason = "a function of a C module is an address until somebody says what its type is"
)]
pub(super) fn call_in_c(address: u64, x: u64) -> Result<(u64, u64), Outcome> {
    in_sacrificial_thread(move || {
        // SAFETY: the suite's own C modules declare their `call_…` functions with this type.
        let function = unsafe { core::mem::transmute::<usize, CallInC>(address as usize) };
        let mut result = 0;
        let own = function(x, &mut result);
        (own, result)
    })
}

/// Calls `rust_wait_from_outside`.
#[allow(
    unsafe_code,
    reason = "a function of a module is an address until somebody says what its type is"
)]
fn call_a(address: u64) -> Seen {
    // SAFETY: the function of `klp_rust_caller` that the case names has this type.
    let function = unsafe { core::mem::transmute::<usize, extern "C" fn() -> Seen>(address as usize) };
    function()
}

/// Calls `rust_call_from_outside`.
#[allow(
    unsafe_code,
    reason = "a function of a module is an address until somebody says what its type is"
)]
pub(super) fn call_in_rust(address: u64, argument: u64) -> Result<Seen, Outcome> {
    in_sacrificial_thread(move || {
        // SAFETY: the function of `klp_rust_caller` that the case names has this type.
        let function = unsafe { core::mem::transmute::<usize, extern "C" fn(u64) -> Seen>(address as usize) };
        function(argument)
    })
}

/// One line of the showcase.
fn show(what: &str, design: ReturnDesign, seen: &dyn core::fmt::Display, right: bool, expected: bool) {
    let verdict = if right { "RIGHT" } else { "WRONG" };
    let note = if right == expected {
        "as expected"
    } else {
        "NOT as expected"
    };
    println!("# {what:<34} {design:<16} {verdict}, {note}: {seen}");
}

/// Fails the case when an outcome is not the expected one, right or wrong.
pub(super) fn judge(
    what: &str,
    design: ReturnDesign,
    seen: &dyn core::fmt::Display,
    right: bool,
    expected: bool,
) -> Result<(), String> {
    show(what, design, seen, right, expected);
    let wanted = if expected { "right" } else { "wrong" };
    ensure!(
        right == expected,
        "{what} under {design} should come out {wanted}: {seen}"
    );
    Ok(())
}

/// C's own static in klp_rust.
pub(super) const C_OWN: u64 = 0x000c_000c_0000_0000;
/// The same in klp_patch.
pub(super) const C_OWN_IN_C: u64 = 0xcccc_0000_0000_0001;
/// A's in klp_target and in klp_caller.
pub(super) const A_OWN_IN_C: u64 = 0xaaaa_0000_0000_0001;
pub(super) const A_OWN_OUTSIDE_IN_C: u64 = 0xaaaa_0000_0000_0002;

/// The sum that B's variants in C make of `x`, `x + 1`, …, each with its own weight.
fn weighted_sum(x: u64, count: u64) -> u64 {
    (0..count).map(|n| (n + 1) * (x + n)).sum()
}

pub(super) fn describe_c(outcome: &Result<(u64, u64), Outcome>) -> String {
    match outcome {
        Ok((own, result)) => format!("A read {own:#018x}, C returned {result:#018x}"),
        Err(outcome) => format!("{outcome}"),
    }
}

pub(super) fn describe_rust(outcome: &Result<Seen, Outcome>, wanted: u64) -> String {
    match outcome {
        Ok(seen) => format!(
            "A read {:#018x} (wanted {wanted:#018x}) through r2 = {:#x}, C returned {:#018x}",
            seen.own, seen.toc, seen.result
        ),
        Err(outcome) => format!("{outcome}"),
    }
}

ktest! {
    fn a_local_call_in_rust() {
        let before = a_calls_b(5);
        ensure_eq!(before.own, A_OWN.load(Ordering::Relaxed), "A's static, unpatched");
        for design in ReturnDesign::for_kernel() {
            let patch = Loaded::under("klp_rust", design)?;
            let outcome = in_sacrificial_thread(|| a_calls_b(5));
            drop(patch);
            let right = outcome == Ok(Seen { result: C_OWN + 5, ..before });
            judge("A calls B locally, Rust", design, &describe_rust(&outcome, before.own), right, keeps_toc(design))?;
        }
        ensure_eq!(a_calls_b(5), before, "afterwards");
        Ok(())
    }

    fn a_local_call_in_c() {
        let target = Loaded::new("klp_target")?;
        let a = target.function("call_plain")?;
        for design in ReturnDesign::for_kernel() {
            let patch = Loaded::under("klp_patch", design)?;
            let outcome = call_in_c(a, 5);
            drop(patch);
            let right = outcome == Ok((A_OWN_IN_C, C_OWN_IN_C + 5));
            judge("A calls B locally, C", design, &describe_c(&outcome), right, keeps_toc(design))?;
        }
        Ok(())
    }

    fn a_call_from_another_object_in_rust() {
        let caller = Loaded::new("klp_rust_caller")?;
        let a = caller.function("rust_call_from_outside")?;
        for design in ReturnDesign::for_kernel() {
            let patch = Loaded::under("klp_rust", design)?;
            let outcome = call_in_rust(a, 5);
            drop(patch);
            let right = matches!(&outcome, Ok(seen) if seen.own == 0x0a0a_0a0a_0a0a_0a0a && seen.result == C_OWN + 5);
            judge("A calls B through a stub, Rust", design, &describe_rust(&outcome, 0x0a0a_0a0a_0a0a_0a0a), right, design != ReturnDesign::CallerFrame)?;
        }
        Ok(())
    }

    fn a_call_from_another_object_in_c() {
        let _target = Loaded::new("klp_target")?;
        let caller = Loaded::new("klp_caller")?;
        let a = caller.function("call_from_outside")?;
        for design in ReturnDesign::for_kernel() {
            let patch = Loaded::under("klp_patch", design)?;
            let outcome = call_in_c(a, 5);
            drop(patch);
            let right = outcome == Ok((A_OWN_OUTSIDE_IN_C, C_OWN_IN_C + 5));
            judge("A calls B through a stub, C", design, &describe_c(&outcome), right, design != ReturnDesign::CallerFrame)?;
        }
        Ok(())
    }

    fn ten_integers_in_rust() {
        for design in ReturnDesign::for_kernel() {
            let patch = Loaded::under("klp_rust", design)?;
            let outcome = in_sacrificial_thread(|| a_calls_ten());
            drop(patch);
            let own = A_TEN_OWN.load(Ordering::Relaxed);
            let right = matches!(&outcome, Ok(seen) if seen.own == own && seen.result == C_OWN + 1_234_567_890);
            let expected = keeps_toc(design) && design != ReturnDesign::MiniFrame;
            judge("ten integers, Rust", design, &describe_rust(&outcome, own), right, expected)?;
        }
        Ok(())
    }

    fn stack_arguments_in_c() {
        let target = Loaded::new("klp_target")?;
        for (what, a, count) in [("ten integers, C", "call_ten", 10), ("a struct of 96 bytes by value, C", "call_large", 12), ("variadic with 3 values, C", "call_variadic", 3)] {
            let a = target.function(a)?;
            for design in ReturnDesign::for_kernel() {
                let patch = Loaded::under("klp_patch", design)?;
                let outcome = call_in_c(a, 5);
                drop(patch);
                let right = outcome == Ok((A_OWN_IN_C, C_OWN_IN_C + weighted_sum(5, count)));
                let expected = keeps_toc(design) && design != ReturnDesign::MiniFrame;
                judge(what, design, &describe_c(&outcome), right, expected)?;
            }
        }
        Ok(())
    }

    fn a_module_that_a_sleeping_c_returns_to_stays() {
        for design in ReturnDesign::for_kernel() {
            let caller = Loaded::new("klp_rust_caller")?;
            let a = caller.function("rust_wait_from_outside")?;
            let patch = Loaded::under("klp_rust", design)?;
            GATE.close();
            let thread = spawn("A asleep in C", move || call_a(a));
            GATE.wait_for(thread.thread());
            let refusal = module::unload("klp_rust_caller").err().map(|error| error.to_string()).unwrap_or_default();
            GATE.open();
            let seen = thread.join().map_err(|outcome| outcome.to_string())?;
            drop(patch);
            ensure!(refusal.contains("A asleep in C"), "unloading A's module under {design}: '{refusal}'");
            ensure_eq!(seen.result, C_OWN, "what C returned under {design}");
        }
        Ok(())
    }

    fn what_a_design_cannot_carry_is_refused() {
        let refusal = Loaded::checked_under("klp_rust", ReturnDesign::MiniFrame).err();
        ensure!(refusal.is_some(), "klp_rust replaces a function with ten arguments, and mini-frame took it");
        let name = "kernel::situations::stack_arguments::b_ten_integers";
        let ten = |unchecked| {
            let new_function = b_ten_integers as *const () as u64;
            let patch = KlpPatch { unchecked, ..KlpPatch::of_kernel("ten", &[(name, new_function)]) };
            livepatch::enable(patch.under(ReturnDesign::MiniFrame))
        };
        let refusal = ten(false).err().map(|error| error.to_string()).unwrap_or_default();
        ensure!(
            refusal.contains(name) && refusal.contains("takes 2 stack arguments") && refusal.contains("shift them by 32 bytes"),
            "the refusal says: {refusal}"
        );
        ten(true).map_err(|error| error.to_string())?;
        livepatch::disable("ten").map_err(|error| error.to_string())?;
        for design in ReturnDesign::for_kernel().filter(|design| *design != ReturnDesign::MiniFrame) {
            drop(Loaded::checked_under("klp_rust", design)?);
        }
        Ok(())
    }

    fn three_threads_in_different_moments_of_one_call() {
        let call = |name| spawn(name, || a_calls_b_that_waits());
        let old_way = a_calls_b_that_waits();
        for design in ReturnDesign::for_kernel().filter(|design| *design != ReturnDesign::None) {
            GATE.close();
            let in_b: JoinHandle<Seen> = call("in B before the patch");
            GATE.wait_for(in_b.thread());
            let patch = Loaded::under("klp_rust", design)?;
            GATE.open();
            let in_b = in_b.join();
            let through = call("through the helper").join();
            GATE.close();
            let in_c: JoinHandle<Seen> = call("in C while it goes");
            GATE.wait_for(in_c.thread());
            livepatch::settle();
            livepatch::disable("klp_rust").map_err(|error| error.to_string())?;
            let stalled = livepatch::stalled();
            let unload = module::unload("klp_rust");
            GATE.open();
            let in_c = in_c.join();
            ensure_eq!(in_b, Ok(old_way), "the thread that was in B, under {design}");
            ensure_eq!(through, Ok(Seen { result: C_OWN, ..old_way }), "the thread after the patch, under {design}");
            ensure_eq!(in_c, Ok(Seen { result: C_OWN, ..old_way }), "the thread that slept in C, under {design}");
            let refusal = unload.err().map(|error| error.to_string()).unwrap_or_default();
            ensure!(refusal.contains("live patch 'klp_rust'"), "unloading C under a sleeping thread: '{refusal}'");
            ensure_eq!(stalled.len(), 1, "threads that the patch waits for");
            let stall = stalled[0].to_string();
            ensure!(stall.contains("'in C while it goes'") && stall.contains("klp_rust::"), "what it waits for: {stall}");
            drop(patch);
            ensure!(module::get("klp_rust").is_none(), "klp_rust is still there");
        }
        Ok(())
    }
}

//! C in a C module, between the TOCs of two or three modules: which return design is right, and how the others are wrong.

use alloc::format;
use alloc::string::{String, ToString};

use super::{Loaded, Seen};
use crate::livepatch::{self, ReturnDesign};
use crate::thread::Builder;
use crate::{ensure, ensure_eq, ktest};

/// The statics of tests/modules, as their sources have them.
const A_TARGET: u64 = 0xaaaa_0000_0000_0001;
const A_CALLER: u64 = 0xaaaa_0000_0000_0002;
const C_PATCH: u64 = 0xcccc_0000_0000_0001;

/// The three modules, with the patch enabled under one return design.
struct Patched {
    target: Loaded,
    caller: Loaded,
    patch: Loaded,
}

impl Patched {
    fn under(design: ReturnDesign) -> Result<Patched, String> {
        let target = Loaded::new("klp_target")?;
        let caller = Loaded::new("klp_caller")?;
        // The module's patch names no design, so it gets the boot's.
        let default = livepatch::default_design();
        livepatch::set_default_design(design);
        let patch = Loaded::new("klp_patch");
        livepatch::set_default_design(default);
        Ok(Patched {
            target,
            caller,
            patch: patch?,
        })
    }

    /// Calls an A of a module in a sacrificial thread; what went wrong there instead, if it did.
    fn call(module: &Loaded, name: &'static str, argument: u64) -> Result<Seen, String> {
        let module = Loaded(module.0.clone());
        let work = move || {
            let seen = module.call(name, argument);
            core::mem::forget(module);
            seen
        };
        let thread = Builder::new("sacrificial")
            .time_limit(arch::time::TICKS_PER_SECOND)
            .spawn(work);
        thread.join().map_err(|outcome| outcome.to_string())?
    }

    fn away(self) -> Result<(), String> {
        livepatch::disable("klp_patch").map_err(|error| error.to_string())?;
        self.patch.unload()?;
        self.caller.unload()?;
        self.target.unload()
    }
}

/// 1·x + 2·(x + 1) + … + n·(x + n − 1): what the functions of the suite make of n arguments that begin with x.
fn weighted(n: u64, x: u64) -> u64 {
    (0..n).map(|k| (k + 1) * (x + k)).sum()
}

ktest! {
    fn without_a_return_helper_a_has_the_wrong_toc() {
        let patched = Patched::under(ReturnDesign::None)?;
        let seen = Patched::call(&patched.target, "call_plain", 5);
        patched.away()?;
        let seen = seen?;
        ensure_eq!(seen.result, C_PATCH + 5, "what C returned");
        ensure!(seen.own != A_TARGET, "A read its own static, {:#x}, although nobody restored its TOC", seen.own);
        crate::println!("# without a return helper A read {:#018x} where {A_TARGET:#018x} is", seen.own);
        Ok(())
    }

    fn with_the_mini_frame_a_has_its_toc() {
        let patched = Patched::under(ReturnDesign::MiniFrame)?;
        let seen = Patched::call(&patched.target, "call_plain", 5);
        patched.away()?;
        ensure_eq!(seen?, Seen { result: C_PATCH + 5, own: A_TARGET }, "what A saw");
        Ok(())
    }

    fn a_caller_in_another_module_restores_its_own_toc() {
        for design in [ReturnDesign::None, ReturnDesign::MiniFrame] {
            let patched = Patched::under(design)?;
            let seen = Patched::call(&patched.caller, "call_from_outside", 5);
            patched.away()?;
            ensure_eq!(seen?, Seen { result: C_PATCH + 5, own: A_CALLER }, "what A saw under {design}");
        }
        Ok(())
    }

    fn the_mini_frame_shifts_stack_arguments() {
        for (name, count) in [("call_ten", 10), ("call_large", 12)] {
            let patched = Patched::under(ReturnDesign::MiniFrame)?;
            let seen = Patched::call(&patched.target, name, 5);
            patched.away()?;
            let seen = seen.map_err(|reason| format!("{name}: {reason}"))?;
            let right = C_PATCH + weighted(count, 5);
            ensure!(seen.result != right, "{name}: C has got all its arguments");
            crate::println!("# mini-frame, {name}: C returned {:#x}, with right arguments it is {right:#x}", seen.result);
        }
        Ok(())
    }

    fn the_mini_frame_lets_a_variadic_c_overwrite_a() {
        let patched = Patched::under(ReturnDesign::MiniFrame)?;
        // A restores its TOC from its frame, where C has put the third of its variable arguments.
        let seen = Patched::call(&patched.caller, "call_variadic_from_outside", 0x11_0000);
        patched.away()?;
        match seen {
            Ok(seen) => {
                ensure!(seen.own != A_CALLER, "A read its own static: its frame was not overwritten");
                crate::println!("# mini-frame, variadic: A read {:#x} where {A_CALLER:#x} is", seen.own);
            }
            Err(outcome) => crate::println!("# mini-frame, variadic: A's thread ended: {outcome}"),
        }
        Ok(())
    }
}

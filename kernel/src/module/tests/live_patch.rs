//! C in a C module, between the TOCs of two or three modules: which return design is right, and how the others are wrong.

use alloc::string::{String, ToString};

use super::{Loaded, Seen, call};
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
        let module = module.module.clone();
        let work = move || call(&module, name, argument);
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
        let patched = Patched::under(ReturnDesign::MiniFrame)?;
        let seen = Patched::call(&patched.target, "call_ten", 5);
        patched.away()?;
        let (seen, right) = (seen?, C_PATCH + weighted(10, 5));
        ensure!(seen.result != right, "C has got all its arguments");
        ensure_eq!(seen.own, A_TARGET, "what A read, which the shift does not touch");
        crate::println!("# mini-frame, 10 arguments: C returned {:#x}, with right ones it is {right:#x}", seen.result);
        Ok(())
    }

    /// C spills what came in registers to its caller's parameter save area. That is A's, and with a mini frame between them
    /// it is 32 bytes too low: in A's frame header, where the way back to A and A's TOC are.
    fn the_mini_frame_lets_c_overwrite_a() {
        let large: fn(&Patched) -> &Loaded = |patched| &patched.target;
        let variadic: fn(&Patched) -> &Loaded = |patched| &patched.caller;
        for (module, name, own, right) in [
            (large, "call_large", A_TARGET, C_PATCH + weighted(12, 5)),
            (variadic, "call_variadic_from_outside", A_CALLER, C_PATCH + weighted(3, 5)),
        ] {
            let patched = Patched::under(ReturnDesign::MiniFrame)?;
            let seen = Patched::call(module(&patched), name, 5);
            patched.away()?;
            ensure!(seen != Ok(Seen { result: right, own }), "{name}: all is right");
            match seen {
                Ok(seen) => crate::println!("# mini-frame, {name}: {seen:#x?}"),
                Err(outcome) => crate::println!("# mini-frame, {name}: A's thread ended: {outcome}"),
            }
        }
        Ok(())
    }

    fn the_caller_may_be_variadic_or_large_in_the_designs_that_leave_the_stack_alone() {
        for design in ReturnDesign::ALL {
            if matches!(design, ReturnDesign::None | ReturnDesign::MiniFrame | ReturnDesign::CallerFrame) {
                continue;
            }
            let patched = Patched::under(design)?;
            let large = Patched::call(&patched.target, "call_large", 5);
            let ten = Patched::call(&patched.target, "call_ten", 5);
            let variadic = Patched::call(&patched.caller, "call_variadic_from_outside", 5);
            patched.away()?;
            ensure_eq!(large?, Seen { result: C_PATCH + weighted(12, 5), own: A_TARGET }, "large, under {design}");
            ensure_eq!(ten?, Seen { result: C_PATCH + weighted(10, 5), own: A_TARGET }, "ten, under {design}");
            ensure_eq!(variadic?, Seen { result: C_PATCH + weighted(3, 5), own: A_CALLER }, "variadic, under {design}");
        }
        Ok(())
    }
}

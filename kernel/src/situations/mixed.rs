//! The showcase once more, where one of A, B and C has a TOC and another has none.
//!
//! The initrd has the modules of these cases twice: compiled as the kernel is, and the other way. Code without a TOC uses r2
//! as it likes (here C does, see `klp_patch.c`), so what is at stake is the TOC of an A that has one. A POWER8 or POWER9
//! runs one kind of code only: there the cases want the other kind to be refused.

use alloc::format;
use alloc::string::{String, ToString};

use arch::abi;
use arch::cpu;
use arch::livepatch::ReturnDesign;

use super::tests::{
    A_OWN_IN_C, A_OWN_OUTSIDE_IN_C, C_OWN, C_OWN_IN_C, Loaded, PLAIN, call_in_c, call_in_rust, describe_c,
    describe_rust, in_sacrificial_thread, judge,
};
use super::{Seen, a_calls_b};
use crate::{ensure, ktest, println};

/// The folder of the modules whose code is of the other kind than the kernel's.
const OTHER: &str = "mixed";

/// Whether code has a TOC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Toc,
    Pcrel,
}

use Code::{Pcrel, Toc};

impl Code {
    /// Where the initrd has modules of such code.
    fn folder(self) -> &'static str {
        if (self == Toc) == abi::HAS_TOC {
            PLAIN
        } else {
            OTHER
        }
    }

    fn name(self) -> &'static str {
        match self {
            Toc => "a TOC",
            Pcrel => "none",
        }
    }
}

/// What a case expects of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Right,
    Wrong,
    Refused,
}

use Expected::{Refused, Right, Wrong};

/// On a processor that runs both kinds of code, the case; on another one, that it does not get the second kind.
fn where_both_run(case: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if cpu::has_prefixed_instructions() {
        return case();
    }
    let refusal = Loaded::from(OTHER, "klp_target").err().unwrap_or_default();
    println!("# {refusal}");
    ensure!(
        refusal.contains("'klp_target'") && refusal.contains("no prefixed instructions"),
        "pc-relative code on this processor: '{refusal}'"
    );
    Ok(())
}

/// Calls `b`'s function B, whose replacement is in code like `c`: from its own object, or from another one in code like `a`.
/// `expected` is in the order of [`ReturnDesign::ALL`].
fn in_c(a: Option<Code>, b: Code, c: Code, expected: [Expected; 5]) -> Result<(), String> {
    let target = Loaded::from(b.folder(), "klp_target")?;
    let caller = a.map(|a| Loaded::from(a.folder(), "klp_caller")).transpose()?;
    let (call, own) = match &caller {
        None => (target.function("call_plain")?, A_OWN_IN_C),
        Some(caller) => (caller.function("call_from_outside")?, A_OWN_OUTSIDE_IN_C),
    };
    let what = match a {
        None => format!("A and B have {}, C {}", b.name(), c.name()),
        Some(a) => format!("A has {}, B {}, C {}", a.name(), b.name(), c.name()),
    };
    for (design, expected) in ReturnDesign::ALL.into_iter().zip(expected) {
        if expected == Refused {
            let loaded = Loaded::from_checked_under(c.folder(), "klp_patch", design);
            ensure!(loaded.is_err(), "{what}: {design} took it");
            println!("# {what:<34} {design:<16} refused, as expected");
            continue;
        }
        let patch = Loaded::from_under(c.folder(), "klp_patch", design)?;
        let outcome = call_in_c(call, 5);
        drop(patch);
        let right = outcome == Ok((own, C_OWN_IN_C + 5));
        judge(&what, design, &describe_c(&outcome), right, expected == Right)?;
    }
    Ok(())
}

/// The same for B in the kernel and a replacement in Rust of the other kind. `none` is left out: whether a C in Rust uses r2 is
/// the compiler's to choose.
fn in_rust(what: &str, own: u64, call: impl Fn() -> Result<Seen, String>) -> Result<(), String> {
    for design in ReturnDesign::for_kernel().filter(|design| *design != ReturnDesign::None) {
        let patch = Loaded::from_under(OTHER, "klp_rust", design)?;
        let outcome = call();
        drop(patch);
        let right = matches!(&outcome, Ok(seen) if seen.own == own && seen.result == C_OWN + 5);
        let seen = match outcome {
            Ok(seen) => describe_rust(&Ok(seen), own),
            Err(error) => error,
        };
        judge(what, design, &seen, right, true)?;
    }
    Ok(())
}

ktest! {
    fn code_with_a_toc_patched_by_code_without() {
        where_both_run(|| {
            in_c(None, Toc, Pcrel, [Wrong, Right, Right, Right, Right])?;
            // A loads its r2 from 24(r1), over which caller-frame has written B's.
            in_c(Some(Toc), Toc, Pcrel, [Right, Right, Wrong, Right, Right])?;
            in_c(Some(Pcrel), Toc, Pcrel, [Right; 5])
        })
    }

    fn code_without_a_toc_patched_by_code_with() {
        where_both_run(|| {
            let expected = [Right, Right, Refused, Right, Right];
            in_c(None, Pcrel, Toc, expected)?;
            in_c(Some(Toc), Pcrel, Toc, expected)?;
            in_c(Some(Pcrel), Pcrel, Toc, expected)
        })
    }

    fn a_caller_of_the_other_kind() {
        where_both_run(|| {
            in_c(Some(Pcrel), Toc, Toc, [Right; 5])?;
            in_c(Some(Toc), Pcrel, Pcrel, [Right, Right, Refused, Right, Right])
        })
    }

    fn rust_of_the_other_kind() {
        where_both_run(|| {
            let own = a_calls_b(5).own;
            let local = || in_sacrificial_thread(|| a_calls_b(5)).map_err(|outcome| outcome.to_string());
            in_rust("A and B in the kernel, C otherwise", own, local)?;
            let caller = Loaded::from(OTHER, "klp_rust_caller")?;
            let a = caller.function("rust_call_from_outside")?;
            let outside = || call_in_rust(a, 5).map_err(|outcome| outcome.to_string());
            in_rust("B in the kernel, A and C otherwise", 0x0a0a_0a0a_0a0a_0a0a, outside)
        })
    }
}

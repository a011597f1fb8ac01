//! References to a module that comes later, or has come already: `tests/modules/klp_late.c`.

use alloc::string::{String, ToString};

use super::super::{Reason, Snapshot, load};
use super::{Loaded, call, file, refused};
use crate::livepatch::{self, KlpError};
use crate::{ensure_eq, ktest};

/// `b_value` of klp_target, and what its A reads.
const B_TARGET: u64 = 0xbbbb_0000_0000_0001;
const A_TARGET: u64 = 0xaaaa_0000_0000_0001;

/// What the replacement returns for 7.
const PATCHED: u64 = B_TARGET.wrapping_mul(11).wrapping_add(7);

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// A target that comes and goes twice while the patch is there, and a patch that comes when the target is there.
fn lives() -> Result<(), String> {
    let patch = Loaded::new("klp_late")?;
    for life in 0..2 {
        let target = Loaded::new("klp_target")?;
        let seen = call(&target.module, "call_plain", 7)?;
        ensure_eq!((seen.result, seen.own), (PATCHED, A_TARGET), "life {life}");
        target.unload()?;
    }
    livepatch::disable("klp_late").map_err(text)?;
    livepatch::settle();
    patch.unload()?;
    let target = Loaded::new("klp_target")?;
    let patch = Loaded::new("klp_late")?;
    livepatch::settle();
    let seen = call(&target.module, "call_plain", 7)?;
    ensure_eq!(
        (seen.result, seen.own),
        (PATCHED, A_TARGET),
        "the patch came later"
    );
    livepatch::disable("klp_late").map_err(text)?;
    livepatch::settle();
    patch.unload()?;
    target.unload()
}

ktest! {
    fn a_patch_refers_to_a_module_that_comes_later() {
        lives()?;
        let before = Snapshot::take();
        lives()?;
        before.check()
    }

    fn what_the_module_has_not_is_refused() {
        let wanted = KlpError::NoFunction { object: "klp_target".into(), function: "nothing_of_the_kind".into() };
        let target = Loaded::new("klp_target")?;
        let bytes = file("klp_late_missing")?;
        let error = refused(|| load("klp_late_missing", bytes))?;
        ensure_eq!(error.reason, Reason::Patch(wanted.clone()), "the target is there");
        target.unload()?;
        let missing = Loaded::new("klp_late_missing")?;
        let bytes = file("klp_target")?;
        let error = refused(|| load("klp_target", bytes))?;
        ensure_eq!(error.reason, Reason::Patch(wanted), "the target comes later");
        missing.unload()
    }
}

//! Cases for system states, and for patches of nothing but callbacks, in Rust; those of C are in `tests/modules/klp_state.h`.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::errno::Errno;

use super::{KlpCallbacks, KlpError, KlpObject, KlpPatch, KlpState, disable, enable, previous_state, settle};
use crate::module::Snapshot;
use crate::sync::{IrqLock, Rank};
use crate::{ensure, ensure_eq, ktest};

const ID: u64 = 0x57a7;

/// What callbacks saw: patch, callback, and the version of the state below.
static SEEN: IrqLock<Vec<(&str, &str, Option<u32>)>> = IrqLock::new(Rank::Case, Vec::new());

fn note(patch: &'static str, callback: &'static str) {
    let below = previous_state(ID).map(|state| state.version);
    SEEN.lock().push((patch, callback, below));
}

fn seen() -> Vec<(&'static str, &'static str, Option<u32>)> {
    core::mem::take(&mut *SEEN.lock())
}

/// A patch of callbacks alone.
fn patch(name: &'static str, version: Option<u32>, replace: bool) -> KlpPatch {
    let callbacks = KlpCallbacks {
        pre_patch: Some(Box::new(move || {
            note(name, "pre_patch");
            0
        })),
        post_patch: Some(Box::new(move || note(name, "post_patch"))),
        pre_unpatch: Some(Box::new(move || note(name, "pre_unpatch"))),
        post_unpatch: Some(Box::new(move || note(name, "post_unpatch"))),
    };
    let state = |version| KlpState {
        id: ID,
        version,
        data: 0,
    };
    KlpPatch {
        name: String::from(name),
        replace,
        states: version.map(state).into_iter().collect(),
        objects: Vec::from([KlpObject {
            callbacks,
            ..KlpObject::default()
        }]),
        ..KlpPatch::default()
    }
}

fn text(error: KlpError) -> String {
    error.to_string()
}

fn go(name: &str) -> Result<(), String> {
    disable(name).map_err(text)?;
    settle();
    Ok(())
}

ktest! {
    fn callbacks_see_the_states_below() {
        let before = Snapshot::take();
        drop(seen());
        enable(patch("first", Some(1), false)).map_err(text)?;
        settle();
        let alone = seen();
        enable(patch("second", Some(1), false)).map_err(text)?;
        settle();
        let stacked = seen();
        enable(patch("third", Some(3), true)).map_err(text)?;
        settle();
        let replacing = seen();
        let left: Vec<String> = super::enabled().into_iter().map(|info| info.name).collect();
        ensure_eq!(previous_state(ID), None, "a state without a transition");
        go("third")?;
        let going = seen();
        ensure_eq!(alone, [("first", "pre_patch", None), ("first", "post_patch", None)], "the first");
        ensure_eq!(stacked, [("second", "pre_patch", Some(1)), ("second", "post_patch", Some(1))], "the second");
        ensure_eq!(replacing, [("third", "pre_patch", Some(1)), ("third", "post_patch", Some(1))], "the third");
        ensure_eq!(left, ["third"], "who is left");
        ensure_eq!(going, [("third", "pre_unpatch", None), ("third", "post_unpatch", None)], "the end");
        before.check()
    }

    fn a_patch_must_know_the_states_that_are_there() {
        enable(patch("second", Some(2), false)).map_err(text)?;
        settle();
        drop(seen());
        let refused = [
            enable(patch("earlier", Some(1), false)),
            enable(patch("earlier and replacing", Some(1), true)),
            enable(patch("ignorant and replacing", None, true)),
        ];
        let nobody_asked = seen().is_empty();
        // Who takes nobody's place need not know what the others do.
        enable(patch("ignorant", None, false)).map_err(text)?;
        settle();
        go("ignorant")?;
        enable(patch("same and replacing", Some(2), true)).map_err(text)?;
        settle();
        go("same and replacing")?;
        drop(seen());
        for (result, name) in refused.into_iter().zip(["earlier", "earlier and replacing", "ignorant and replacing"]) {
            ensure_eq!(result, Err(KlpError::Incompatible { patch: name.to_string() }), "{name}");
        }
        ensure!(nobody_asked, "a callback of a refused patch was called");
        let error = KlpError::Incompatible { patch: "x".to_string() };
        ensure_eq!(error.errno(), Errno::Invalid, "the number");
        ensure_eq!(
            error.to_string(),
            "Livepatch patch (x) is not compatible with the already installed livepatches.",
            "the message"
        );
        Ok(())
    }
}

//! What enabling a patch costs, from the call to the last thread, by how many threads sleep meanwhile.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use log::LevelFilter;

use super::cast::{self, Function, of_b, of_many};
use super::meter::once;
use super::{Unit, tell};
use crate::ftrace::reap;
use crate::livepatch::{KlpFunc, KlpObject, KlpPatch, disable, enable, move_threads, settle};
use crate::situations::GATE;
use crate::thread::with_all;
use crate::{ensure, ensure_eq, initrd, ktest, module};

/// How many threads there are, with those that the kernel has anyway.
const THREADS: [usize; 3] = [28, 128, 1028];

/// The module that is patched.
const MODULE: &str = "klp_target";

/// Measures.
///
/// # Errors
/// A patch could not be enabled, or was not by all threads.
pub(super) fn measure() -> ktest::Result {
    let file = format!("modules/{MODULE}.ko");
    let bytes = initrd::file(&file).ok_or_else(|| format!("{file} is not in the initrd"))?;
    module::load(MODULE, bytes).map_err(|error| error.to_string())?;
    let mut transitions = Vec::new();
    for threads in THREADS {
        let sleepers = GATE.sleepers(threads - with_all(<[_]>::len));
        let measured = with_threads(threads);
        GATE.open();
        for sleeper in sleepers {
            sleeper.join().map_err(|outcome| outcome.to_string())?;
        }
        transitions.push(measured?);
    }
    let more = transitions[2] - transitions[0];
    let each = more / (THREADS[2] - THREADS[0]) as u64;
    tell("transition/each-thread", Unit::Instructions, each);
    module::unload(MODULE).map_err(|error| error.to_string())
}

/// Measures all that depends on the number of threads; answers what moving them took.
fn with_threads(threads: usize) -> Result<u64, String> {
    let quiet = log::max_level();
    // With the messages that everybody gets who has asked for no level.
    log::set_max_level(LevelFilter::Info);
    let logged = enabling(of_kernel()?);
    log::set_max_level(quiet);
    tell(&format!("enable/logged/{threads}"), Unit::Instructions, logged?);
    let kernel = enabling(of_kernel()?)?;
    tell(&format!("enable/kernel/{threads}"), Unit::Instructions, kernel);
    let module = enabling(of_module()?)?;
    tell(&format!("enable/module/{threads}"), Unit::Instructions, module);
    if threads == THREADS[0] {
        let hundred = enabling(of_hundred()?)?;
        tell("enable/100-functions", Unit::Instructions, hundred);
    }
    let (transition, have_all_moved) = once(move_threads)?;
    ensure!(have_all_moved, "a thread that sleeps could not be moved");
    tell(&format!("transition/{threads}"), Unit::Instructions, transition);
    Ok(transition)
}

/// Instructions from the call of `enable` to the end of the transition.
fn enabling(patch: KlpPatch) -> Result<u64, String> {
    let name = patch.name.clone();
    reap();
    let (instructions, result) = once(|| {
        enable(patch)?;
        settle();
        Ok(())
    })?;
    result.map_err(|error: crate::livepatch::KlpError| error.to_string())?;
    disable(&name).map_err(|error| error.to_string())?;
    settle();
    reap();
    Ok(instructions)
}

/// A patch as people make them: checked.
fn checked(patch: KlpPatch) -> KlpPatch {
    KlpPatch {
        unchecked: false,
        ..patch
    }
}

/// Of one function of the kernel.
pub(super) fn of_kernel() -> Result<KlpPatch, String> {
    Ok(checked(cast::patch("bench", Vec::from([of_b()?]))))
}

/// Of a hundred.
pub(super) fn of_hundred() -> Result<KlpPatch, String> {
    Ok(checked(cast::patch("bench", of_many(100)?)))
}

/// Of one function of the module.
fn of_module() -> Result<KlpPatch, String> {
    let func = KlpFunc {
        old_name: "target_plain".into(),
        sympos: 0,
        new_function: cast::c as *const () as u64,
    };
    let object = KlpObject {
        name: Some(MODULE.into()),
        funcs: Vec::from([func]),
        ..KlpObject::default()
    };
    Ok(KlpPatch {
        name: "bench".into(),
        objects: Vec::from([object]),
        ..KlpPatch::default()
    })
}

/// Whether B is what it was.
pub(super) fn is_as_before() -> ktest::Result {
    let answer = core::hint::black_box(cast::b as Function)(1);
    ensure_eq!(answer, 2, "what the function answers after its patch has gone");
    Ok(())
}

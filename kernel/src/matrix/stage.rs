//! One cell's stage: the modules that play A, B and C, the patch between them, and the thread in which A is called.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;
use kernel_core::scan::Refusal;

use super::players::{self, CallA, call_a};
use super::subjects::{A_OWN, C_OWN, LOST_TOC, Seen, is_argument};
use super::{Language, Outcome, Wrong};
use crate::exceptions::Fault;
use crate::livepatch::{self, KlpError, KlpFunc, KlpObject, KlpPatch, find_function};
use crate::thread::{self, Builder};
use crate::{module, symbols};

pub(super) const MILLISECOND: u64 = arch::time::TICKS_PER_SECOND / 1000;
/// What a call may take before it counts as an endless loop.
pub(super) const TIME_LIMIT: u64 = 100 * MILLISECOND;
/// The name of the stage's patch.
pub(super) const PATCH: &str = "matrix";

/// One cell's modules, loaded, and its patch. Everything is taken back when it is dropped.
pub struct Stage {
    /// Who plays.
    pub language: Language,
    /// The return design of the cell.
    pub design: ReturnDesign,
    loaded: Vec<&'static str>,
}

impl Stage {
    /// Loads what a situation in this language needs.
    pub fn new(language: Language, design: ReturnDesign) -> Result<Self, String> {
        let mut stage = Stage {
            language,
            design,
            loaded: Vec::new(),
        };
        for name in language.modules() {
            players::load(name)?;
            stage.loaded.push(name);
        }
        Ok(stage)
    }

    /// The function A of a situation, in B's object.
    pub fn a(&self, id: &str) -> Result<CallA, String> {
        self.language.a(id).map(call_a)
    }

    /// The function A of a situation, in an object that has neither B nor C.
    pub fn a_elsewhere(&self, id: &str) -> Result<CallA, String> {
        self.language.a_elsewhere(id).map(call_a)
    }

    /// The function C of a situation.
    pub fn c(&self, id: &str) -> Result<u64, String> {
        self.language.c(id)
    }

    /// B of a situation, with its site.
    pub fn b(&self, id: &str) -> Result<livepatch::Function, String> {
        let name = self.language.full_name(&format!("b_{id}"))?;
        find_function(self.language.target(), &name, 0).map_err(|error| error.to_string())
    }

    /// Enables the patch that puts each `c_…` in the place of its `b_…`.
    pub fn enable(&self, ids: &[&str]) -> Result<(), String> {
        let pairs: Vec<_> = ids.iter().map(|id| (*id, *id)).collect();
        self.enable_pairs(PATCH, &pairs)
    }

    /// Enables a patch that puts for each pair the second's `c_…` in the place of the first's `b_…`.
    pub fn enable_pairs(&self, patch: &str, pairs: &[(&str, &str)]) -> Result<(), String> {
        livepatch::enable(self.patch(patch, pairs)?).map_err(|error| error.to_string())?;
        move_all(patch)
    }

    /// Asks for `c_…` in the place of `b_…` as everybody else has to ask, and wants a refusal since B has no TOC pointer.
    pub fn refusal(&self, b: &str, c: &str) -> Result<Outcome, String> {
        let patch = KlpPatch {
            unchecked: false,
            ..self.patch(PATCH, &[(b, c)])?
        };
        match livepatch::enable(patch) {
            Err(KlpError::Refused {
                refusal: Refusal::NoTocPointer { .. },
                ..
            }) => Ok(Outcome::Refused),
            Err(error) => Err(error.to_string()),
            Ok(_) => Err("it was not refused".to_string()),
        }
    }

    fn patch(&self, name: &str, pairs: &[(&str, &str)]) -> Result<KlpPatch, String> {
        let func = |(b, c): &(&str, &str)| {
            let new_function = self.c(c)?;
            Ok(KlpFunc {
                old_name: self.language.full_name(&format!("b_{b}"))?,
                sympos: 0,
                new_function,
            })
        };
        let funcs = pairs.iter().map(func).collect::<Result<Vec<_>, String>>()?;
        let object = KlpObject {
            name: self.language.target().map(String::from),
            funcs,
            ..KlpObject::default()
        };
        Ok(KlpPatch {
            name: name.to_string(),
            design: Some(self.design),
            unchecked: true,
            objects: Vec::from([object]),
            ..KlpPatch::default()
        })
    }

    /// Takes the patch away.
    pub fn disable(&self) -> Result<(), String> {
        take_away(PATCH)
    }

    /// Calls A in a sacrificial thread, once, and says what came out.
    pub fn call(&self, a: CallA) -> Outcome {
        judge(run(move || {
            let mut seen = Seen::default();
            a(&mut seen);
            seen
        }))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A cell that ended early may or may not have its patch.
        let _ = take_away(PATCH);
        for name in self.loaded.iter().rev() {
            if let Err(error) = module::unload(name) {
                crate::println!("# {error}");
            }
        }
    }
}

/// Disables a patch.
pub(super) fn take_away(patch: &str) -> Result<(), String> {
    livepatch::disable(patch).map_err(|error| error.to_string())?;
    move_all(patch)
}

/// Ends a transition at once: a return design must be right wherever its threads are.
fn move_all(patch: &str) -> Result<(), String> {
    if livepatch::is_in_transition() {
        livepatch::force(patch).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Runs `body` where it can do no harm.
pub(super) fn run<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<T, thread::Outcome> {
    Builder::new("A").time_limit(TIME_LIMIT).spawn(body).join()
}

/// What came out of a call, from what A saw or from how its thread ended.
pub(crate) fn judge(seen: Result<Seen, thread::Outcome>) -> Outcome {
    match seen {
        Ok(Seen { own, .. }) if own != A_OWN => Outcome::Wrong(Wrong::Toc),
        Ok(Seen { result: C_OWN, .. }) => Outcome::Right,
        Ok(Seen { result, .. }) => match result.wrapping_sub(C_OWN) {
            number @ 1..=64 => Outcome::Wrong(Wrong::Argument(number as u8)),
            LOST_TOC => Outcome::Wrong(Wrong::Toc),
            _ => Outcome::Wrong(Wrong::Result),
        },
        Err(thread::Outcome::OutOfTime { .. }) => Outcome::Wrong(Wrong::EndlessLoop),
        Err(thread::Outcome::Faulted(fault)) if is_argument(fault.nip) => Outcome::Wrong(Wrong::Frame),
        Err(thread::Outcome::Faulted(fault)) if is_helpers_trap(&fault) => Outcome::Wrong(Wrong::Stopped),
        Err(thread::Outcome::Faulted(fault)) if is_access_of_a(&fault) => Outcome::Wrong(Wrong::Toc),
        Err(thread::Outcome::Faulted(_)) => Outcome::Wrong(Wrong::WildJump),
        Err(thread::Outcome::Returned) => Outcome::Wrong(Wrong::Result),
    }
}

/// Whether A itself wanted data where there is none. It has no other addresses than those that it reads through r2, and a
/// wrong one may lead out of memory.
fn is_access_of_a(fault: &Fault) -> bool {
    let mut is_a = false;
    symbols::resolve(fault.nip, &mut |location| {
        let path = location.path().to_string();
        let name = path.rsplit("::").next().unwrap_or_default();
        is_a = !location.is_stub && name.starts_with("a_");
    });
    is_a && fault.data_address.is_some()
}

/// Whether a return helper stopped the thread. A trap elsewhere is what a wild jump finds where a module has been.
fn is_helpers_trap(fault: &Fault) -> bool {
    fault.what == "trap" && arch::image::notrace().contains(&fault.nip)
}

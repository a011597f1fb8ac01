//! One cell's stage: the modules that play A, B and C, the patch between them, and the thread in which A is called.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;
use kernel_core::scan::Refusal;

use super::subjects::{A_OWN, C_OWN, LOST_TOC, Seen, is_argument};
use super::{Language, Outcome, Wrong};
use crate::exceptions::Fault;
use crate::livepatch::{self, KlpError, KlpFunc, KlpObject, KlpPatch, find_function};
use crate::thread::{self, Builder};
use crate::{initrd, module, symbols};

pub(super) const MILLISECOND: u64 = arch::time::TICKS_PER_SECOND / 1000;
/// What a call may take before it counts as an endless loop.
pub(super) const TIME_LIMIT: u64 = 100 * MILLISECOND;
/// The name of the stage's patch.
pub(super) const PATCH: &str = "matrix";

/// The files of `subjects`.
const SUBJECTS: [&str; 4] = ["arguments", "callers", "shapes", "variadic"];

/// Calls A, which writes down what it saw.
pub(super) type CallA = extern "C" fn(&mut Seen);

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
        let modules: &[&str] = match language {
            Language::Rust => &["matrix_patch_rust", "matrix_company_rust", "matrix_caller_rust"],
            Language::C => &["matrix_target", "matrix_patch", "matrix_company", "matrix_caller"],
        };
        for name in modules {
            let file = format!("modules/{name}.ko");
            let bytes = initrd::file(&file).ok_or_else(|| format!("'{file}' is not in the initrd"))?;
            module::load(&file, bytes).map_err(|error| error.to_string())?;
            stage.loaded.push(name);
        }
        Ok(stage)
    }

    /// The object that A and B are in; `None`: the kernel.
    fn target(&self) -> Option<&'static str> {
        match self.language {
            Language::Rust => None,
            Language::C => Some("matrix_target"),
        }
    }

    fn in_module(name: &str, function: &str) -> Result<u64, String> {
        let module = module::get(name).ok_or_else(|| format!("module '{name}' is not loaded"))?;
        let path = format!("{name}::{function}");
        let symbol = module.symbol(function).or_else(|| module.symbol(&path));
        symbol
            .map(|symbol| symbol.address)
            .ok_or_else(|| format!("module '{name}' has no '{function}'"))
    }

    /// The full name of a function A or B, as a patch gives it: in Rust, the file of `subjects` that has it is part of it.
    fn name(&self, function: &str) -> Result<String, String> {
        if self.language == Language::C {
            return Ok(function.to_string());
        }
        if function == "b_closure" {
            return Ok("kernel::matrix::subjects::arguments::a_closure::{closure#0}".to_string());
        }
        let names = SUBJECTS.map(|file| format!("kernel::matrix::subjects::{file}::{function}"));
        let found = names
            .into_iter()
            .find(|name| find_function(None, name, 0).is_ok());
        found.ok_or_else(|| format!("no file of kernel::matrix::subjects has '{function}'"))
    }

    /// The function A of a situation, in B's object.
    pub fn a(&self, id: &str) -> Result<CallA, String> {
        let name = self.name(&format!("a_{id}"))?;
        let function = find_function(self.target(), &name, 0).map_err(|error| error.to_string())?;
        Ok(call_a(function.address))
    }

    /// The function A of a situation, in an object that has neither B nor C.
    pub fn a_elsewhere(&self, id: &str) -> Result<CallA, String> {
        let module = match self.language {
            Language::Rust => "matrix_caller_rust",
            Language::C => "matrix_caller",
        };
        Self::in_module(module, &format!("a_{id}")).map(call_a)
    }

    /// The function C of a situation.
    pub fn c(&self, id: &str) -> Result<u64, String> {
        let modules = match self.language {
            Language::Rust => ["matrix_patch_rust", "matrix_company_rust"],
            Language::C => ["matrix_patch", "matrix_company"],
        };
        let name = format!("c_{id}");
        Self::in_module(modules[0], &name).or_else(|_| Self::in_module(modules[1], &name))
    }

    /// B of a situation, with its site.
    pub fn b(&self, id: &str) -> Result<livepatch::Function, String> {
        find_function(self.target(), &self.name(&format!("b_{id}"))?, 0).map_err(|error| error.to_string())
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
                old_name: self.name(&format!("b_{b}"))?,
                sympos: 0,
                new_function,
            })
        };
        let funcs = pairs.iter().map(func).collect::<Result<Vec<_>, String>>()?;
        let object = KlpObject {
            name: self.target().map(String::from),
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

#[allow(
    unsafe_code,
    reason = "a function found by its name is an address until somebody says what its type is"
)]
fn call_a(address: u64) -> CallA {
    // SAFETY: every `a_…` of the matrix has this type, in both languages (see `subjects` and `tests/modules/matrix.h`).
    unsafe { core::mem::transmute::<usize, CallA>(address as usize) }
}

/// Runs `body` where it can do no harm.
pub(super) fn run<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<T, thread::Outcome> {
    Builder::new("A").time_limit(TIME_LIMIT).spawn(body).join()
}

/// What came out of a call, from what A saw or from how its thread ended.
pub(super) fn judge(seen: Result<Seen, thread::Outcome>) -> Outcome {
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
        let name = location.path.rsplit("::").next().unwrap_or_default();
        is_a = !location.is_stub && name.starts_with("a_");
    });
    is_a && fault.data_address.is_some()
}

/// Whether a return helper stopped the thread. A trap elsewhere is what a wild jump finds where a module has been.
fn is_helpers_trap(fault: &Fault) -> bool {
    fault.what == "trap" && arch::image::notrace().contains(&fault.nip)
}

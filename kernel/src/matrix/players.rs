//! Who plays A, B and C: which modules they are in, and what they are called there.

use alloc::format;
use alloc::string::{String, ToString};

use super::Language;
use super::subjects::Seen;
use crate::livepatch::find_function;
use crate::{initrd, module};

/// The files of `subjects`.
const SUBJECTS: [&str; 4] = ["arguments", "callers", "shapes", "variadic"];

/// Calls A, which writes down what it saw.
pub(crate) type CallA = extern "C" fn(&mut Seen);

/// Loads a module of the initrd.
pub(crate) fn load(name: &str) -> Result<(), String> {
    let file = format!("modules/{name}.ko");
    let bytes = initrd::file(&file).ok_or_else(|| format!("'{file}' is not in the initrd"))?;
    module::load(&file, bytes)
        .map(drop)
        .map_err(|error| error.to_string())
}

impl Language {
    /// The modules that play, in an order in which they can be loaded.
    pub(crate) fn modules(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &["matrix_patch_rust", "matrix_company_rust", "matrix_caller_rust"],
            Language::C => &["matrix_target", "matrix_patch", "matrix_company", "matrix_caller"],
        }
    }

    /// Those of them that have the C.
    pub(crate) fn replacements(self) -> [&'static str; 2] {
        match self {
            Language::Rust => ["matrix_patch_rust", "matrix_company_rust"],
            Language::C => ["matrix_patch", "matrix_company"],
        }
    }

    /// The object that A and B are in; `None`: the kernel.
    pub(crate) fn target(self) -> Option<&'static str> {
        match self {
            Language::Rust => None,
            Language::C => Some("matrix_target"),
        }
    }

    /// The object of an A that has neither B nor C.
    pub(crate) fn elsewhere(self) -> &'static str {
        match self {
            Language::Rust => "matrix_caller_rust",
            Language::C => "matrix_caller",
        }
    }

    /// The full name of a function A or B, as a patch gives it: in Rust, the file of `subjects` that has it is part of it.
    pub(crate) fn full_name(self, function: &str) -> Result<String, String> {
        if self == Language::C {
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

    /// Address of the function A of a situation, in B's object.
    pub(crate) fn a(self, id: &str) -> Result<u64, String> {
        let name = self.full_name(&format!("a_{id}"))?;
        let function = find_function(self.target(), &name, 0).map_err(|error| error.to_string())?;
        Ok(function.address)
    }

    /// Address of the function A of a situation, in an object that has neither B nor C.
    pub(crate) fn a_elsewhere(self, id: &str) -> Result<u64, String> {
        in_module(self.elsewhere(), &format!("a_{id}"))
    }

    /// Address of the function C of a situation.
    pub(crate) fn c(self, id: &str) -> Result<u64, String> {
        let modules = self.replacements();
        let name = format!("c_{id}");
        in_module(modules[0], &name).or_else(|_| in_module(modules[1], &name))
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

/// The function A at this address.
#[allow(
    unsafe_code,
    reason = "a function found by its name is an address until somebody says what its type is"
)]
pub(crate) fn call_a(address: u64) -> CallA {
    // SAFETY: every `a_…` of the matrix has this type, in both languages (see `subjects` and `tests/modules/matrix.h`).
    unsafe { core::mem::transmute::<usize, CallA>(address as usize) }
}

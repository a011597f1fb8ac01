//! What a live patch says: which functions, and what instead.

use alloc::string::String;
use alloc::vec::Vec;

use arch::livepatch::ReturnDesign;

/// A live patch.
#[derive(Clone, Debug)]
pub struct KlpPatch {
    /// Its name: its module's, where it comes from one.
    pub name: String,
    /// The module that the replacements are in. It cannot be unloaded while the patch is enabled.
    pub module: Option<String>,
    /// How calls return; the default design of the boot when it says none.
    pub design: Option<ReturnDesign>,
    /// It is enabled even where its return design cannot carry it, as with `klp.unsafe=1`.
    pub unchecked: bool,
    /// What is patched.
    pub objects: Vec<KlpObject>,
}

/// Functions of one object.
#[derive(Clone, Debug)]
pub struct KlpObject {
    /// The module that is patched; `None`: the kernel.
    pub name: Option<String>,
    /// Its functions.
    pub funcs: Vec<KlpFunc>,
}

/// One function and its replacement.
#[derive(Clone, Debug)]
pub struct KlpFunc {
    /// The function to replace: a linker name or a Rust path.
    pub old_name: String,
    /// Which one, counted from 1 in address order, where several have the name; 0: the name is unique.
    pub sympos: usize,
    /// Global entry of the replacement. It must have the same signature.
    pub new_function: u64,
}

impl KlpPatch {
    /// A patch of kernel functions, from pairs of name and replacement.
    pub fn of_kernel(name: &str, functions: &[(&str, u64)]) -> Self {
        let func = |&(old_name, new_function): &(&str, u64)| KlpFunc {
            old_name: String::from(old_name),
            sympos: 0,
            new_function,
        };
        let funcs = functions.iter().map(func).collect();
        KlpPatch {
            name: String::from(name),
            module: None,
            design: None,
            unchecked: false,
            objects: Vec::from([KlpObject { name: None, funcs }]),
        }
    }

    /// The same patch under this return design.
    pub fn under(self, design: ReturnDesign) -> Self {
        KlpPatch {
            design: Some(design),
            ..self
        }
    }
}

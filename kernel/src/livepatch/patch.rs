//! What a live patch says: which functions, and what instead.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use arch::livepatch::ReturnDesign;

use super::KlpState;

/// A live patch.
#[derive(Debug, Default)]
pub struct KlpPatch {
    /// Its name: its module's, where it comes from one.
    pub name: String,
    /// The module that the replacements are in. It cannot be unloaded while the patch is enabled.
    pub module: Option<String>,
    /// How calls return; the default design of the boot when it says none.
    pub design: Option<ReturnDesign>,
    /// It is enabled even where its return design cannot carry it, as with `klp.unsafe=1`.
    pub unchecked: bool,
    /// It takes the place of all patches that are enabled: what they patch and it does not is as it was again.
    pub replace: bool,
    /// System states that its callbacks change.
    pub states: Vec<KlpState>,
    /// What is patched.
    pub objects: Vec<KlpObject>,
}

/// Functions of one object.
#[derive(Debug, Default)]
pub struct KlpObject {
    /// The module that is patched, which need not be loaded yet; `None`: the kernel.
    pub name: Option<String>,
    /// Its functions.
    pub funcs: Vec<KlpFunc>,
    /// Called around patching and unpatching it.
    pub callbacks: KlpCallbacks,
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

/// A callback before patching: with anything but 0 it refuses, and that is the negative error number.
pub type PrePatch = Box<dyn Fn() -> i32 + Send + Sync>;
/// Any other callback.
pub type Callback = Box<dyn Fn() + Send + Sync>;

/// What is called around patching and unpatching an object, in the order and under the rules of Linux
/// (Documentation/livepatch/callbacks): only for objects that are loaded; the later three only where `pre_patch` did not
/// refuse.
#[derive(Default)]
pub struct KlpCallbacks {
    /// Before the object is patched.
    pub pre_patch: Option<PrePatch>,
    /// After all threads use the replacements.
    pub post_patch: Option<Callback>,
    /// Before the object is unpatched.
    pub pre_unpatch: Option<Callback>,
    /// After no thread uses the replacements.
    pub post_unpatch: Option<Callback>,
}

impl KlpCallbacks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pre_patch.is_none()
            && self.post_patch.is_none()
            && self.pre_unpatch.is_none()
            && self.post_unpatch.is_none()
    }
}

impl fmt::Debug for KlpCallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KlpCallbacks")
            .field("pre_patch", &self.pre_patch.is_some())
            .field("post_patch", &self.post_patch.is_some())
            .field("pre_unpatch", &self.pre_unpatch.is_some())
            .field("post_unpatch", &self.post_unpatch.is_some())
            .finish()
    }
}

impl KlpPatch {
    /// A patch of kernel functions, from pairs of name and replacement.
    pub fn of_kernel(name: &str, functions: &[(&str, u64)]) -> Self {
        let func = |&(old_name, new_function): &(&str, u64)| KlpFunc {
            old_name: String::from(old_name),
            sympos: 0,
            new_function,
        };
        let object = KlpObject {
            funcs: functions.iter().map(func).collect(),
            ..KlpObject::default()
        };
        KlpPatch {
            name: String::from(name),
            objects: Vec::from([object]),
            ..KlpPatch::default()
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

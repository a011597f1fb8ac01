//! Live patches: functions of the kernel or of a module whose calls go to a replacement.
//!
//! A patch has objects (the kernel, or a module), an object has functions. Each patched function keeps a stack of
//! replacements; the top one wins. What turns a call around is an ops on the function's hook; what brings the return
//! home is the patch's return design (`arch/ppc64/src/livepatch`).

mod busy_tests;
mod check;
mod coming;
mod complete;
mod cost;
mod error;
mod failure;
mod failure_tests;
mod func_stack;
mod hidden_caller_tests;
mod left_by_jump_tests;
mod lifecycle;
mod lookup;
mod macros;
mod object;
mod patch;
mod refusal;
mod registry;
mod replacement;
mod route;
mod route_tests;
pub mod shadow;
mod shadow_tests;

mod stacks;
mod states;
mod states_tests;
mod tests;
mod transition;
mod transition_tests;
mod worker;

use core::sync::atomic::{AtomicU8, Ordering};

pub use arch::livepatch::ReturnDesign;
pub use check::Obstacle;
pub(crate) use coming::{module_coming, module_going};
pub(crate) use cost::move_threads;
pub use error::KlpError;
pub use lifecycle::{disable, enable, force, is_in_transition, set_enabled};
pub use lookup::{Function, find_function};
pub use macros::path_of;
pub use patch::{Callback, KlpCallbacks, KlpFunc, KlpObject, KlpPatch, PrePatch};
pub use refusal::{is_unsafe, set_unsafe};
pub use registry::{
    FunctionInfo, PatchFunction, PatchInfo, enabled, functions, functions_of, original, stalled, user_of,
};
pub(crate) use route::Route;
pub use states::{KlpState, previous_state};
pub use transition::{PatchState, Stall};
pub use worker::settle;

/// What Linux calls the kernel where an object's name is wanted.
const KERNEL_OBJECT: &str = "vmlinux";

static DEFAULT_DESIGN: AtomicU8 = AtomicU8::new(ReturnDesign::ReturnStack as u8);

/// The return design of patches that name none.
pub fn default_design() -> ReturnDesign {
    let number = usize::from(DEFAULT_DESIGN.load(Ordering::Relaxed));
    ReturnDesign::ALL.get(number).copied().unwrap_or_default()
}

/// Chooses the return design of patches that name none: `klp.return=` on the command line.
pub fn set_default_design(design: ReturnDesign) {
    DEFAULT_DESIGN.store(design as u8, Ordering::Relaxed);
}

//! Function-entry hooks: who wants to see which call.
//!
//! A *site* is the slot at a function's local entry; a *hook* is a site in use: the function, its ordered ops, its stub.
//! The instructions between the site and the ops are in `arch/ppc64/src/ftrace`.

mod all_tests;
mod batch;
mod batch_tests;
mod error;
mod function_name;
mod graph;
mod hook;
mod list;
mod plan;
mod registry;
mod retired;
mod several_tests;
mod sites;
mod stubs;
mod tests;

pub use arch::ftrace::{FtraceOps, FtraceRegs, OpsFlags, OpsFunction};
pub use error::FtraceError;
pub use function_name::FunctionName;
pub use graph::{GraphOps, GraphStack, GraphTracer};
pub use registry::{
    Place, change_all, enabled_functions, hook_count, hooked_in, is_enabled, lead_all, original, register,
    register_all, set_enabled, unregister, unregister_all,
};
pub use retired::{Retire, keepers, reap, retire, retire_all};
pub use sites::{
    ClassicSite, Site, SiteShape, kernel_site_addresses, kernel_sites, prime_classic_sites,
    traceable_kernel_sites,
};
pub use stubs::{Slot, slot_at, slots_in_use};

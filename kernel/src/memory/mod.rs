//! Memory: who has which part of it, and what may be done with it.
//!
//! | file | what |
//! |---|---|
//! | `plan.rs` | what the free memory is divided into at start |
//! | `heap.rs` | the kernel's heap |
//! | `stacks.rs` | stacks, each with an unmapped page below it |
//! | `protection.rs` | the page tables, and every change in them |
//! | `owner.rs` | whose memory an address is in |
//! | `check.rs` | the walk over all mappings |
//! | `parts.rs` | the parts of the image that a boot decides about |
//! | `in_use.rs` | how much of it is in use, and by what |
//! | `report.rs` | what the log says of it, and of what is missing |

mod check;
mod heap;
mod in_use;
mod owner;
mod parts;
mod plan;
mod protection;
mod report;
mod stacks;
mod tests;

pub(crate) use check::print as print_check;
pub use check::{Report, check};
pub use heap::{heap_at_rest, heap_in_use, heap_size};
pub(crate) use in_use::{all_in_use, tell_use};
pub use kernel_core::radix::{PAGE_SIZE, Rights};
pub(crate) use owner::{Owner, OwnerOf};
pub(crate) use parts::{give_up_cases, has_cases, is_kernel_code, module_area};
pub(crate) use plan::init;
pub(crate) use protection::{allow, forbid, init_cpu, protect, rights_at};
pub use protection::{is_protected, is_readable};
pub(crate) use report::{outside_is_noticed, outside_ram, protected, report};
pub use stacks::{Guarded, stacks_in_use};

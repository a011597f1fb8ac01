//! Memory: who has which part of it, and what may be done with it.
//!
//! | file | what |
//! |---|---|
//! | `plan.rs` | what the free memory is divided into at start |
//! | `heap.rs` | the kernel's heap |
//! | `stacks.rs` | stacks, each with an unmapped page below it |
//! | `protection.rs` | the page tables, and every change in them |
//! | `check.rs` | the walk over all mappings |

mod check;
mod heap;
mod plan;
mod protection;
mod stacks;

pub use check::{Report, check};
pub use heap::{heap_in_use, heap_size};
pub use kernel_core::radix::{PAGE_SIZE, Rights};
pub(crate) use plan::init;
pub(crate) use protection::{allow, forbid, init_cpu, protect};
pub use protection::{is_protected, is_readable};
pub use stacks::Guarded;

//! The stress: all CPUs call patched functions and check every answer, while patches come and go under them.
//!
//! `cargo xtask stress` boots it, by the boot argument `stress=SECONDS`. A, B and C are those of the matrix, which also says
//! under which return designs a situation is right. A caller knows of every function where its calls may go just now
//! (`kernel_core::stress::Goals`): who changes that says so first and waits until all calls are over that began before. So each
//! answer is compared with what must come out, and only while threads move may it be one or the other.
//!
//! | file | what |
//! |---|---|
//! | `options` | what the boot arguments ask for |
//! | `cast` | the functions, their replacements, and where calls may go |
//! | `caller` | calls and checks, on every CPU |
//! | `patcher` | enables, disables, turns round, replaces |
//! | `patch` | one patch of the cast |
//! | `loader` | loads and unloads |
//! | `showcase` | a patch that enables itself, and its target |
//! | `tracer` | hooks what may be patched |
//! | `forcer` | interrupts at random instructions |
//! | `turns` | who waits for whom |
//! | `events` | what happened last |
//! | `counts` | what is counted |
//! | `failure` | the first thing that went wrong |
//! | `supervisor` | begins, watches, ends, reports |

mod caller;
mod cast;
mod counts;
mod events;
mod failure;
mod forcer;
mod loader;
mod options;
mod patch;
mod patcher;
mod showcase;
mod supervisor;
mod tracer;
mod turns;

pub(crate) use options::wanted;
pub(crate) use supervisor::{report_panic, run};

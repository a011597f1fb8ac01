//! Loaded modules: from the bytes of a file to running code, and back.
//!
//! What can be said about a file without changing anything is in [`kernel_core::module`]. Here it gets a place, its
//! symbols meet those of the kernel and of other modules, its `init_module` runs, and users are counted until
//! `cleanup_module` may. Whatever fails on the way leaves everything as it was.
//!
//! | file | what |
//! |---|---|
//! | `load`, `unload` | the two ways, step by step |
//! | `registry` | which modules there are; names to functions |
//! | `at_address` | which one an address is in, and what it has there |
//! | `place` | memory for code: room, copy, cache |
//! | `resolve` | who answers for an undefined symbol |
//! | `late` | what live patches refer to in modules that come later |
//! | `parameters` | `name=value` when a module is loaded, and in the tree |
//! | `macros` | `module!` for modules in Rust |
//! | `c` | what modules in C call: `kernel/include` |
//! | `extra` | modules that came with the boot |
//! | `snapshot` | did a failure really change nothing? |

mod at_address;
mod c;
mod error;
mod extra;
pub(crate) mod late;
mod load;
mod macros;
mod parameters;
mod place;
mod registry;
mod resolve;
mod snapshot;
mod tests;
mod unload;

pub(crate) use at_address::{Busy, any, at, locate, name_of};
pub(crate) use c::{SeqFile, read, update_jiffies};
pub use error::{Error, Reason};
pub use extra::{ExtraModule, extra};
pub use load::{load, load_with};
pub use macros::modinfo;
pub use parameters::{Parameter, parameter, set_parameter};
pub use place::used_bytes;
pub use registry::{Module, ModuleUse, State, functions, get, hold, list};
pub use snapshot::Snapshot;
pub use unload::unload;

//! Kernel modules: ELFv2 relocatables made into code and data at an address, as pure logic.
//!
//! A module comes from a file that nobody vouches for, so everything that can be wrong with one is found here, before a
//! byte of the kernel changes, and on the host as well as in the kernel. The way of a module is
//! [`ModuleFile::parse`] (is it a module for this machine, is every number in it inside its bounds?),
//! [`ModuleFile::lay_out`] (how much room, and where in it), then [`ModuleFile::link`] (the finished bytes for one
//! address). Placing, starting and stopping are the kernel's.
//!
//! | file | what |
//! |---|---|
//! | `tables` | ELF header and section headers |
//! | `symbol_table` | symbols, as the file has them |
//! | `file` | all of them together, with the relocations |
//! | `info` | `.modinfo` |
//! | `layout` | regions, TOC, stubs and GOT entries |
//! | `late` | what a live patch refers to in an object that may come later |
//! | `relocation` | what each relocation computes and where it writes it |
//! | `link` | every relocation of the image |
//! | `parameter` | parameters: the line of a load, the text of values |
//! | `linked` | the finished image, with its symbols and imports |
//! | `call` | branches: local entry, stub, TOC restore |
//! | `site` | the patchable sites of Rust and of C |
//! | `stub` | the code between two TOCs |

mod call;
mod error;
mod file;
mod info;
mod late;
mod layout;
mod link;
mod linked;
pub mod parameter;
mod relocation;
mod site;
mod stub;
mod symbol;
mod symbol_table;
mod tables;

pub use crate::local_entry::LocalEntry;
pub use crate::site::SiteShape;
pub use error::{ModuleError, Place};
pub use file::ModuleFile;
pub use info::{BuildId, ModuleInfo};
pub use late::{Late, LateName};
pub use layout::{Layout, MODULE_SIZE_LIMIT, Region, RegionKind};
pub use linked::Linked;
pub use site::ModuleSite;
pub use stub::{STUB_SIZE, Stub, StubKind};
pub use symbol::{ModuleId, ModuleSymbol, Resolve, ResolveError, Resolved};

//! Files that are no modules: each is refused, and the message says why.

mod file;
mod relocations;
mod sections;
mod symbols;

use crate::kernel::link;
use crate::tools::assembly;
use kernel_core::module::ModuleError;

/// An address beyond what 32 bits hold.
const HIGH: u64 = 0x7777_0000_0000;

fn refused(bytes: &[u8]) -> ModuleError {
    link(bytes).map(|_| ()).expect_err("an error")
}

/// The message of a refused assembly module.
fn message(source: &str) -> String {
    refused(&assembly(source)).to_string()
}

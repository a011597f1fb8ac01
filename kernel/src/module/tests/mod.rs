//! Cases for modules: the files are those of `tests/modules`, from the initrd.

mod late;
mod life;
mod refusals;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

use super::{Error, Module, Snapshot, load, unload};
use crate::initrd;

/// The bytes of a module of the suite.
fn file(name: &str) -> Result<&'static [u8], String> {
    initrd::file(&format!("modules/{name}.ko"))
        .ok_or_else(|| format!("modules/{name}.ko is not in the initrd"))
}

/// A module of the suite while it is loaded. A case that ends early takes it along.
struct Loaded {
    module: Arc<Module>,
    unloaded: bool,
}

impl Loaded {
    fn new(name: &str) -> Result<Loaded, String> {
        let module = load(name, file(name)?).map_err(|error| error.to_string())?;
        Ok(Loaded {
            module,
            unloaded: false,
        })
    }

    fn unload(mut self) -> Result<(), String> {
        self.unloaded = true;
        unload(&self.module.info.name).map_err(|error| error.to_string())
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if !self.unloaded {
            // The case has failed already; what this says would hide why.
            let _ = unload(&self.module.info.name);
        }
    }
}

/// The global entry of a module's function.
fn function(module: &Module, name: &str) -> Result<u64, String> {
    let symbol = module
        .symbol(name)
        .ok_or_else(|| format!("{} has no '{name}'", module.info.name))?;
    Ok(symbol.address)
}

/// Calls a function A of a module.
#[allow(unsafe_code, reason = "calls into a module by address")]
fn call(module: &Module, name: &str, argument: u64) -> Result<Seen, String> {
    let address = function(module, name)?;
    // SAFETY: every A of the suite's modules has this type, and the caller's case keeps the module loaded.
    let a: extern "C" fn(u64, &mut u64) -> u64 = unsafe { core::mem::transmute(address) };
    let mut result = 0;
    let own = a(argument, &mut result);
    Ok(Seen { result, own })
}

/// What an A of a C module has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// What B, or whoever ran in its place, returned.
    result: u64,
    /// What A then read from its own static.
    own: u64,
}

/// The answer to loading or unloading that has to fail, with everything as it was before.
fn refused<T>(attempt: impl Fn() -> Result<T, Error>) -> Result<Error, String> {
    let before = Snapshot::take();
    // The error itself takes memory, so it goes before the books are compared, and comes again for the caller.
    attempt().err().ok_or("it was not refused")?;
    let change = before.check();
    let error = attempt().err().ok_or("the second attempt was not refused")?;
    change.map_err(|change| format!("{change} after: {error}"))?;
    Ok(error)
}

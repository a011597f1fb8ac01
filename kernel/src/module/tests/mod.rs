//! Cases for modules: the files are those of `tests/modules`, from the initrd.

mod life;
mod live_patch;
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
struct Loaded(Arc<Module>);

impl Loaded {
    fn new(name: &str) -> Result<Loaded, String> {
        load(name, file(name)?)
            .map(Loaded)
            .map_err(|error| error.to_string())
    }

    /// The global entry of one of its functions.
    fn function(&self, name: &str) -> Result<u64, String> {
        let symbol = self
            .0
            .symbol(name)
            .ok_or_else(|| format!("{} has no '{name}'", self.0.info.name))?;
        Ok(symbol.address)
    }

    /// Calls a function A of the module.
    #[allow(unsafe_code, reason = "calls into a module by address")]
    fn call(&self, name: &str, argument: u64) -> Result<Seen, String> {
        let address = self.function(name)?;
        // SAFETY: every A of the suite's modules has this type, and the module stays while this is borrowed.
        let a: extern "C" fn(u64, &mut u64) -> u64 = unsafe { core::mem::transmute(address) };
        let mut result = 0;
        let own = a(argument, &mut result);
        Ok(Seen { result, own })
    }

    fn unload(self) -> Result<(), String> {
        let name = self.0.info.name.clone();
        core::mem::forget(self);
        unload(&name).map_err(|error| error.to_string())
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // The case has failed already; what this says would hide why.
        let _ = unload(&self.0.info.name);
    }
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
    let error = attempt().err().ok_or("it was not refused")?;
    let text = error.to_string();
    drop(error);
    before
        .check()
        .map_err(|change| format!("{change} after: {text}"))?;
    attempt()
        .err()
        .ok_or_else(|| String::from("the second attempt was not refused"))
}

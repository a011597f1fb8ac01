//! Which module an address is in, and what it has there: for backtraces, the unwinder and reports of faults. Nothing here
//! allocates.

use kernel_core::symbols::Name;

use super::registry::{Module, REGISTRY};
use crate::symbols::Location;

/// Somebody else has the list of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// What `look` answers of the module that `address` is in, if there is one. Allocates nothing and does not wait.
pub(crate) fn at<T>(address: u64, look: impl FnOnce(&Module) -> T) -> Result<Option<T>, Busy> {
    let registry = REGISTRY.try_lock().ok_or(Busy)?;
    let module = registry
        .modules
        .iter()
        .find(|module| module.range.contains(&address));
    Ok(module.map(|module| look(module)))
}

/// Whether there is a module of which `is_meant` says so. Allocates nothing and does not wait.
pub(crate) fn any(is_meant: impl Fn(&Module) -> bool) -> Result<bool, Busy> {
    let registry = REGISTRY.try_lock().ok_or(Busy)?;
    Ok(registry.modules.iter().any(|module| is_meant(module)))
}

/// Calls `found` with the name of the module that `address` is in. For the report of a fault: allocates nothing and does not
/// wait for long.
pub(crate) fn name_of(address: u64, found: &mut dyn FnMut(&str)) {
    let Some(registry) = REGISTRY.lock_in_fault() else {
        return;
    };
    let mut modules = registry.modules.iter();
    if let Some(module) = modules.find(|module| module.range.contains(&address)) {
        found(&module.info.name);
    }
}

/// Calls `found` with the function or stub of a module that `address` is in. Allocates nothing and does not wait
/// for long: while somebody else has the registry, nothing is found.
pub(crate) fn locate(address: u64, found: &mut dyn FnMut(Location<'_>)) {
    let Some(registry) = REGISTRY.lock_in_fault() else {
        return;
    };
    let Some(module) = registry
        .modules
        .iter()
        .find(|module| module.range.contains(&address))
    else {
        return;
    };
    let symbol = module
        .symbols
        .iter()
        .rev()
        .find(|symbol| (symbol.address..symbol.address + symbol.size.max(1)).contains(&address));
    let stub = module.stubs.iter().find(|stub| stub.range().contains(&address));
    let (name, range, is_stub) = match (symbol, stub) {
        (Some(symbol), _) => (&symbol.name, symbol.address..symbol.address + symbol.size, false),
        (None, Some(stub)) => (&stub.symbol, stub.range(), true),
        (None, None) => return,
    };
    found(Location {
        name: Name::new(name),
        address,
        offset: address - range.start,
        size: range.end - range.start,
        module: Some(&module.info.name),
        is_stub,
    });
}

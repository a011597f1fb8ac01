//! Who answers for a symbol that a module does not define: the kernel, then the other modules.

use alloc::vec::Vec;

use kernel_core::module::{ModuleSymbol, Resolve, ResolveError, Resolved};
use kernel_core::symbols::{Binding, Symbol};

use super::registry::{State, list};
use crate::symbols;

/// Entry points that every module has and none means.
const ENTRY_POINTS: [&str; 2] = ["init_module", "cleanup_module"];

/// All symbols that a module may refer to.
pub(super) struct Everything;

impl Resolve for Everything {
    fn resolve(&self, name: &str) -> Result<Resolved, ResolveError> {
        match in_kernel(name) {
            Err(ResolveError::NotFound) => in_modules(name),
            answer => answer,
        }
    }
}

/// A global symbol of the kernel; or a local one, if it is the only one of its name: the linker makes what Rust calls
/// hidden local, and modules may well refer to that.
fn in_kernel(name: &str) -> Result<Resolved, ResolveError> {
    let named: Vec<Symbol<'_>> = symbols::kernel()
        .named(name)
        .filter(|symbol| symbol.name == name)
        .collect();
    let global: Vec<&Symbol<'_>> = named
        .iter()
        .filter(|symbol| symbol.binding == Binding::Global)
        .collect();
    let symbol = match (global.as_slice(), named.as_slice()) {
        ([symbol], _) => symbol,
        ([], [symbol]) => symbol,
        ([], []) => return Err(ResolveError::NotFound),
        _ => return Err(ResolveError::Ambiguous(global.len().max(named.len()))),
    };
    Ok(Resolved {
        address: symbol.address,
        local_entry: symbol.local_entry,
        owner: None,
    })
}

fn in_modules(name: &str) -> Result<Resolved, ResolveError> {
    if ENTRY_POINTS.contains(&name) {
        return Err(ResolveError::NotFound);
    }
    let is_meant = |symbol: &&ModuleSymbol| symbol.binding == Binding::Global && symbol.name == name;
    let live = list().into_iter().filter(|module| module.state() == State::Live);
    let found: Vec<Resolved> = live
        .filter_map(|module| {
            let symbol = module.symbols.iter().find(is_meant)?;
            let (address, local_entry) = (symbol.address, symbol.local_entry);
            Some(Resolved {
                address,
                local_entry,
                owner: Some(module.id),
            })
        })
        .collect();
    match found.as_slice() {
        [] => Err(ResolveError::NotFound),
        [resolved] => Ok(*resolved),
        several => Err(ResolveError::Ambiguous(several.len())),
    }
}

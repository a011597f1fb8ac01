//! Who answers for a symbol that a module does not define: the kernel, then the other modules.

use alloc::vec::Vec;

use kernel_core::module::{LateName, ModuleSymbol, Resolve, ResolveError, Resolved};
use kernel_core::symbols::{Binding, Symbol};

use super::registry::{State, list};
use crate::symbols;

/// Entry points that every module has and none means.
const ENTRY_POINTS: [&str; 2] = ["init_module", "cleanup_module"];

/// All symbols that a module may refer to.
pub(super) struct Everything;

impl Resolve for Everything {
    fn resolve(&self, name: &str) -> Result<Resolved, ResolveError> {
        if let Some(late) = LateName::parse(name) {
            return if late.object == KERNEL {
                at_position(&late)
            } else {
                Err(ResolveError::Late)
            };
        }
        match in_kernel(name) {
            Err(ResolveError::NotFound) => in_modules(name),
            answer => answer,
        }
    }
}

/// What live patches call the kernel.
const KERNEL: &str = "vmlinux";

/// A symbol of the kernel, local ones included, by its position among those with the name.
fn at_position(late: &LateName<'_>) -> Result<Resolved, ResolveError> {
    let named: Vec<Symbol<'_>> = symbols::kernel()
        .named(late.name)
        .filter(|symbol| symbol.name == late.name)
        .collect();
    let symbol = match (late.position, named.len()) {
        (0, 2..) => return Err(ResolveError::Ambiguous(named.len())),
        (position, _) => named.get(position.max(1) - 1).ok_or(ResolveError::NotFound)?,
    };
    Ok(Resolved {
        address: symbol.address,
        local_entry: symbol.local_entry,
        owner: None,
    })
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

//! References of live patches to objects that may come later (`kernel_core::module::Late`): filled in when the object is there,
//! emptied when it goes.
#![allow(unsafe_code, reason = "writes to modules by address")]

use alloc::string::String;

use arch::text;
use kernel_core::module::{Late, StubKind};

use super::registry::{Module, get, list};
use crate::livepatch::KlpError;

/// Fills in what loaded modules refer to in `object`, whose `init_module` has not run. On an error nothing is.
pub(crate) fn object_comes(object: &Module) -> Result<(), KlpError> {
    for module in list() {
        if let Err(error) = fill(&module, object) {
            object_goes(object);
            return Err(error);
        }
    }
    Ok(())
}

/// Empties it again. Nobody runs in `object` any more, nor in a replacement of one of its functions.
pub(crate) fn object_goes(object: &Module) {
    for module in list() {
        let late = module.late.iter();
        late.filter(|late| late.object == object.info.name)
            .for_each(|late| write(late, None));
    }
}

/// Fills in what a new module refers to in those objects that are there.
pub(super) fn module_comes(module: &Module) -> Result<(), KlpError> {
    for late in &module.late {
        if let Some(object) = get(&late.object).filter(|object| object.is_patchable()) {
            write(late, Some(find(late, &object)?));
        }
    }
    Ok(())
}

fn fill(module: &Module, object: &Module) -> Result<(), KlpError> {
    for late in module.late.iter().filter(|late| late.object == object.info.name) {
        write(late, Some(find(late, object)?));
    }
    Ok(())
}

/// The symbol's address; a function's global entry.
fn find(late: &Late, object: &Module) -> Result<u64, KlpError> {
    let named = object.symbols.iter().filter(|symbol| symbol.name == late.name);
    let count = named.clone().count();
    let (object, function) = (late.object.clone(), late.name.clone());
    let found = match (late.position, count) {
        (0, 2..) => {
            return Err(KlpError::Ambiguous {
                object,
                function,
                count,
            });
        }
        (0 | 1, _) => named.clone().next(),
        (position, _) => named.clone().nth(position - 1),
    };
    match (found, count) {
        (Some(symbol), _) => Ok(symbol.address),
        (None, 0) => Err(KlpError::NoFunction { object, function }),
        (None, _) => Err(KlpError::NoSuchPosition {
            object,
            function: String::from(&late.name),
            sympos: late.position,
            count,
        }),
    }
}

/// Writes an address to all places, or that there is none.
fn write(late: &Late, address: Option<u64>) {
    for (place, addend) in &late.data {
        let value = address.map_or(0, |address| address.wrapping_add_signed(*addend));
        // SAFETY: the linker has found it to be an aligned doubleword of the module's writable data, and the module is there.
        unsafe { (*place as *mut u64).write_volatile(value) };
    }
    for (stub, kind) in &late.stubs {
        // Every module is below 2 GiB.
        let words = address
            .and_then(|address| kind.words(address))
            .unwrap_or(StubKind::EMPTY);
        // SAFETY: a stub of the module's, which nobody goes through while the object that it leads to is not there.
        unsafe { text::write_words(*stub, &words) };
    }
}

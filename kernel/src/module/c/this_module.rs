//! `struct module` of `linux/module.h`: what C sees of a module. A module in C has its own, which is `THIS_MODULE`; for any
//! other the kernel makes one, so that callbacks of live patches are handed one for every module.
#![allow(unsafe_code, reason = "keeps a field of a structure in a module's memory")]

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::module::Linked;

use super::super::registry::State;

/// `MODULE_NAME_LEN`.
const NAME_LENGTH: usize = 56;
/// What a module in C calls its own.
const SYMBOL: &str = "__this_module";

/// `struct module`.
#[derive(Debug)]
#[repr(C)]
struct CModule {
    /// `enum module_state`.
    state: AtomicU32,
    name: [u8; NAME_LENGTH],
}

/// `enum module_state`.
fn number(state: State) -> u32 {
    match state {
        State::Live => 0,
        State::Coming => 1,
        State::Going | State::Lingering => 2,
    }
}

/// A module's `struct module`.
#[derive(Debug)]
pub(in crate::module) struct ThisModule {
    address: usize,
    /// The kernel's own, where the module has none.
    own: Option<Box<CModule>>,
}

impl ThisModule {
    /// That of a module that has just got its place.
    pub(in crate::module) fn of(name: &str, linked: &Linked) -> Self {
        let is_it = |size: u64| size == size_of::<CModule>() as u64;
        let found = linked
            .symbols
            .iter()
            .find(|symbol| symbol.name == SYMBOL && is_it(symbol.size));
        if let Some(symbol) = found {
            return ThisModule {
                address: symbol.address as usize,
                own: None,
            };
        }
        let mut letters = [0; NAME_LENGTH];
        let length = name.len().min(NAME_LENGTH - 1);
        letters[..length].copy_from_slice(&name.as_bytes()[..length]);
        let own = Box::new(CModule {
            state: AtomicU32::new(0),
            name: letters,
        });
        ThisModule {
            address: &raw const *own as usize,
            own: Some(own),
        }
    }

    /// Where it is. It lives as long as the module's memory.
    pub(in crate::module) fn address(&self) -> usize {
        self.address
    }

    /// Tells C where the module stands. The module's memory is still there.
    pub(in crate::module) fn set_state(&self, state: State) {
        let module = match &self.own {
            Some(own) => own,
            // SAFETY: the symbol's memory is writable data of the module, which is there as the caller promises.
            None => unsafe { &*(self.address as *const CModule) },
        };
        module.state.store(number(state), Ordering::Relaxed);
    }
}

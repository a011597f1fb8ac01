//! Which modules there are, who uses them, and what their names mean. Which one an address is in: `at_address.rs`.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use kernel_core::module::{Late, Linked, ModuleId, ModuleInfo, ModuleSite, ModuleSymbol, Stub};
use kernel_core::symbols::Kind;

use super::c::ThisModule;
use super::parameters::Parameter;
use super::place::Place;
use super::{Error, Reason};
use crate::ftrace::{FunctionName, Site};
use crate::sync::{IrqLock, Rank};
use crate::unwind::ModuleTables;

/// Where a module stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Its `init_module` runs.
    Coming,
    /// It can be used.
    Live,
    /// It is being unloaded; nobody new may use it.
    Going,
    /// Its `cleanup_module` has run, but a thread could still come back to its code.
    Lingering,
}

/// A loaded module.
#[derive(Debug)]
pub struct Module {
    /// Its number.
    pub id: ModuleId,
    /// What it says about itself.
    pub info: ModuleInfo,
    /// Its memory, as it was when it was loaded.
    pub range: Range<u64>,
    /// The TOC pointer of its code.
    pub toc: u64,
    /// Its functions and objects, by address.
    pub symbols: Vec<ModuleSymbol>,
    /// Its patchable sites, by address.
    pub sites: Vec<ModuleSite>,
    /// The stubs through which it calls others.
    pub stubs: Vec<Stub>,
    /// Its unwind tables, if it has any.
    pub unwind: Option<ModuleTables>,
    /// What it refers to in modules that may come later.
    pub late: Vec<Late>,
    /// Its parameters, by name.
    pub parameters: Vec<Parameter>,
    pub(super) init: Option<u64>,
    pub(super) exit: Option<u64>,
    this_module: ThisModule,
    state: AtomicU8,
    /// Live patches have been applied to it, and new ones are: from before `init_module` until after `cleanup_module`.
    is_patchable: AtomicBool,
    users: IrqLock<Vec<String>>,
    /// Its own uses of others, and its memory: what ends with it, even while somebody still holds this.
    pub(super) holds: IrqLock<Option<(Vec<ModuleUse>, Place)>>,
}

/// The right to rely on a module: it stays as long as this does.
#[derive(Debug)]
pub struct ModuleUse {
    /// The module.
    pub module: Arc<Module>,
    user: String,
}

impl Drop for ModuleUse {
    fn drop(&mut self) {
        let mut users = self.module.users.lock();
        if let Some(index) = users.iter().position(|user| *user == self.user) {
            users.swap_remove(index);
        }
    }
}

pub(super) struct Registry {
    pub(super) modules: Vec<Arc<Module>>,
    /// Names that are taken by modules that are still being linked.
    reserved: Vec<String>,
}

impl Registry {
    /// Gives back the memory of lists that have become empty: what is in use of the heap shall not depend on what was there.
    fn tidy(&mut self) {
        if self.modules.is_empty() {
            self.modules = Vec::new();
        }
        if self.reserved.is_empty() {
            self.reserved = Vec::new();
        }
    }
}

pub(super) static REGISTRY: IrqLock<Registry> = IrqLock::new(
    Rank::Modules,
    Registry {
        modules: Vec::new(),
        reserved: Vec::new(),
    },
);

/// A name that is taken. It is free again when this is dropped without a module in it.
#[derive(Debug)]
pub(super) struct Reservation(String);

impl Reservation {
    pub(super) fn new(name: &str) -> Result<Reservation, Error> {
        let mut registry = REGISTRY.lock();
        let taken = registry.modules.iter().any(|module| module.info.name == name)
            || registry.reserved.iter().any(|reserved| reserved == name);
        if taken {
            return Err(Error::new(name, Reason::Exists));
        }
        registry.reserved.push(name.to_string());
        Ok(Reservation(name.to_string()))
    }

    pub(super) fn publish(self, module: Arc<Module>) {
        REGISTRY.lock().modules.push(module);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut registry = REGISTRY.lock();
        registry.reserved.retain(|name| *name != self.0);
        registry.tidy();
    }
}

impl Module {
    pub(super) fn new(
        info: ModuleInfo,
        linked: Linked,
        unwind: Option<ModuleTables>,
        parameters: Vec<Parameter>,
        uses: Vec<ModuleUse>,
        place: Place,
    ) -> Module {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let this_module = ThisModule::of(&info.name, &linked);
        this_module.set_state(State::Coming);
        Module {
            this_module,
            parameters,
            id: ModuleId(NEXT.fetch_add(1, Ordering::Relaxed)),
            info,
            range: place.range(),
            toc: linked.toc,
            symbols: linked.symbols,
            sites: linked.sites,
            stubs: linked.stubs,
            late: linked.late,
            unwind,
            init: linked.init,
            exit: linked.exit,
            state: AtomicU8::new(State::Coming as u8),
            is_patchable: AtomicBool::new(false),
            users: IrqLock::new(Rank::ModuleUsers, Vec::new()),
            holds: IrqLock::new(Rank::ModuleHolds, Some((uses, place))),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Coming,
            1 => State::Live,
            2 => State::Going,
            _ => State::Lingering,
        }
    }

    pub(super) fn set_state(&self, state: State) {
        self.this_module.set_state(state);
        self.state.store(state as u8, Ordering::Release);
    }

    /// Address of what C knows of it: its `struct module`. It lives as long as the module's memory.
    pub(super) fn this_module(&self) -> usize {
        self.this_module.address()
    }

    /// Whether live patches find its functions.
    pub(crate) fn is_patchable(&self) -> bool {
        self.is_patchable.load(Ordering::Acquire)
    }

    pub(crate) fn set_patchable(&self, on: bool) {
        self.is_patchable.store(on, Ordering::Release);
    }

    /// Who uses it, each as often as he does.
    pub fn users(&self) -> Vec<String> {
        self.users.lock().clone()
    }

    /// How many uses there are.
    pub fn use_count(&self) -> usize {
        self.users.lock().len()
    }

    /// Takes the module's life, if it is [`State::Live`] and nobody uses it.
    pub(super) fn begin_going(&self) -> Result<(), Reason> {
        let users = self.users.lock();
        match (users.first(), self.state()) {
            (Some(user), _) => Err(Reason::InUse { user: user.clone() }),
            (None, State::Live) => {
                self.set_state(State::Going);
                Ok(())
            }
            (None, _) => Err(Reason::OnItsWay),
        }
    }

    /// The function or object of this name, raw or as a path.
    pub fn symbol(&self, name: &str) -> Option<&ModuleSymbol> {
        self.symbols
            .iter()
            .find(|symbol| symbol.name == name || symbol.path == name)
    }

    /// The site of the function at a global entry, in the form that hooks want.
    pub fn site(&self, entry: u64) -> Option<Site> {
        let site = self.sites.iter().find(|site| site.entry == entry)?;
        let path = self
            .symbols
            .iter()
            .find(|symbol| symbol.address == entry && symbol.kind == Kind::Function);
        let function = path.map_or(&site.function, |symbol| &symbol.path);
        Some(Site {
            function: FunctionName::Path(function.as_str().into()),
            entry: site.entry,
            address: site.address,
            shape: site.shape,
        })
    }
}

/// The module of this name, unless it is on its way out.
pub fn get(name: &str) -> Option<Arc<Module>> {
    let registry = REGISTRY.lock();
    registry
        .modules
        .iter()
        .find(|module| module.info.name == name)
        .cloned()
}

/// All modules, the oldest first.
pub fn list() -> Vec<Arc<Module>> {
    REGISTRY.lock().modules.clone()
}

pub(super) fn by_id(id: ModuleId) -> Option<Arc<Module>> {
    REGISTRY
        .lock()
        .modules
        .iter()
        .find(|module| module.id == id)
        .cloned()
}

pub(super) fn remove(module: &Arc<Module>) {
    let mut registry = REGISTRY.lock();
    registry.modules.retain(|other| !Arc::ptr_eq(other, module));
    registry.tidy();
}

/// Keeps the module of this name from being unloaded. `user` says who does that, for messages.
pub fn hold(name: &str, user: &str) -> Result<ModuleUse, Error> {
    let module = get(name).ok_or_else(|| Error::new(name, Reason::NotLoaded))?;
    hold_module(module, user)
}

pub(super) fn hold_module(module: Arc<Module>, user: &str) -> Result<ModuleUse, Error> {
    {
        let mut users = module.users.lock();
        if matches!(module.state(), State::Going | State::Lingering) {
            return Err(Error::new(&module.info.name, Reason::OnItsWay));
        }
        users.push(user.to_string());
    }
    Ok(ModuleUse {
        module,
        user: user.to_string(),
    })
}

/// The functions of a module with this name, raw or as a path, in address order: address and site of each.
pub fn functions(module: &str, name: &str) -> Option<Vec<(u64, Option<Site>)>> {
    let module = get(module).filter(|module| matches!(module.state(), State::Coming | State::Live))?;
    let is_meant = |symbol: &&ModuleSymbol| {
        symbol.kind == Kind::Function && (symbol.name == name || symbol.path == name)
    };
    let found = module.symbols.iter().filter(is_meant);
    Some(
        found
            .map(|symbol| (symbol.address, module.site(symbol.address)))
            .collect(),
    )
}

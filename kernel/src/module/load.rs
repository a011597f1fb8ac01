//! Loading, step by step. Until `init_module` is called, every step is undone by dropping what it gave.
#![allow(unsafe_code, reason = "calls the entry points of modules")]

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use arch::cpu;
use kernel_core::module::{BuildId, ModuleError, ModuleFile};

use super::place::Place;
use super::registry::{Module, Reservation, State, by_id, get, hold_module};
use super::resolve::Everything;
use super::{Error, Reason, late, parameters, unload};
use crate::memory::PAGE_SIZE;
use crate::unwind::ModuleTables;
use crate::{livepatch, symbols, trace};

/// Loads a module from the bytes of its file and runs its `init_module`. `file` is a name for messages.
///
/// # Errors
/// The file is at fault, it was built for another kernel, its name is taken, it does not fit, or its `init_module` says no.
pub fn load(file: &str, bytes: &[u8]) -> Result<Arc<Module>, Error> {
    load_with(file, bytes, "")
}

/// The same, with parameters: `name=value …`.
///
/// # Errors
/// As for [`load`], or a value is none of its parameter's.
pub fn load_with(file: &str, bytes: &[u8], parameters: &str) -> Result<Arc<Module>, Error> {
    let module = place(file, bytes)?;
    let name = &module.info.name;
    if let Err(error) = module.set_parameters(parameters) {
        module.set_state(State::Going);
        unload::after_failed_init(&module);
        return Err(error);
    }
    if let Err(error) = late::module_comes(&module).and_then(|()| livepatch::module_coming(&module)) {
        module.set_state(State::Going);
        unload::after_failed_init(&module);
        return Err(Error::new(name, Reason::Patch(error)));
    }
    trace::module_coming(&module);
    let status = module.init.map_or(0, call_init);
    if status < 0 {
        module.set_state(State::Going);
        let error = Error::new(name, Reason::Init { status });
        unload::after_failed_init(&module);
        return Err(error);
    }
    if status > 0 {
        log::warn!(target: "module", "'{name}': init_module returned {status}, which counts as success");
    }
    module.set_state(State::Live);
    log::trace!(target: "module", "'{name}' is at {:#x}, {:#x} bytes", module.range.start, module.range.end - module.range.start);
    Ok(module)
}

/// Everything up to `init_module`.
fn place(file_name: &str, bytes: &[u8]) -> Result<Arc<Module>, Error> {
    let wrong = |error: ModuleError| Error::new(file_name, Reason::File(Box::new(error)));
    let file = ModuleFile::parse(bytes).map_err(wrong)?;
    let name = file.info.name.as_str();
    check_build(name, file.info.build_id)?;
    if file.is_pc_relative() && !cpu::has_prefixed_instructions() {
        return Err(Error::new(name, Reason::Prefixed));
    }
    let reservation = Reservation::new(name)?;
    if let Some(dependency) = file
        .info
        .depends
        .iter()
        .find(|dependency| get(dependency).is_none())
    {
        return Err(Error::new(
            name,
            Reason::Needs {
                dependency: dependency.clone(),
            },
        ));
    }

    let layout = file.lay_out(PAGE_SIZE).map_err(wrong)?;
    let no_room = |error| Error::new(name, Reason::NoRoom(error));
    let mut place = Place::take(layout.size, layout.alignment).map_err(no_room)?;
    let base = place.range().start;
    let linked = file.link(&layout, base, &Everything).map_err(wrong)?;

    let mut uses = Vec::new();
    for id in &linked.imports {
        // Who was unloaded since the look-up is not there to be held.
        let gone = || {
            Error::new(
                name,
                Reason::Needs {
                    dependency: "one that was just unloaded".to_string(),
                },
            )
        };
        uses.push(hold_module(
            by_id(*id).ok_or_else(gone)?,
            &alloc::format!("module '{name}'"),
        )?);
    }
    for dependency in &file.info.depends {
        uses.push(super::hold(dependency, &alloc::format!("module '{name}'"))?);
    }
    place.fill(&linked.image, &layout.regions);
    let tables = file.section(&layout, ".eh_frame");
    let tables = tables.map(|tables| base + tables.start..base + tables.end);
    let unwind = tables.map(ModuleTables::new).transpose();
    let unwind = unwind.map_err(|error| Error::new(name, Reason::Unwind(error)))?;
    let parameters = file.section(&layout, parameters::SECTION);
    let parameters = parameters.map(|records| base + records.start..base + records.end);
    let parameters = parameters.map(|records| parameters::read(records, &place.range()));
    let parameters = parameters.transpose();
    let parameters = parameters.map_err(|what| Error::new(name, Reason::NoParameter { what }))?;
    let mut linked = linked;
    linked.image = Vec::new();
    let info = file.info.clone();
    let parameters = parameters.unwrap_or_default();
    let module = Arc::new(Module::new(info, linked, unwind, parameters, uses, place));
    reservation.publish(module.clone());
    Ok(module)
}

fn check_build(name: &str, module: Option<BuildId>) -> Result<(), Error> {
    let kernel = BuildId(*symbols::kernel().build_id());
    match module {
        None => Err(Error::new(name, Reason::NoBuildId { kernel })),
        Some(module) if module != kernel => Err(Error::new(name, Reason::OtherBuild { module, kernel })),
        Some(_) => Ok(()),
    }
}

fn call_init(entry: u64) -> i32 {
    // SAFETY: the global entry of `init_module`, which the linker found to be a function of the module, in code that is in
    // place; that it has this type is what a module promises by its build id.
    let init: extern "C" fn() -> i32 = unsafe { core::mem::transmute(entry) };
    init()
}

pub(super) fn call_exit(entry: u64) {
    // SAFETY: as for `init_module`.
    let exit: extern "C" fn() = unsafe { core::mem::transmute(entry) };
    exit();
}

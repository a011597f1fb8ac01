//! `/sys/module`: a folder for each loaded module.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_core::errno::Errno;

use super::{Entry, Holes, Mode, Table};
use crate::module::{self, Module, State};

pub(super) const TABLE: Table = Table {
    entries: &[
        Entry::attribute(
            "/sys/module/{module}/refcnt",
            Some(|holes, out| Ok(writeln!(out, "{}", find(holes)?.use_count())?)),
            None,
        ),
        Entry::attribute(
            "/sys/module/{module}/initstate",
            Some(|holes, out| Ok(writeln!(out, "{}", state(&*find(holes)?))?)),
            None,
        ),
        Entry::attribute(
            "/sys/module/{module}/coresize",
            Some(|holes, out| Ok(writeln!(out, "{}", size(&*find(holes)?))?)),
            None,
        ),
        Entry::attribute(
            "/sys/module/{module}/users",
            Some(|holes, out| {
                let users = find(holes)?.users();
                users.iter().try_for_each(|user| writeln!(out, "{user}"))?;
                Ok(())
            }),
            None,
        ),
        Entry {
            pattern: "/sys/module/{module}/parameters/{parameter}",
            mode: Mode::By(|holes| {
                let module = find(holes);
                module.map_or(0, |module| {
                    let mut parameters = module.parameters.iter();
                    let found = parameters.find(|parameter| parameter.name == holes.get("parameter"));
                    found.map_or(0, |parameter| parameter.mode as u16)
                })
            }),
            read: Some(|holes, out| {
                let value = module::parameter(holes.get("module"), holes.get("parameter"))?;
                Ok(writeln!(out, "{value}")?)
            }),
            write: Some(|holes, text| {
                let text = text.strip_suffix('\n').unwrap_or(text);
                module::set_parameter(holes.get("module"), holes.get("parameter"), text)
            }),
            append: None,
            size: |_| 4096,
        },
    ],
    names,
};

/// The modules; of a module the parameters that have a file.
fn names(hole: &str, holes: &Holes<'_>) -> Vec<String> {
    if hole == "module" {
        let modules = module::list();
        return modules.iter().map(|module| module.info.name.clone()).collect();
    }
    let Ok(module) = find(holes) else {
        return Vec::new();
    };
    let shown = module.parameters.iter().filter(|parameter| parameter.mode != 0);
    shown.map(|parameter| parameter.name.clone()).collect()
}

fn find(holes: &Holes<'_>) -> Result<Arc<Module>, Errno> {
    module::get(holes.get("module")).ok_or(Errno::NoEntry)
}

/// Bytes that a module takes.
pub(super) fn size(module: &Module) -> u64 {
    module.range.end - module.range.start
}

/// Where a module stands, in Linux's words.
pub(super) fn state(module: &Module) -> &'static str {
    match module.state() {
        State::Coming => "coming",
        State::Live => "live",
        State::Going | State::Lingering => "going",
    }
}

/// The modules that use a module.
pub(crate) fn users(module: &Module) -> Vec<String> {
    let mut users: Vec<String> = module
        .users()
        .iter()
        .filter_map(|user| Some(String::from(user.strip_prefix("module '")?.strip_suffix('\'')?)))
        .collect();
    users.sort_unstable();
    users.dedup();
    users
}

//! Functions by names and patterns, as `set_ftrace_filter` takes them.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use kernel_core::glob;

use super::TraceError;
use crate::ftrace::{Site, traceable_kernel_sites};
use crate::module::{self, Module, State};
use crate::symbols;

/// What is to become of the functions that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only those that are named now; all, when none are.
    Replace,
    /// Those that are named now, too.
    Add,
}

/// Every function that can be traced, of the kernel and of the modules, by the addresses of their sites.
pub fn traceable() -> Vec<Site> {
    let mut sites: Vec<Site> = traceable_kernel_sites().collect();
    sites.extend(of_modules());
    order(&mut sites);
    sites
}

/// Each site once, by their addresses.
fn order(sites: &mut Vec<Site>) {
    sites.sort_unstable_by_key(|site| site.address);
    sites.dedup_by_key(|site| site.address);
}

fn of_modules() -> impl Iterator<Item = Site> {
    let is_there = |module: &alloc::sync::Arc<Module>| matches!(module.state(), State::Coming | State::Live);
    let modules = module::list().into_iter().filter(is_there);
    modules.flat_map(|module| of_module(&module))
}

/// The functions of a module.
pub(super) fn of_module(module: &Module) -> Vec<Site> {
    let sites = module.sites.iter();
    sites.filter_map(|site| module.site(site.entry)).collect()
}

/// The functions that one line of a filter names: a path as the lists show it, or a pattern for such paths.
fn named(pattern: &str) -> Result<Vec<Site>, TraceError> {
    let fits = |site: &Site| glob::matches(pattern, &site.function.to_string());
    let is_pattern = pattern.contains(['*', '?', '[']);
    // To write the paths of all functions takes long.
    let kernel: Vec<Site> = match is_pattern {
        true => traceable_kernel_sites().filter(fits).collect(),
        false => {
            let named = symbols::kernel().named(pattern);
            let sites = named.filter_map(|symbol| Site::of_kernel_symbol(&symbol));
            let notrace = arch::image::notrace();
            sites.filter(|site| !notrace.contains(&site.address)).collect()
        }
    };
    let found: Vec<Site> = kernel.into_iter().chain(of_modules().filter(fits)).collect();
    match found.is_empty() {
        true => Err(TraceError::NoFunction {
            pattern: pattern.into(),
        }),
        false => Ok(found),
    }
}

/// What is chosen when `text` is written: a name or a pattern a line, with `!` in front to take functions away. `None`: all.
///
/// # Errors
/// A line names no function.
pub(super) fn changed(
    old: Option<&[Site]>,
    change: Change,
    text: &str,
) -> Result<Option<Vec<Site>>, TraceError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut chosen = match change {
        Change::Replace => None,
        Change::Add => old.map(<[Site]>::to_vec),
    };
    for line in lines {
        match line.strip_prefix('!') {
            None => chosen.get_or_insert_default().extend(named(line.trim())?),
            Some(pattern) => {
                let gone = named(pattern.trim())?;
                let chosen = chosen.get_or_insert_with(traceable);
                chosen.retain(|site| !gone.iter().any(|other| other.address == site.address));
            }
        }
    }
    if let Some(chosen) = &mut chosen {
        order(chosen);
    }
    Ok(chosen)
}

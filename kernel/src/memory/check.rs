//! The self-check: every mapping of every CPU is looked at, as the processor would find it.

use alloc::format;
use alloc::string::String;
use core::fmt;

use arch::mmu::window;
use kernel_core::radix::Census;

use super::protection::{mapping, walk_all};
use crate::machine::machine;
use crate::{println, thread};

/// What a check that found nothing wrong has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// CPUs whose tables were walked; 0 where memory is not protected.
    pub cpus: usize,
    /// What they map, added up: what they share counts for each.
    pub census: Census,
    /// Guard pages, each seen not to be mapped.
    pub guards: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { cpus, census, guards } = self;
        let s = if *cpus == 1 { "" } else { "s" };
        write!(f, "{census}, of {cpus} CPU{s}; {guards} guard pages")
    }
}

/// Looks at every mapping. None may be written and executed, none may lead out of memory or to another address than its own,
/// no CPU's window may be open, and page 0 and the guard pages must not be mapped.
///
/// # Errors
/// The first thing that is wrong.
pub fn check() -> Result<Report, String> {
    let memory = &machine().memory;
    let mut census = Census::default();
    let cpus = walk_all(|process, address, size, leaf| {
        let wrong = |what: &dyn fmt::Display| format!("process {process}: {what}");
        if address >= window::ADDRESS {
            return Err(wrong(&format_args!("the window to code is open, on {leaf:?}")));
        }
        if leaf.real() != address {
            return Err(wrong(&format_args!("{address:#x} is mapped elsewhere: {leaf:?}")));
        }
        let counted = census.add(address, size, leaf, memory);
        counted.map_err(|violation| wrong(&violation))
    })?;
    let mut guards = 0;
    for (guard, address) in thread::guard_pages() {
        if let Some(leaf) = mapping(address) {
            return Err(format!(
                "the guard page of a {guard} is mapped: {address:#x} to {leaf:?}"
            ));
        }
        guards += 1;
    }
    match mapping(0) {
        Some(leaf) => Err(format!("page 0 is mapped: to {leaf:?}")),
        None => Ok(Report { cpus, census, guards }),
    }
}

/// Prints what is mapped at the end of a run, if memory is protected.
pub(crate) fn print() {
    match check() {
        Ok(Report { cpus: 0, .. }) => {}
        Ok(report) => println!("# memory: {report}"),
        Err(error) => println!("# memory: {error}"),
    }
}

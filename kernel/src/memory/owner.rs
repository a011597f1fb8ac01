//! Whose memory an address is in, for messages. Nothing here allocates or waits for long.

use core::fmt;

use arch::image;

use super::parts::{cases, device_tree, module_area};
use super::plan::plan;
use super::protection::mapping_soon;
use crate::machine::machine;
use crate::{module, thread};

/// Parts of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// What is below the image: the exception vectors.
    Vectors,
    Text,
    Stubs,
    Modules,
    Rodata,
    Data,
    DeviceTree,
    Symbols,
    Initrd,
    Tables,
    Stacks,
    Heap,
    Nobody,
}

impl Owner {
    pub(crate) fn of(address: u64) -> Owner {
        let plan = plan();
        let parts = [
            (Owner::Vectors, 0..image::image().start),
            (Owner::Text, image::text()),
            (Owner::Text, cases()),
            (Owner::Stubs, image::stub_area()),
            (Owner::Modules, module_area()),
            (Owner::Rodata, image::rodata()),
            (Owner::Data, image::data()),
            (Owner::DeviceTree, device_tree()),
            (Owner::Symbols, image::kallsyms()),
            (Owner::Initrd, machine().initrd.clone().unwrap_or_default()),
            (Owner::Tables, plan.tables.clone()),
            (Owner::Stacks, plan.stacks.clone()),
            (Owner::Heap, plan.heap.clone()),
        ];
        let part = parts.into_iter().find(|(_, range)| range.contains(&address));
        part.map_or(Owner::Nobody, |(owner, _)| owner)
    }

    /// Whether there may be code in it.
    pub(crate) fn is_code(self) -> bool {
        matches!(self, Owner::Vectors | Owner::Text | Owner::Stubs | Owner::Modules)
    }
}

/// An address, to be printed as whose it is, in words that follow a comma.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnerOf(pub(crate) u64);

impl OwnerOf {
    /// Whether what is there can be executed.
    pub(crate) fn is_executable(self) -> bool {
        mapping_soon(self.0).is_some_and(|leaf| leaf.is_executable())
    }
}

impl fmt::Display for OwnerOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0;
        f.write_str(match Owner::of(address) {
            Owner::Vectors => "below the kernel",
            Owner::Text => "text of the kernel",
            Owner::Stubs => "stub area",
            Owner::Modules => return module_part(f, address),
            Owner::Rodata => "rodata of the kernel",
            Owner::Data => "data of the kernel",
            Owner::DeviceTree => "device tree",
            Owner::Symbols => "symbol table",
            Owner::Initrd => "initial RAM disk",
            Owner::Tables => "page tables",
            Owner::Stacks => return thread::describe_stack(f, address),
            Owner::Heap => "heap",
            Owner::Nobody => "nobody's",
        })
    }
}

/// A part of a module, by what may be done with it.
fn module_part(f: &mut fmt::Formatter<'_>, address: u64) -> fmt::Result {
    let part = match mapping_soon(address) {
        Some(leaf) if leaf.is_executable() => "text",
        Some(leaf) if leaf.is_writable() => "data",
        Some(_) => "rodata",
        None => "memory",
    };
    let mut written = None;
    module::name_of(address, &mut |module| {
        written = Some(write!(f, "{part} of module {module}"));
    });
    written.unwrap_or_else(|| f.write_str("module area"))
}

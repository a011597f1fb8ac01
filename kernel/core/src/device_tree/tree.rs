//! Reads a tree: what the kernel needs of it, each with an error that names node and property.

use core::ops::Range;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::standard::NodeStandard;
use dtoolkit::{FromPropertyValue, Node, Property};

use super::{Problem, TreeError, check, text};

/// The virtual terminal that QEMU gives the first serial port, when the tree names none.
pub const DEFAULT_TERMINAL: u32 = 0x7100_0000;

/// A sound tree.
#[derive(Clone, Copy, Debug)]
pub struct DeviceTree<'a>(Fdt<'a>);

/// Who the kernel turns to for what the processor cannot do itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// A hypervisor, by hypercalls (PAPR).
    Pseries {
        /// The virtual terminal to write to.
        terminal: u32,
        /// How the machine is turned off.
        rtas: Rtas,
    },
    /// Nobody but firmware, which is called like a function: OPAL. The kernel is in hypervisor state.
    PowerNv {
        /// What OPAL wants in r2.
        base: u64,
        /// Where it is called.
        entry: u64,
    },
}

/// Tokens of the RTAS calls that the kernel makes; `None` where the machine has no such call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rtas {
    /// `power-off`.
    pub power_off: Option<u32>,
    /// `ibm,os-term`: the system reports that it failed.
    pub os_term: Option<u32>,
    /// `start-cpu`.
    pub start_cpu: Option<u32>,
    /// `query-cpu-stopped-state`.
    pub query_cpu_stopped_state: Option<u32>,
}

impl<'a> DeviceTree<'a> {
    /// Takes the tree at the beginning of `bytes`.
    ///
    /// # Errors
    /// It is not sound; see [`check`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TreeError<'a>> {
        Ok(DeviceTree(Fdt::new_unchecked(check(bytes)?)))
    }

    /// The arguments that the user gave; empty when there are none.
    ///
    /// # Errors
    /// They are no text.
    pub fn boot_arguments(&self) -> Result<&'a str, TreeError<'a>> {
        match self.0.find_node("/chosen") {
            Some(chosen) => Ok(optional_text(chosen, "bootargs")?.unwrap_or("")),
            None => Ok(""),
        }
    }

    /// Where the initial RAM disk lies, if there is one.
    ///
    /// # Errors
    /// The properties of `/chosen` that say so are no addresses, or no range.
    pub fn initrd(&self) -> Result<Option<Range<u64>>, TreeError<'a>> {
        let Some(chosen) = self.0.find_node("/chosen") else {
            return Ok(None);
        };
        let Some(start) = address(chosen, "linux,initrd-start")? else {
            return Ok(None);
        };
        let end = address(chosen, "linux,initrd-end")?.ok_or(error(
            chosen,
            "linux,initrd-end",
            Problem::Missing,
        ))?;
        if end < start {
            let problem = Problem::Range { start, second: end };
            return Err(error(chosen, "linux,initrd-end", problem));
        }
        Ok((start != end).then_some(start..end))
    }

    /// All memory, in the tree's order: of each node with the device type `memory` the ranges in `reg`.
    pub fn memory(&self) -> impl Iterator<Item = Result<Range<u64>, TreeError<'a>>> + use<'a> {
        let root = self.0.root();
        root.children()
            .filter(|node| is_device_type(*node, "memory"))
            .flat_map(move |node| MemoryRanges::of(root, node))
    }

    /// The memory in which the processor starts, which contains address 0.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn first_memory(&self) -> Result<Range<u64>, TreeError<'a>> {
        self.memory()
            .find(|range| !matches!(range, Ok(range) if range.start != 0))
            .unwrap_or(Err(TreeError {
                node: "/memory@0",
                property: None,
                problem: Problem::Missing,
            }))
    }

    /// Every CPU node, in the tree's order.
    pub(super) fn cpus(&self) -> impl Iterator<Item = FdtNode<'a>> + use<'a> {
        let cpus = self.0.find_node("/cpus").into_iter();
        cpus.flat_map(|cpus| cpus.children())
            .filter(|node| is_device_type(*node, "cpu"))
    }

    pub(super) fn root(&self) -> FdtNode<'a> {
        self.0.root()
    }

    pub(super) fn find(&self, path: &str) -> Option<FdtNode<'a>> {
        self.0.find_node(path)
    }

    /// Who the kernel turns to: OPAL where the tree has it, and a hypervisor where it has not.
    ///
    /// # Errors
    /// OPAL is there, but not where it is called.
    pub fn platform(&self) -> Result<Platform, TreeError<'a>> {
        let Some(opal) = self.0.find_node("/ibm,opal") else {
            return Ok(Platform::Pseries {
                terminal: self.terminal(),
                rtas: self.rtas(),
            });
        };
        let needed = |name| optional(opal, name, "an address")?.ok_or(error(opal, name, Problem::Missing));
        Ok(Platform::PowerNv {
            base: needed("opal-base-address")?,
            entry: needed("opal-entry-address")?,
        })
    }

    /// What the firmware keeps for itself as long as the machine runs.
    pub fn reserved(&self) -> impl Iterator<Item = Range<u64>> + use<'a> {
        let reservations = self.0.memory_reservations();
        reservations.map(|part| part.address()..part.address().saturating_add(part.size()))
    }

    /// How the machine is turned off, and its CPUs started. What the tree does not say is left out.
    fn rtas(&self) -> Rtas {
        let rtas = self.0.find_node("/rtas");
        let token = |name| rtas.and_then(|rtas| optional::<u32>(rtas, name, "a token").ok().flatten());
        Rtas {
            power_off: token("power-off"),
            os_term: token("ibm,os-term"),
            start_cpu: token("start-cpu"),
            query_cpu_stopped_state: token("query-cpu-stopped-state"),
        }
    }

    /// The units of the virtual terminals, in ascending order.
    ///
    /// As many as fit.
    pub(super) fn terminals(&self) -> heapless::Vec<u32, 8> {
        let devices = self.0.find_node("/vdevice").into_iter();
        let nodes = devices.flat_map(|devices| devices.children());
        let terminals = nodes.filter(|node| is_device_type(*node, "serial"));
        let units = terminals.filter_map(|node| optional::<u32>(node, "reg", "a unit").ok().flatten());
        let mut units: heapless::Vec<u32, 8> = units.take(8).collect();
        units.sort_unstable();
        units
    }

    /// The virtual terminal to write to: the one that `/chosen` names, else the first one.
    fn terminal(&self) -> u32 {
        let unit = |node: FdtNode<'a>| optional::<u32>(node, "reg", "a unit").ok().flatten();
        let chosen = self.0.find_node("/chosen");
        let named = chosen
            .and_then(|chosen| {
                let path = |name| optional_text(chosen, name).ok().flatten();
                path("stdout-path").or_else(|| path("linux,stdout-path"))
            })
            .and_then(|path| self.0.find_node(path))
            .filter(|node| is_device_type(*node, "serial"))
            .and_then(unit);
        named
            .or_else(|| self.terminals().first().copied())
            .unwrap_or(DEFAULT_TERMINAL)
    }
}

/// The ranges in a memory node's `reg`, or why they cannot be read.
struct MemoryRanges<'a> {
    node: FdtNode<'a>,
    rest: &'a [u8],
    /// Bytes of an address and of a size.
    bytes: [usize; 2],
    error: Option<TreeError<'a>>,
}

impl<'a> MemoryRanges<'a> {
    fn of(root: FdtNode<'a>, node: FdtNode<'a>) -> Self {
        let mut ranges = MemoryRanges {
            node,
            rest: &[],
            bytes: [0; 2],
            error: None,
        };
        if let Err(error) = ranges.read(root) {
            ranges.error = Some(error);
        }
        ranges
    }

    fn read(&mut self, root: FdtNode<'a>) -> Result<(), TreeError<'a>> {
        let names = ["#address-cells", "#size-cells"];
        let cells = [root.address_cells(), root.size_cells()];
        for ((bytes, name), cells) in self.bytes.iter_mut().zip(names).zip(cells) {
            *bytes = match cells {
                Ok(cells @ (1 | 2)) => 4 * cells as usize,
                Ok(cells) => return Err(error(root, name, Problem::Cells { cells })),
                Err(_) => return Err(error(root, name, Problem::Missing)),
            };
        }
        let value: &[u8] =
            optional(self.node, "reg", "bytes")?.ok_or(error(self.node, "reg", Problem::Missing))?;
        if value.len() % (self.bytes[0] + self.bytes[1]) != 0 {
            let problem = Problem::Length {
                found: value.len(),
                wanted: "pairs of address and size",
            };
            return Err(error(self.node, "reg", problem));
        }
        self.rest = value;
        Ok(())
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let (number, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
}

impl<'a> Iterator for MemoryRanges<'a> {
    type Item = Result<Range<u64>, TreeError<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        if self.rest.is_empty() {
            return None;
        }
        let [address, size] = self.bytes;
        let (start, size) = (self.number(address)?, self.number(size)?);
        let problem = Problem::Range { start, second: size };
        let end = start.checked_add(size);
        Some(end.map(|end| start..end).ok_or(error(self.node, "reg", problem)))
    }
}

/// An error about a node's property.
pub(super) fn error<'a>(node: FdtNode<'a>, property: &'static str, problem: Problem) -> TreeError<'a> {
    TreeError {
        node: node.name(),
        property: Some(property),
        problem,
    }
}

/// A property as a `T`; `wanted` names what that is.
pub(super) fn optional<'a, T: FromPropertyValue<'a>>(
    node: FdtNode<'a>,
    name: &'static str,
    wanted: &'static str,
) -> Result<Option<T>, TreeError<'a>> {
    let Some(property) = node.property(name) else {
        return Ok(None);
    };
    let found = property.value().len();
    property
        .value_as()
        .map(Some)
        .map_err(|_| error(node, name, Problem::Length { found, wanted }))
}

/// A property as text up to its first NUL, which the firmware may have forgotten.
pub(super) fn optional_text<'a>(
    node: FdtNode<'a>,
    name: &'static str,
) -> Result<Option<&'a str>, TreeError<'a>> {
    let Some(value) = optional::<&[u8]>(node, name, "bytes")? else {
        return Ok(None);
    };
    let text = text(value).or_else(|| core::str::from_utf8(value).ok());
    text.map(Some).ok_or(error(node, name, Problem::NotText))
}

/// A property that is an address of one or two cells.
fn address<'a>(node: FdtNode<'a>, name: &'static str) -> Result<Option<u64>, TreeError<'a>> {
    match optional::<u32>(node, name, "an address") {
        Ok(address) => Ok(address.map(u64::from)),
        Err(_) => optional(node, name, "an address"),
    }
}

fn is_device_type(node: FdtNode<'_>, device_type: &str) -> bool {
    optional_text(node, "device_type") == Ok(Some(device_type))
}

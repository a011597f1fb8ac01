//! The machine that the kernel runs on, as the device tree describes it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use dtoolkit::Node;

use super::tree::{error, optional, optional_text};
use super::{DeviceTree, Platform, Problem, TreeError};

/// What the tree says that the kernel uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The machine's name, or what it is compatible with; empty when the tree is silent.
    pub model: String,
    /// The CPUs' name, as in `PowerPC,POWER9`.
    pub cpu: String,
    /// The CPUs translate addresses by radix tables: a property of theirs says so, or a node of skiboot's.
    pub has_radix: bool,
    /// For every CPU its interrupt server numbers, one a hardware thread, in ascending order; the boot CPU is not marked.
    pub servers: Vec<Vec<u32>>,
    /// All memory, in ascending order.
    pub memory: Vec<Range<u64>>,
    /// What the user said.
    pub boot_arguments: String,
    /// The initial RAM disk.
    pub initrd: Option<Range<u64>>,
    /// Ticks of the timebase a second; `None` when the tree does not say.
    pub timebase_frequency: Option<u32>,
    /// The units of the virtual terminals, `hvc0` first.
    pub terminals: Vec<u32>,
    /// Who prints, and turns the machine off.
    pub platform: Platform,
    /// The firmware that says who it is; empty when it does not.
    pub firmware: String,
}

impl Machine {
    /// Reads the whole of it.
    ///
    /// # Errors
    /// The first property that is broken, or that is missing and needed: a CPU, its interrupt servers, memory.
    pub fn read<'a>(tree: &DeviceTree<'a>) -> Result<Self, TreeError<'a>> {
        let root = tree.root();
        let text = |node, name| Ok(optional_text(node, name)?.unwrap_or("").to_owned());
        let first_cpu = tree.cpus().next().ok_or(TreeError {
            node: "/cpus",
            property: None,
            problem: Problem::Missing,
        })?;
        let model = match optional_text(root, "model")? {
            Some(model) => model.to_owned(),
            None => text(root, "compatible")?,
        };
        // Open Firmware tells the children of a node in any order.
        let mut servers: Vec<_> = tree.cpus().map(servers).collect::<Result<_, _>>()?;
        servers.sort();
        let mut memory: Vec<_> = tree.memory().collect::<Result<_, _>>()?;
        memory.sort_by_key(|range| range.start);
        Ok(Machine {
            model,
            cpu: first_cpu.name_without_address().to_owned(),
            has_radix: first_cpu.property("ibm,processor-radix-AP-encodings").is_some()
                || tree.find("/cpus/ibm,powerpc-cpu-features/mmu-radix").is_some(),
            servers,
            memory,
            boot_arguments: tree.boot_arguments()?.to_owned(),
            initrd: tree.initrd()?,
            timebase_frequency: optional(first_cpu, "timebase-frequency", "a frequency")?,
            terminals: tree.terminals().to_vec(),
            platform: tree.platform()?,
            firmware: firmware(tree)?,
        })
    }

    /// Bytes of memory.
    pub fn memory_size(&self) -> u64 {
        self.memory
            .iter()
            .fold(0, |size, range| size.saturating_add(range.end - range.start))
    }
}

/// SLOF has a node for itself, and so has skiboot, which says its version only.
fn firmware<'a>(tree: &DeviceTree<'a>) -> Result<String, TreeError<'a>> {
    if let Some(node) = tree.find("/openprom") {
        return Ok(optional_text(node, "model")?.unwrap_or("").to_owned());
    }
    match tree.find("/ibm,opal/firmware") {
        Some(node) => Ok(format!(
            "skiboot {}",
            optional_text(node, "version")?.unwrap_or("")
        )),
        None => Ok(String::new()),
    }
}

/// How many CPUs there are, each thread of a core counted; takes no memory.
///
/// # Errors
/// The interrupt servers of a CPU are missing or broken.
pub fn cpu_count<'a>(tree: &DeviceTree<'a>) -> Result<usize, TreeError<'a>> {
    tree.cpus().map(|cpu| Ok(server_numbers(cpu)?.len() / 4)).sum()
}

/// The interrupt servers of a CPU.
fn servers<'a>(cpu: dtoolkit::fdt::FdtNode<'a>) -> Result<Vec<u32>, TreeError<'a>> {
    let numbers = server_numbers(cpu)?.chunks(4);
    Ok(numbers.filter_map(|number| super::word(number, 0)).collect())
}

/// The numbers of a CPU's interrupt servers, of 32 bits each: of its threads, else its own number.
fn server_numbers<'a>(cpu: dtoolkit::fdt::FdtNode<'a>) -> Result<&'a [u8], TreeError<'a>> {
    const SERVERS: &str = "ibm,ppc-interrupt-server#s";
    let name = if cpu.property(SERVERS).is_some() {
        SERVERS
    } else {
        "reg"
    };
    let value: &[u8] = optional(cpu, name, "numbers")?.ok_or(error(cpu, name, Problem::Missing))?;
    if value.is_empty() || value.len() % 4 != 0 {
        let problem = Problem::Length {
            found: value.len(),
            wanted: "numbers of servers",
        };
        return Err(error(cpu, name, problem));
    }
    Ok(value)
}

//! The kernel's address space: what is mapped, with which rights, and every change of that.
//!
//! Everything is mapped to itself. What has no use is not mapped: page 0, the rest of what is below the image, the gaps
//! between its parts, guard pages, the parts of the stub, module and stack areas that nobody has, firmware, devices.
#![allow(
    unsafe_code,
    reason = "turns translation on, under the feet of everything that runs"
)]

use core::ops::{ControlFlow, Range};
use core::sync::atomic::Ordering;

use arch::cpu::CpuHead;
use arch::mmu::{self, PartitionTable, ProcessTable, TablePool, tlb, window};
use arch::{image, interrupts};
use kernel_core::radix::{
    Change, Leaf, PAGE_SIZE, ROOT_SIZE, Rights, TableMemory, change, leaf_at, share, slot, walk,
};

use super::parts::{cases, device_tree};
use super::plan::plan;
use crate::machine::machine;
use crate::platform;
use crate::sync::{IrqLock, Rank};
use crate::thread;

/// CPUs that there can be.
const CPUS: usize = arch::cpu::MAXIMUM;

/// The page tables of all CPUs.
struct AddressSpace {
    pool: TablePool,
    processes: ProcessTable,
    /// Where every CPU finds the other, where there is no hypervisor.
    partitions: PartitionTable,
    /// Root of the first CPU's tree, of which all others share what is below the windows.
    shared: u64,
    /// Of each CPU that translates its process and the root of its tree.
    cpus: heapless::Vec<(u32, u64), CPUS>,
}

static SPACE: IrqLock<Option<AddressSpace>> = IrqLock::new(Rank::AddressSpace, None);

/// Whether memory is protected: the CPUs translate addresses.
pub fn is_protected() -> bool {
    SPACE.lock().is_some()
}

/// Protects memory from here on, if the processor and the platform can; answers why they cannot. Once, on the boot CPU.
pub(crate) fn protect() -> Option<&'static str> {
    set_up().err()
}

fn set_up() -> Result<(), &'static str> {
    if !machine().has_radix {
        return Err("this processor has no radix tables");
    }
    // SAFETY: the plan keeps this memory for tables; nothing is translated yet.
    let mut pool = unsafe { TablePool::new(plan().tables.clone()) };
    let no_memory = "there is no memory for tables";
    let shared = pool.allocate(ROOT_SIZE).ok_or(no_memory)?;
    let processes = ProcessTable::new(&mut pool).ok_or(no_memory)?;
    let partitions = PartitionTable::new(&mut pool, shared, processes).ok_or(no_memory)?;
    // SAFETY: an empty process table in memory that nobody else gets; translation is off.
    unsafe { platform::register_process_table(processes.address()) }?;
    let mut space = AddressSpace {
        shared,
        pool,
        processes,
        partitions,
        cpus: heapless::Vec::new(),
    };
    for (range, rights) in everything() {
        let pages = whole_pages(&range);
        let real = pages.start;
        space.change(space.shared, pages, Change::Map { real, rights });
    }
    for guard in arch::start::boot_guards() {
        space.change(space.shared, guard, Change::Unmap);
    }
    *SPACE.lock() = Some(space);
    interrupts::without(|| init_cpu(thread::current_cpu_head()));
    Ok(())
}

/// What is mapped as long as the kernel runs.
fn everything() -> impl Iterator<Item = (Range<u64>, Rights)> {
    let plan = plan();
    let initrd = machine().initrd.clone().map(|initrd| (initrd, Rights::Read));
    [
        (image::text(), Rights::ReadExecute),
        (image::rodata(), Rights::Read),
        (image::data(), Rights::ReadWrite),
        (cases(), Rights::ReadExecute),
        (device_tree(), Rights::Read),
        (image::kallsyms(), Rights::Read),
        (plan.tables.clone(), Rights::ReadWrite),
        (plan.heap.clone(), Rights::ReadWrite),
    ]
    .into_iter()
    .chain(initrd)
}

/// The pages that a range has a part in.
fn whole_pages(range: &Range<u64>) -> Range<u64> {
    range.start & !(PAGE_SIZE - 1)..range.end.next_multiple_of(PAGE_SIZE)
}

/// Lets a CPU translate from here on, if memory is protected. It calls this itself, with interrupts off, before it runs
/// anything but its own start.
pub(crate) fn init_cpu(cpu: &CpuHead) {
    let process = cpu.process();
    let partitions = {
        let mut space = SPACE.lock();
        let Some(space) = space.as_mut() else { return };
        let window_entry = space.add_cpu(process);
        cpu.window_entry.store(window_entry, Ordering::Relaxed);
        space.partitions.address()
    };
    // SAFETY: a table that the space keeps; this CPU has not been here before.
    unsafe { platform::use_partition_table(partitions) };
    // SAFETY: the process has a tree that maps all that is in use to itself; the caller runs on this CPU, and has interrupts
    // off.
    unsafe { mmu::turn_on(cpu, process) };
}

impl AddressSpace {
    /// Enters a CPU's process, with a tree of its own. Answers the address of the entry of its window.
    fn add_cpu(&mut self, process: u32) -> u64 {
        let root = match self.cpus.is_empty() {
            true => self.shared,
            false => {
                let root = self.pool.allocate(ROOT_SIZE);
                let root = root.expect("no memory for the root of page tables");
                share(&mut self.pool, self.shared, root);
                root
            }
        };
        // A page is mapped and unmapped for the tables that this needs.
        let page = window::ADDRESS..window::ADDRESS + PAGE_SIZE;
        let rights = Rights::Read;
        self.change(root, page.clone(), Change::Map { real: 0, rights });
        self.change(root, page, Change::Unmap);
        let (table, index) = slot(&self.pool, root, window::ADDRESS).expect("the window was just mapped");
        self.processes.set(&mut self.pool, process, root);
        tlb::forget_process(process);
        let entered = self.cpus.push((process, root));
        entered.expect("more CPUs than there can be");
        table + 8 * index
    }

    /// Changes the tree at `root`, and with it all that share what changes.
    ///
    /// # Panics
    /// There is no memory for tables, of which the plan has kept enough, or a part of a larger page would change, which no
    /// part of the kernel asks for.
    fn change(&mut self, root: u64, range: Range<u64>, wanted: Change) {
        let changed = change(&mut self.pool, root, range.clone(), wanted)
            .unwrap_or_else(|error| panic!("{range:#x?} cannot become {wanted:x?}: {error}"));
        if changed {
            tlb::forget_translations(self.cpus.iter().map(|(process, _)| *process));
        } else {
            tlb::entries_written();
        }
    }
}

fn change_shared(range: &Range<u64>, wanted: Change) {
    if let Some(space) = SPACE.lock().as_mut() {
        space.change(space.shared, whole_pages(range), wanted);
    }
}

/// Says what may be done with the pages of `range`, on every CPU. Does nothing where memory is not protected.
pub(crate) fn allow(range: &Range<u64>, rights: Rights) {
    let real = whole_pages(range).start;
    change_shared(range, Change::Map { real, rights });
}

/// Unmaps the pages of `range` on every CPU. Does nothing where memory is not protected.
pub(crate) fn forbid(range: &Range<u64>) {
    change_shared(range, Change::Unmap);
}

/// What may be done with the page at `address`; `None`: nothing, or memory is not protected.
pub(crate) fn rights_at(address: u64) -> Option<Rights> {
    mapping(address).and_then(|leaf| leaf.rights())
}

/// The processes that have a window to code open now.
pub(super) fn open_windows() -> heapless::Vec<u32, CPUS> {
    let space = SPACE.lock();
    let cpus = space
        .iter()
        .flat_map(|space| space.cpus.iter().map(move |cpu| (space, cpu)));
    let open = cpus.filter(|(space, (_, root))| leaf_at(&space.pool, *root, window::ADDRESS).is_some());
    open.map(|(_, (process, _))| *process).collect()
}

/// Puts `word` into the entry of the smallest page at `address`, behind the back of everything that knows better, and
/// answers what was there. For cases that want to see it noticed.
///
/// # Panics
/// There is no such entry.
pub(super) fn plant(address: u64, word: u64) -> u64 {
    let mut space = SPACE.lock();
    let space = space.as_mut().expect("memory is protected");
    let (table, index) = slot(&space.pool, space.shared, address).expect("a small page");
    let old = space.pool.entry(table, index);
    space.pool.set_entry(table, index, word);
    tlb::forget_translations(space.cpus.iter().map(|(process, _)| *process));
    old
}

/// What the address is mapped to; `None`: not at all, or memory is not protected.
pub(super) fn mapping(address: u64) -> Option<Leaf> {
    let space = SPACE.lock();
    let space = space.as_ref()?;
    leaf_at(&space.pool, space.shared, address).map(|(_, leaf)| leaf)
}

/// The same for the report of a fault, which may have come while the tables change: then nothing is known.
pub(super) fn mapping_soon(address: u64) -> Option<Leaf> {
    let space = SPACE.lock_in_fault()?;
    let space = space.as_ref()?;
    leaf_at(&space.pool, space.shared, address).map(|(_, leaf)| leaf)
}

/// Whether the byte at `address` can be read without a fault: it is mapped, or, where memory is not protected, it is memory.
pub fn is_readable(address: u64) -> bool {
    if is_protected() {
        return mapping(address).is_some();
    }
    machine().memory.iter().any(|range| range.contains(&address))
}

/// Shows every mapping of every CPU to `visit`: the CPU's process, address, size in bytes, leaf.
pub(super) fn walk_all<E>(mut visit: impl FnMut(u32, u64, u64, Leaf) -> Result<(), E>) -> Result<usize, E> {
    let space = SPACE.lock();
    let Some(space) = space.as_ref() else { return Ok(0) };
    for (process, root) in &space.cpus {
        let result = walk(&space.pool, *root, &mut |address, size, leaf| match visit(
            *process, address, size, leaf,
        ) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        });
        if let ControlFlow::Break(error) = result {
            return Err(error);
        }
    }
    Ok(space.cpus.len())
}

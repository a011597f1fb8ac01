//! The machine, as the device tree describes it.

use alloc::boxed::Box;
use core::ops::Range;

use kernel_core::device_tree::{DeviceTree, Machine, TreeError, cpu_count};
use kernel_core::ranges::largest_gap;
use spin::Once;

use crate::{boot_arguments, ensure, ktest, memory, platform};

static MACHINE: Once<Machine> = Once::new();
static TREE: Once<Range<u64>> = Once::new();

/// What the kernel knows of the machine.
///
/// # Panics
/// Before the device tree is read.
pub fn machine() -> &'static Machine {
    MACHINE.get().expect("the device tree is read first of all")
}

/// Where the device tree is.
///
/// # Panics
/// Before it is read.
pub(crate) fn tree() -> Range<u64> {
    TREE.get().expect("the device tree is read first of all").clone()
}

/// Reads the tree: first what a panic needs, then where the heap may lie, then the rest.
///
/// # Panics
/// The tree is broken, or lacks something without which there is no running; the message names node and property.
pub(crate) fn init(tree: &'static [u8]) {
    fn broken(error: TreeError<'_>) -> ! {
        panic!("device tree: {error}")
    }
    let Range { start, end } = tree.as_ptr_range();
    TREE.call_once(|| start as u64..end as u64);
    let tree = DeviceTree::parse(tree).unwrap_or_else(|error| broken(error));
    platform::init(tree.platform().unwrap_or_else(|error| broken(error)));
    boot_arguments::init(tree.boot_arguments().unwrap_or_else(|error| broken(error)));
    divide_memory(&tree).unwrap_or_else(|error| broken(error));
    let machine = Machine::read(&tree).unwrap_or_else(|error| broken(error));
    MACHINE.call_once(|| machine);
}

/// The kernel gets what the image, the initial RAM disk and a firmware that stays leave of the first memory. The device tree
/// is inside the image.
#[allow(unsafe_code, reason = "says which memory is nobody's")]
fn divide_memory<'a>(tree: &DeviceTree<'a>) -> Result<(), TreeError<'a>> {
    let image = arch::image::image();
    /// skiboot reserves seven ranges.
    const RANGES: usize = 32;
    let mut taken = heapless::Vec::<Range<u64>, RANGES>::new();
    // The exception vectors are below the image.
    let ours = [0..image.end, tree.initrd()?.unwrap_or_default()];
    for range in ours.into_iter().chain(tree.reserved()) {
        let range = taken.push(range);
        range.unwrap_or_else(|range| panic!("{range:#x?} is one reserved range more than {RANGES}"));
    }
    let free = largest_gap(tree.first_memory()?, &taken);
    let cpus = cpu_count(tree)?;
    // SAFETY: the tree says that it is memory, and nothing that is in use lies in it.
    unsafe { memory::init(free, cpus) };
    Ok(())
}

ktest! {
    fn image_and_initrd_lie_in_the_first_memory() {
        let first = &machine().memory[0];
        let image = arch::image::image();
        for range in machine().initrd.iter().chain([&image]) {
            ensure!(
                first.contains(&range.start) && range.end <= first.end,
                "{range:#x?} is not in {first:#x?}"
            );
        }
        Ok(())
    }

    fn the_heap_is_in_memory_that_nobody_has() {
        let block = Box::new(0u64);
        let address = core::ptr::from_ref(&*block) as u64;
        ensure!(machine().memory[0].contains(&address), "{address:#x} is not in the first memory");
        ensure!(!arch::image::image().contains(&address), "{address:#x} is in the image");
        let initrd = machine().initrd.clone().unwrap_or_default();
        ensure!(!initrd.contains(&address), "{address:#x} is in the initial RAM disk");
        Ok(())
    }

    fn the_boot_cpu_has_an_interrupt_server() {
        ensure!(!machine().servers.is_empty(), "no CPU");
        ensure!(machine().servers.iter().all(|servers| !servers.is_empty()), "a CPU without a thread");
        Ok(())
    }
}

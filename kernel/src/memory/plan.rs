//! What the memory that nobody has at start becomes: page tables, stacks, heap, in this order.

use core::ops::Range;

use kernel_core::radix::{PAGE_SIZE, ROOT_SIZE, TABLE_SIZE};
use spin::Once;

use super::heap;

/// The parts, each a whole number of pages.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// For page tables, if the processor has any.
    pub(super) tables: Range<u64>,
    /// For stacks.
    pub(super) stacks: Range<u64>,
    pub(super) heap: Range<u64>,
}

static PLAN: Once<Plan> = Once::new();

/// The plan.
///
/// # Panics
/// Before the memory is divided.
pub(super) fn plan() -> &'static Plan {
    PLAN.get()
        .expect("memory is divided when the device tree is read")
}

/// Bytes that page tables have, used or not; 0 where memory is not protected.
pub(super) fn page_tables() -> u64 {
    match super::is_protected() {
        true => plan().tables.end - plan().tables.start,
        false => 0,
    }
}

/// What part of the memory stacks get.
const STACKS_PART: u64 = 4;

/// Divides `free`, which is memory that nobody uses, on a machine with so many CPUs, and starts the heap in its part.
///
/// # Safety
/// That memory is nobody else's, ever.
#[allow(unsafe_code, reason = "takes over memory")]
pub(crate) unsafe fn init(free: Range<u64>, cpus: usize) {
    let page = |address: u64| address & !(PAGE_SIZE - 1);
    let (start, end) = (free.start.next_multiple_of(PAGE_SIZE), page(free.end));
    let stacks_size = page((end - start) / STACKS_PART);
    let tables_size = tables_size(end, stacks_size, cpus.min(arch::cpu::MAXIMUM) as u64);
    // The roots are at the end, which is why it is aligned like them.
    let tables_end = (start + tables_size).next_multiple_of(ROOT_SIZE);
    let stacks_end = tables_end + stacks_size;
    assert!(
        stacks_end < end,
        "{:#x} to {:#x} is too little memory",
        free.start,
        free.end
    );
    let plan = PLAN.call_once(|| Plan {
        tables: start..tables_end,
        stacks: tables_end..stacks_end,
        heap: stacks_end..end,
    });
    // SAFETY: as the caller says.
    unsafe { heap::init_heap(plan.heap.start, plan.heap.end - plan.heap.start) };
}

/// Room for the tables of an address space that ends at `end`, with so much for stacks and so many CPUs. Pages are small in
/// the image with its areas, in the stacks, and where any other part begins or ends.
fn tables_size(end: u64, stacks_size: u64, cpus: u64) -> u64 {
    /// What a table covers whose entries are small pages, and one above it.
    const COVERS: u64 = PAGE_SIZE * TABLE_SIZE / 8;
    const UPPER_COVERS: u64 = COVERS * TABLE_SIZE / 8;
    /// Ends of the initial RAM disk, of the tables, of the stacks, of the heap.
    const ENDS: u64 = 8;
    /// The table of all of the upper ones, the table of processes, that of partitions.
    const SINGLE: u64 = 3;
    /// The three levels of a window.
    const WINDOW: u64 = 3;
    let small = arch::image::image().end.div_ceil(COVERS) + stacks_size.div_ceil(COVERS) + ENDS;
    let shared = small + end.div_ceil(UPPER_COVERS) + SINGLE;
    shared * TABLE_SIZE + cpus * (WINDOW * TABLE_SIZE + ROOT_SIZE)
}

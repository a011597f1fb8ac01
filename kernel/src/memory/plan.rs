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
pub(crate) fn page_tables() -> u64 {
    match super::is_protected() {
        true => plan().tables.end - plan().tables.start,
        false => 0,
    }
}

/// CPUs for whose tables there is room.
const CPUS: u64 = arch::cpu::MAXIMUM as u64;
/// What part of the memory stacks get.
const STACKS_PART: u64 = 4;

/// Divides `free`, which is memory that nobody uses, and starts the heap in its part.
///
/// # Safety
/// That memory is nobody else's, ever.
#[allow(unsafe_code, reason = "takes over memory")]
pub(crate) unsafe fn init(free: Range<u64>) {
    let page = |address: u64| address & !(PAGE_SIZE - 1);
    let (start, end) = (free.start.next_multiple_of(PAGE_SIZE), page(free.end));
    let tables_end = start + tables_size(end);
    let stacks_end = tables_end + page(end.saturating_sub(tables_end) / STACKS_PART);
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

/// Room for the tables of an address space that ends at `end`, if all pages were small in its lower half, where everything is
/// that needs small ones; and for a root and a window of each CPU. The other levels and what roots lose by their alignment
/// are in the rounding.
fn tables_size(end: u64) -> u64 {
    /// What one table of small pages covers.
    const TABLE_COVERS: u64 = PAGE_SIZE * TABLE_SIZE / 8;
    let shared = (end / 2).div_ceil(TABLE_COVERS) * TABLE_SIZE;
    shared + CPUS * 2 * ROOT_SIZE
}

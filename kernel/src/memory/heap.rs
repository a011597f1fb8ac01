//! The heap: `linked_list_allocator` behind the kernel's lock.
#![allow(
    unsafe_code,
    reason = "`GlobalAlloc` is an unsafe trait, and a heap hands out raw memory"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use linked_list_allocator::Heap;

use crate::sync::{IrqLock, Rank};
use crate::{cpu, thread};

struct KernelHeap(IrqLock<Heap>);

#[global_allocator]
static HEAP: KernelHeap = KernelHeap(IrqLock::new(Rank::Heap, Heap::empty()));

// SAFETY: `Heap` hands out what the layout asks for from memory that `init_heap` gave it alone, and the lock
// keeps two callers, and a caller and an interrupt, apart.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0
            .lock()
            .allocate_first_fit(layout)
            .map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let Some(pointer) = NonNull::new(pointer) {
            // SAFETY: the caller got `pointer` from `alloc` with this layout.
            unsafe { self.0.lock().deallocate(pointer, layout) };
        }
    }
}

/// Gives the heap its memory: `size` bytes from the address `start` on. Once.
///
/// # Safety
/// That memory is RAM that nobody else uses, ever.
pub(super) unsafe fn init_heap(start: u64, size: u64) {
    // SAFETY: as the caller says.
    unsafe { HEAP.0.lock().init(start as *mut u8, size as usize) };
}

/// Bytes of the heap that are handed out.
pub fn heap_in_use() -> usize {
    HEAP.0.lock().used()
}

/// Bytes of the heap.
pub fn heap_size() -> usize {
    HEAP.0.lock().size()
}

/// As [`heap_in_use`], at a moment at which no other CPU is about to give back what a thread that has ended leaves. For cases
/// that want to see that nothing is lost.
pub fn heap_at_rest() -> usize {
    /// Ticks of the timebase between two looks: 2 ms; and how many there are at most.
    const PATIENCE: u64 = arch::time::TICKS_PER_SECOND / 500;
    const LOOKS: usize = 100;
    let mut last = heap_in_use();
    if cpu::count() == 1 {
        return last;
    }
    for _ in 0..LOOKS {
        thread::sleep(PATIENCE);
        let now = heap_in_use();
        if now == last {
            break;
        }
        last = now;
    }
    last
}
